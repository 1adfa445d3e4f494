"""The SIP user that the simulated account has from the start, so that a trunk works before anything is created."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulator.telnyx.account.record import numeric_id
from simulator.telnyx.account.records.connections import CredentialConnection
from simulator.telnyx.account.records.sip import SipOutbound
from simulator.telnyx.account.seed import PROFILE_ID
from simulator.telnyx.account.store import Account, now

_USER: Final = "sidetone"
_CHARACTERS: Final = range(8, 129)


@dataclass(frozen=True, slots=True)
class Subscriber:
    user_name: str
    password: str

    def __repr__(self) -> str:
        return f"Subscriber({self.user_name!r})"


def load_subscriber(path: Path) -> Subscriber:
    """The password kept in `path`, made on first use (mode 0600), so that trunks outlive a restart.

    Raises ValueError with one sentence when the file holds something else.
    """
    try:
        password = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        # Letters and digits alone: SIP agents read a password in syntaxes of their own.
        password = secrets.token_hex(16)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(password + "\n")
    except UnicodeDecodeError:
        password = ""
    if len(password) not in _CHARACTERS:
        raise ValueError(f"{path} does not hold a password of 8 to 128 characters: delete it, and one is made.")
    return Subscriber(_USER, password)


def subscribe(account: Account, subscriber: Subscriber) -> None:
    """Give the account a credential connection with that user."""
    created = now()
    account.credential_connections.put(
        CredentialConnection(
            id=numeric_id(),
            created_at=created,
            updated_at=created,
            connection_name="Sidetone SIP trunk",
            user_name=subscriber.user_name,
            password=subscriber.password,
            outbound=SipOutbound(outbound_voice_profile_id=PROFILE_ID),
        )
    )

"""Kinds of parameters that only the account's resources have. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from simulator.telnyx.account.refusals import invalid
from simulator.telnyx.errors import Code
from simulator.telnyx.requests.fields import Address, Choice, Many, Text, Whole, name_of


def _matching(pattern: str, wanted: str) -> Text:
    return Text(code=Code.INVALID_VALUE, pattern=re.compile(pattern, re.ASCII), wanted=wanted)


NAME: Final = Text(limit=255)
SHORT: Final = Text(limit=1000)
ID: Final = Text(limit=64)
TAGS: Final = Many(NAME, most=100)
CHANNELS: Final = Whole(0, 2**31 - 1)
WEBHOOK_SECONDS: Final = Whole(0, 30)
PORT: Final = Whole(1, 65535)
PASSWORD: Final = Text(limit=128, least=8)
DTMF_TYPE: Final = Choice("RFC 2833", "Inband", "SIP INFO")
ANCHORSITE: Final = Choice(
    "Latency",
    "Chicago, IL",
    "Ashburn, VA",
    "San Jose, CA",
    "Sydney, Australia",
    "Amsterdam, Netherlands",
    "London, UK",
    "Toronto, Canada",
    "Vancouver, Canada",
    "Frankfurt, Germany",
)
HOSTNAME: Final = _matching(
    r"(?=.{1,253}$)(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})+\.?", "a fully qualified domain name"
)
SUBDOMAIN: Final = _matching(
    r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", "a name of letters, digits and hyphens"
)
USER_NAME: Final = _matching(
    r"(?=.{0,4}[A-Za-z])[A-Za-z0-9]{4,32}",
    "4 to 32 letters and digits, with a letter among the first five",
)
DOLLARS: Final = _matching(r"[0-9]{1,10}(\.[0-9]{1,4})?", 'an amount such as "100.00"')
COUNTRY: Final = _matching(r"[A-Z]{2}", "a country code of two capital letters")
CLOCK: Final = _matching(
    r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?Z?", "a time of day such as 08:00"
)


@dataclass(frozen=True, slots=True)
class AddressOrNothing:
    """A URL, or an empty string that takes it away."""

    def read(self, value: Any, pointer: str) -> str:
        return "" if value == "" else Address().read(value, pointer)


@dataclass(frozen=True, slots=True)
class IdOrNothing:
    """The id of another resource; an empty string takes it away."""

    def read(self, value: Any, pointer: str) -> str | None:
        return ID.read(value, pointer) or None


@dataclass(frozen=True, slots=True)
class Ipv4:
    def read(self, value: Any, pointer: str) -> str:
        text = ID.read(value, pointer)
        try:
            return str(ipaddress.IPv4Address(text))
        except ValueError:
            raise invalid(f"The '{name_of(pointer)}' parameter must be an IPv4 address.", pointer) from None


@dataclass(frozen=True, slots=True)
class Moment:
    """An ISO 8601 date and time, kept as it came."""

    def read(self, value: Any, pointer: str) -> str:
        text = ID.read(value, pointer)
        if moment(text) is None:
            detail = f"The '{name_of(pointer)}' parameter must be an ISO 8601 date and time."
            raise invalid(detail, pointer)
        return text


def moment(text: str) -> datetime | None:
    """The instant that `text` names in ISO 8601, UTC unless it says otherwise; None when it names none."""
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None

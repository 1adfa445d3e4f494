"""What a fresh account owns, so that a call can be made before anything is created."""

from __future__ import annotations

from typing import Final

from simulator.telnyx.account.record import numeric_id
from simulator.telnyx.account.records.applications import (
    ApplicationOutbound,
    CallControlApplication,
    TexmlApplication,
)
from simulator.telnyx.account.records.numbers import PhoneNumber
from simulator.telnyx.account.records.profiles import OutboundVoiceProfile
from simulator.telnyx.account.store import Account, now

PROFILE_ID: Final = "1494404757140276700"
CALL_CONTROL_APPLICATION_ID: Final = "1494404757140276701"
TEXML_APPLICATION_ID: Final = "1494404757140276705"
FIRST_NUMBER: Final = "+15550100000"
_MORE_NUMBERS: Final = ("+15550100001", "+15550100002")
PLACEHOLDER_URL: Final = "http://127.0.0.1:8000/webhooks/telnyx"


def fresh_account(webhook_event_url: str = PLACEHOLDER_URL, voice_url: str = PLACEHOLDER_URL) -> Account:
    """A new account with one voice profile (US and CA), one application of each kind, and three numbers.

    `webhook_event_url` is the Call Control application's and `voice_url` the TeXML application's. The first
    number is assigned to the TeXML application, the second to the Call Control application and the third to
    nobody.
    """
    account = Account()
    created = now()
    account.profiles.put(
        OutboundVoiceProfile(id=PROFILE_ID, created_at=created, updated_at=created, name="Sidetone")
    )
    outbound = ApplicationOutbound(outbound_voice_profile_id=PROFILE_ID)
    account.call_control_applications.put(
        CallControlApplication(
            id=CALL_CONTROL_APPLICATION_ID,
            created_at=created,
            updated_at=created,
            application_name="Sidetone Call Control",
            webhook_event_url=webhook_event_url,
            webhook_api_version="2",
            outbound=outbound,
        )
    )
    account.texml_applications.put(
        TexmlApplication(
            id=TEXML_APPLICATION_ID,
            created_at=created,
            updated_at=created,
            friendly_name="Sidetone TeXML",
            voice_url=voice_url,
            outbound=outbound,
        )
    )
    connections = (TEXML_APPLICATION_ID, CALL_CONTROL_APPLICATION_ID, None)
    for number, connection_id in zip((FIRST_NUMBER, *_MORE_NUMBERS), connections, strict=True):
        account.phone_numbers.put(
            PhoneNumber(
                id=numeric_id(),
                created_at=created,
                updated_at=created,
                phone_number=number,
                country_iso_alpha2="US",
                connection_id=connection_id,
            )
        )
    return account

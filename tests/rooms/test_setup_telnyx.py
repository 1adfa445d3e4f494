"""What ``sidetone doctor`` finds in the Telnyx connection of the number, in a simulated account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from livekit import api

from agent.provision.livekit.finding import Finding
from agent.provision.livekit.objects import Inbound
from agent.provision.livekit.steps import Found
from agent.provision.livekit.telnyx_account import TelnyxProblem, look
from agent.provision.livekit.telnyx_checks import check_telnyx
from agent.provision.livekit.wanted import telephony
from simulator.telnyx.account.seed import PROFILE_ID
from tests.simulator.account_house import KEY, House, served

NUMBER = "+15550100000"
HOST = "x.sip.livekit.cloud"
OPEN = api.SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE
ALLOWED = api.SIPMediaEncryption.SIP_MEDIA_ENCRYPT_ALLOW
GOOD: dict[str, Any] = {
    "connection_name": "LiveKit",
    "transport_protocol": "TCP",
    "inbound": {"ani_number_format": "+E.164", "dnis_number_format": "+e164"},
    "outbound": {"outbound_voice_profile_id": PROFILE_ID},
}


@pytest.fixture
async def account() -> AsyncIterator[House]:
    async with served() as house:
        yield house


async def _connect(account: House, host: str = HOST, **changed: Any) -> None:
    """Give the number an FQDN connection."""
    async with account.client() as client:
        made = await client.fqdn_connections.create(**{**GOOD, **changed})
        assert made.data is not None
        known = made.data.id or ""
        if host:
            await client.fqdns.create(connection_id=known, fqdn=host, dns_record_type="a")
        await client.fqdn_connections.fqdn_authentication.patch_all(
            known, fqdn_outbound_authentication="credential-authentication", user_name="clinic1", password="p" * 12
        )
        (number,) = [one async for one in client.phone_numbers.list(filter={"phone_number": NUMBER})]
        await client.phone_numbers.update(number.id or "", connection_id=known)


async def _found(
    account: House, number: str = NUMBER, encryption: api.SIPMediaEncryption = OPEN, user: str = "clinic1"
) -> list[Finding]:
    settings = telephony(
        {
            "LIVEKIT_URL": "wss://x.livekit.cloud",
            "LIVEKIT_API_KEY": "k",
            "LIVEKIT_API_SECRET": "s",
            "TELNYX_PHONE_NUMBER": number,
            "TELNYX_SIP_USERNAME": user,
        }
    )
    trunk = Inbound(sip_trunk_id="ST_in", numbers=[number], media_encryption=encryption)
    return check_telnyx(await look(account.base_url, KEY, number), Found([trunk]), settings)


async def test_a_connection_as_the_guide_has_it(account: House) -> None:
    await _connect(account)
    (found,) = await _found(account)
    assert (found.state, found.text) == ("ok", f"“LiveKit” sends {NUMBER} to {HOST}")


async def test_a_number_that_goes_elsewhere(account: House) -> None:
    for number, says in (
        (NUMBER, f"calls to {NUMBER} go to the TeXML application “Sidetone TeXML”"),
        ("+15550100001", "calls to +15550100001 go to the Call Control application “Sidetone Call Control”"),
        ("+15550100002", "+15550100002 is assigned to no connection"),
        ("+15550199999", "+15550199999 is not a number of this Telnyx account"),
        ("+1555010000", "+1555010000 is not a number of this Telnyx account"),
    ):
        (found,) = await _found(account, number)
        assert (found.state, found.text) == ("note", says)
        assert "FQDN connection" in found.fix


@pytest.mark.parametrize(
    ("changed", "state", "says"),
    [
        ({"host": ""}, "missing", "has no FQDN"),
        ({"host": "x.livekit.cloud"}, "missing", "sends calls to x.livekit.cloud, which takes no SIP"),
        ({"active": False}, "missing", "is switched off"),
        ({"transport_protocol": "UDP"}, "note", "calls over UDP"),
        ({"outbound": {}}, "missing", "has no outbound voice profile"),
        (
            {"inbound": {"ani_number_format": "E.164-national", "dnis_number_format": "+e164"}},
            "note",
            "sends the caller's number as E.164-national",
        ),
        (
            {"inbound": {"ani_number_format": "+E.164", "dnis_number_format": "national"}},
            "missing",
            "sends the called number as national",
        ),
        (
            {"inbound": {"ani_number_format": "+E.164", "dnis_number_format": "+e164", "codecs": ["G729"]}},
            "missing",
            "offers only G729",
        ),
    ],
)
async def test_each_cause_is_found(account: House, changed: dict[str, Any], state: str, says: str) -> None:
    await _connect(account, **changed)
    (found,) = await _found(account)

    assert found.state == state
    assert says in found.text
    assert found.fix


async def test_encryption_must_be_on_at_both_ends(account: House) -> None:
    await _connect(account, transport_protocol="TLS", encrypted_media="SRTP")
    (found,) = await _found(account)
    assert (found.state, found.text) == ("missing", "“LiveKit” encrypts sound, and ST_in does not")
    assert [one.state for one in await _found(account, encryption=ALLOWED)] == ["ok"]


async def test_another_user_name(account: House) -> None:
    await _connect(account)
    (found,) = await _found(account, user="somebody")
    assert found.text == "“LiveKit” has the user clinic1, TELNYX_SIP_USERNAME is somebody"


async def test_telnyx_does_not_tell(account: House) -> None:
    with pytest.raises(TelnyxProblem, match="Telnyx cannot be reached"):
        await look("http://127.0.0.1:1/v2", KEY, NUMBER)
    with pytest.raises(TelnyxProblem, match="it answers 404"):
        await look(account.base_url + "/nothing", KEY, NUMBER)

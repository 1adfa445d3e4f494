"""Whatever is sent to an account's resources, the answer is a resource or a refusal, never a failure."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.telnyx.account.record import Part
from simulator.telnyx.account.records.applications import CallControlApplication, TexmlApplication
from simulator.telnyx.account.records.connections import (
    CredentialConnection,
    Fqdn,
    FqdnAuthentication,
    FqdnConnection,
    Ip,
    IpConnection,
)
from simulator.telnyx.account.records.credentials import TelephonyCredential
from simulator.telnyx.account.records.numbers import NumberOrder, PhoneNumber, VerifiedNumber, VoiceSettings
from simulator.telnyx.account.records.profiles import OutboundVoiceProfile
from simulator.telnyx.account.seed import FIRST_NUMBER, PROFILE_ID, TEXML_APPLICATION_ID
from simulator.telnyx.account.store import now
from tests.simulator.account_house import house, refusal

HOUSE = house()
NUMBER = HOUSE.account.owned(FIRST_NUMBER)
assert NUMBER is not None
FQDN_CONNECTION_ID = "2000000000000000001"
HOUSE.account.fqdn_connections.put(
    FqdnConnection(
        id=FQDN_CONNECTION_ID,
        created_at=now(),
        updated_at=now(),
        connection_name="a",
        authentication=FqdnAuthentication(id="2000000000000000002"),
    )
)

URL = "https://a.example"
RESOURCES: dict[str, tuple[type[Part], dict[str, Any]]] = {
    "/texml_applications": (TexmlApplication, {"friendly_name": "a", "voice_url": URL}),
    f"/texml_applications/{TEXML_APPLICATION_ID}": (TexmlApplication, {"friendly_name": "a", "voice_url": URL}),
    "/call_control_applications": (CallControlApplication, {"application_name": "a", "webhook_event_url": URL}),
    "/outbound_voice_profiles": (OutboundVoiceProfile, {"name": "a"}),
    f"/outbound_voice_profiles/{PROFILE_ID}": (OutboundVoiceProfile, {"name": "a"}),
    "/credential_connections": (
        CredentialConnection,
        {"connection_name": "a", "user_name": "user1", "password": "12345678"},
    ),
    "/fqdn_connections": (FqdnConnection, {"connection_name": "a"}),
    f"/fqdn_connections/{FQDN_CONNECTION_ID}/fqdn_authentication": (FqdnAuthentication, {}),
    "/ip_connections": (IpConnection, {}),
    "/fqdns": (Fqdn, {"connection_id": FQDN_CONNECTION_ID, "fqdn": "a.example", "dns_record_type": "a"}),
    "/ips": (Ip, {"ip_address": "192.0.2.1"}),
    "/telephony_credentials": (TelephonyCredential, {"connection_id": FQDN_CONNECTION_ID}),
    "/number_orders": (NumberOrder, {"phone_numbers": [{"phone_number": "+15550100055"}]}),
    f"/phone_numbers/{NUMBER.id}": (PhoneNumber, {}),
    f"/phone_numbers/{NUMBER.id}/voice": (VoiceSettings, {}),
    "/verified_numbers": (VerifiedNumber, {"phone_number": "+15551234567", "verification_method": "sms"}),
    "/verified_numbers/+15551234567/actions/verify": (VerifiedNumber, {"verification_code": "12345"}),
}
LISTS = [
    "/texml_applications",
    "/call_control_applications",
    "/outbound_voice_profiles",
    "/fqdn_connections",
    "/phone_numbers",
    "/phone_numbers/slim",
    "/phone_numbers/voice",
    "/available_phone_numbers",
    "/number_orders",
    "/telephony_credentials",
    "/connections",
]

WORDS = st.sampled_from(
    [
        "",
        "a",
        "https://a.example",
        "+15550100000",
        "Latency",
        "post",
        "user1",
        "12345678",
        "1",
        "null",
        "\ud800",
        "\0",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=4
)


def bodies(path: str) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """A body that is right, with some of the record's fields set to anything."""
    record, right = RESOURCES[path]
    names = [*(each.name for each in msgspec.structs.fields(record)), "nothing"]
    changes = st.dictionaries(st.sampled_from(names), VALUES | parts(record), max_size=4)
    return st.tuples(st.just(path), changes.map(lambda changed: right | changed))


def parts(record: type[Part]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with the names of the record's objects."""
    names = sorted(
        {
            each.name
            for field in msgspec.structs.fields(record)
            if isinstance(field.default, Part)
            for each in msgspec.structs.fields(field.default)
        }
    )
    return st.dictionaries(st.sampled_from(names or ["nothing"]), VALUES, max_size=4)


async def never_fails(method: str, path: str, **options: Any) -> None:
    answer = await HOUSE.ask(method, path, **options)
    assert answer.status_code < 500
    if answer.status_code >= 400:
        refusal(answer)


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(sorted(RESOURCES)).flatmap(bodies))
def test_any_body_is_taken_or_refused(request: tuple[str, dict[str, Any]]) -> None:
    path, body = request
    for method in ("POST", "PATCH"):
        asyncio.run(never_fails(method, path, content=json.dumps(body)))


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(RESOURCES)), st.binary(max_size=40) | st.text(max_size=20).map(str.encode))
def test_any_bytes_are_taken_or_refused(path: str, body: bytes) -> None:
    asyncio.run(never_fails("POST", path, content=body))


NAMES = st.sampled_from(
    [
        "page[number]",
        "page[size]",
        "sort",
        "filter[phone_number]",
        "filter[phone_number][contains]",
        "filter[status]",
        "filter[limit]",
        "filter[country_code]",
        "filter[national_destination_code]",
        "filter[created_at][gt]",
        "filter[start_time][lte]",
        "filter[friendly_name]",
        "filter[name][contains]",
        "include_tags",
    ]
)


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from(LISTS),
    st.lists(st.tuples(NAMES | st.text(max_size=12), st.text(max_size=8) | st.integers().map(str)), max_size=4),
)
def test_any_query_is_taken_or_refused(path: str, query: list[tuple[str, str]]) -> None:
    asyncio.run(never_fails("GET", path, params=query))

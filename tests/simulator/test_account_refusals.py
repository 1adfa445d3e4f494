"""What an account refuses, in Telnyx's shape, and that nothing is kept of it."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.telnyx.account.record import numeric_id
from simulator.telnyx.account.records.profiles import OutboundVoiceProfile
from simulator.telnyx.account.seed import CALL_CONTROL_APPLICATION_ID, PROFILE_ID, TEXML_APPLICATION_ID
from simulator.telnyx.account.store import now
from simulator.telnyx.account.table import Table
from simulator.telnyx.errors import TelnyxError
from tests.simulator.account_house import house, refusal

TEXML = {"friendly_name": "x", "voice_url": "https://a.example"}
CONTROL = {"application_name": "x", "webhook_event_url": "https://a.example"}
CREDENTIAL = {"connection_name": "x", "user_name": "user1", "password": "12345678"}
FQDN = {"connection_name": "x"}


@pytest.mark.parametrize(
    ("path", "body", "code", "pointer"),
    [
        ("/texml_applications", {}, "10004", "/friendly_name"),
        ("/texml_applications", {"friendly_name": "x", "voice_url": ""}, "10004", "/voice_url"),
        ("/texml_applications", TEXML | {"friendly_name": 1}, "10026", "/friendly_name"),
        ("/texml_applications", TEXML | {"voice_url": "a.example"}, "10003", "/voice_url"),
        ("/texml_applications", TEXML | {"voice_method": "POST"}, "10032", "/voice_method"),
        ("/texml_applications", TEXML | {"active": "yes"}, "10026", "/active"),
        ("/texml_applications", TEXML | {"inbound": []}, "10026", "/inbound"),
        ("/texml_applications", TEXML | {"inbound": {"channel_limit": -1}}, "10033", "/inbound/channel_limit"),
        (
            "/texml_applications",
            TEXML | {"outbound": {"outbound_voice_profile_id": "1"}},
            "10017",
            "/outbound/outbound_voice_profile_id",
        ),
        ("/call_control_applications", CONTROL | {"webhook_timeout_secs": 31}, "10033", "/webhook_timeout_secs"),
        ("/call_control_applications", CONTROL | {"webhook_api_version": 2}, "10026", "/webhook_api_version"),
        ("/call_control_applications", CONTROL | {"dtmf_type": "inband"}, "10032", "/dtmf_type"),
        ("/call_control_applications", CONTROL | {"tags": ["a", 1]}, "10026", "/tags/1"),
        ("/outbound_voice_profiles", {}, "10004", "/name"),
        (
            "/outbound_voice_profiles",
            {"name": "x", "whitelisted_destinations": ["usa"]},
            "10015",
            "/whitelisted_destinations/0",
        ),
        ("/outbound_voice_profiles", {"name": "x", "concurrent_call_limit": 0}, "10033", "/concurrent_call_limit"),
        (
            "/outbound_voice_profiles",
            {"name": "x", "call_recording": {"call_recording_caller_phone_numbers": ["1"]}},
            "10016",
            "/call_recording/call_recording_caller_phone_numbers/0",
        ),
        ("/credential_connections", CREDENTIAL | {"password": "short"}, "10025", "/password"),
        ("/credential_connections", CREDENTIAL | {"user_name": "a b c d"}, "10015", "/user_name"),
        ("/credential_connections", CREDENTIAL | {"user_name": "123456a"}, "10015", "/user_name"),
        (
            "/credential_connections",
            CREDENTIAL | {"webhook_api_version": "texml"},
            "10015",
            "/webhook_api_version",
        ),
        ("/credential_connections", CREDENTIAL | {"encrypted_media": "ZRTP"}, "10032", "/encrypted_media"),
        (
            "/credential_connections",
            CREDENTIAL | {"bridge_generate_comfort_noise_on_cn": None},
            "10026",
            "/bridge_generate_comfort_noise_on_cn",
        ),
        ("/fqdn_connections", FQDN | {"encrypted_media": "SRTP"}, "10015", "/encrypted_media"),
        (
            "/fqdn_connections",
            FQDN | {"inbound": {"timeout_2xx_secs": 601}},
            "10033",
            "/inbound/timeout_2xx_secs",
        ),
        ("/fqdns", {"connection_id": "1", "fqdn": "a.example", "dns_record_type": "a"}, "10017", "/connection_id"),
        ("/fqdns", {"connection_id": "1", "fqdn": "-", "dns_record_type": "a"}, "10015", "/fqdn"),
        (
            "/fqdns",
            {"connection_id": "1", "fqdn": "a.example", "dns_record_type": "mx"},
            "10032",
            "/dns_record_type",
        ),
        ("/ips", {"ip_address": "300.1.1.1"}, "10015", "/ip_address"),
        ("/telephony_credentials", {"connection_id": "1"}, "10017", "/connection_id"),
        ("/telephony_credentials", {"connection_id": "1", "expires_at": "soon"}, "10015", "/expires_at"),
        ("/number_orders", {}, "10004", "/phone_numbers"),
        ("/number_orders", {"phone_numbers": []}, "10033", "/phone_numbers"),
        ("/number_orders", {"phone_numbers": [{}]}, "10004", "/phone_numbers/0/phone_number"),
        ("/number_orders", {"phone_numbers": [{"phone_number": "555"}]}, "10016", "/phone_numbers/0/phone_number"),
        ("/number_orders", {"phone_numbers": [{"phone_number": "+15550100000"}]}, "10012", "/phone_numbers/0"),
        (
            "/number_orders",
            {"phone_numbers": [{"phone_number": "+15550100009"}], "connection_id": "1"},
            "10017",
            "/connection_id",
        ),
        ("/verified_numbers", {"phone_number": "1", "verification_method": "sms"}, "10016", "/phone_number"),
        ("/verified_numbers", {"phone_number": "+15551234567"}, "10004", "/verification_method"),
    ],
)
async def test_a_wrong_body_is_refused_by_its_pointer(
    path: str, body: dict[str, Any], code: str, pointer: str
) -> None:
    made = house()
    before = (await made.ask("GET", path)).json()
    answer = await made.ask("POST", path, json=body)
    assert answer.status_code == 422
    error = refusal(answer)
    assert (error["code"], error["source"]) == (code, {"pointer": pointer})
    assert (await made.ask("GET", path)).json() == before


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/texml_applications?page[number]=0", "page[number]"),
        ("/texml_applications?page[size]=251", "page[size]"),
        ("/texml_applications?sort=voice_url", "sort"),
        ("/texml_applications?filter[friendly_name]=ab", "filter[friendly_name]"),
        ("/call_control_applications?filter[nothing]=1", "filter[nothing]"),
        ("/phone_numbers?filter[status]=gone", "filter[status]"),
        ("/phone_numbers?filter[phone_number]=1", "filter[phone_number]"),
        ("/phone_numbers/slim?include_tags=2", "include_tags"),
        ("/phone_numbers/voice?page[size]=x", "page[size]"),
        ("/available_phone_numbers?filter[limit]=0", "filter[limit]"),
        ("/available_phone_numbers?filter[features][]=telex", "filter[features]"),
        ("/number_orders?filter[created_at][gt]=soon", "filter[created_at][gt]"),
        ("/verified_numbers?page[number]=x", "page[number]"),
        ("/connections?sort=name", "sort"),
    ],
)
async def test_a_wrong_query_is_refused_by_its_parameter(path: str, parameter: str) -> None:
    answer = await house().ask("GET", path)
    assert answer.status_code in (400, 422)
    assert refusal(answer)["source"] == {"parameter": parameter}


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/texml_applications/1",
        "/call_control_applications/x",
        "/outbound_voice_profiles/1",
        "/credential_connections/1",
        "/fqdn_connections/1",
        "/ip_connections/1",
        "/fqdns/1",
        "/ips/1",
        "/telephony_credentials/1",
        "/phone_numbers/1",
    ],
)
async def test_what_is_not_there_is_not_found(method: str, path: str) -> None:
    answer = await house().ask(method, path, json={} if method == "PATCH" else None)
    assert (answer.status_code, refusal(answer)["code"]) == (404, "10005")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/connections/1"),
        ("GET", "/fqdn_connections/1/fqdn_authentication"),
        ("PATCH", "/fqdn_connections/1/fqdn_authentication"),
        ("POST", "/credential_connections/1/actions/check_registration_status"),
        ("POST", "/telephony_credentials/1/token"),
        ("PATCH", "/phone_numbers/1/voice"),
        ("GET", "/number_orders/1"),
        ("PATCH", "/number_orders/1"),
        ("GET", "/verified_numbers/+15551234567"),
    ],
)
async def test_parts_of_what_is_not_there_are_not_found(method: str, path: str) -> None:
    answer = await house().ask(method, path)
    assert (answer.status_code, refusal(answer)["code"]) == (404, "10005")


async def test_an_update_needs_what_telnyx_needs() -> None:
    made = house()
    for path, pointer in (
        (f"/texml_applications/{TEXML_APPLICATION_ID}", "/friendly_name"),
        (f"/call_control_applications/{CALL_CONTROL_APPLICATION_ID}", "/application_name"),
        (f"/outbound_voice_profiles/{PROFILE_ID}", "/name"),
    ):
        answer = await made.ask("PATCH", path, json={"tags": []})
        assert refusal(answer)["source"] == {"pointer": pointer}


async def test_a_sip_subdomain_belongs_to_one_connection() -> None:
    made = house()
    inbound = {"inbound": {"sip_subdomain": "agent"}}
    first = await made.ask("POST", "/texml_applications", json=TEXML | inbound)
    again = await made.ask("PATCH", f"/texml_applications/{first.json()['data']['id']}", json=TEXML | inbound)
    assert again.status_code == 200
    other = await made.ask("POST", "/fqdn_connections", json=FQDN | {"inbound": {"sip_subdomain": "AGENT"}})
    assert refusal(other)["code"] == "10012"


async def test_what_is_used_is_not_deleted() -> None:
    made = house()
    for path in (
        f"/texml_applications/{TEXML_APPLICATION_ID}",
        f"/call_control_applications/{CALL_CONTROL_APPLICATION_ID}",
        f"/outbound_voice_profiles/{PROFILE_ID}",
    ):
        answer = await made.ask("DELETE", path)
        assert (answer.status_code, refusal(answer)["code"]) == (422, "10021")
        assert (await made.ask("GET", path)).status_code == 200


async def test_read_only_fields_are_passed_over_and_null_clears() -> None:
    made = house()
    path = f"/texml_applications/{TEXML_APPLICATION_ID}"
    body = TEXML | {"id": "1", "created_at": "x", "outbound": {"outbound_voice_profile_id": None}, "active": None}
    data = (await made.ask("PATCH", path, json=body)).json()["data"]
    assert data["id"] == TEXML_APPLICATION_ID
    assert data["outbound"]["outbound_voice_profile_id"] is None
    assert data["active"] is True


async def test_an_account_does_not_grow_without_end() -> None:
    table = Table[OutboundVoiceProfile]("outbound voice profiles", limit=1)
    table.put(OutboundVoiceProfile(id=numeric_id(), created_at=now(), updated_at=now(), name="a"))
    with pytest.raises(TelnyxError) as full:
        table.put(OutboundVoiceProfile(id=numeric_id(), created_at=now(), updated_at=now(), name="b"))
    assert full.value.code.status == 422
    assert len(table) == 1

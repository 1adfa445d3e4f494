"""The JSON files of the guides, as setup takes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from livekit import api

from agent.provision.livekit.corrections import corrected
from agent.provision.livekit.files import read, read_file
from agent.provision.livekit.objects import Inbound, Outbound, Rule, agents, made_for
from agent.provision.livekit.wanted import Wanted, WantedError

NUMBER = "+15105550100"
OUT = {"address": "sip.telnyx.com", "numbers": [NUMBER], "auth_username": "u", "auth_password": "p",
       "headers": {"X-Telnyx-Username": "u"}}  # fmt: skip
RULE = {"dispatchRuleIndividual": {"roomPrefix": "call-"}}


LOGIN = ("clinic", "a very secret one")


def wanted(data: dict[str, Any], repair: bool = False, login: tuple[str, str] = ("", "")) -> Wanted:
    return corrected(read(data, "file.json"), "sidetone", repair, login)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"trunk": {"name": "in", "numbers": [NUMBER]}}, Inbound),
        ({"name": "in", "numbers": [NUMBER]}, Inbound),
        ({"name": "in", "allowedAddresses": ["192.76.120.10"]}, Inbound),
        ({"trunk": OUT}, Outbound),
        (OUT, Outbound),
        ({"dispatch_rule": {"rule": RULE}}, Rule),
        ({"dispatchRule": {"rule": RULE}}, Rule),
        ({"rule": RULE, "trunk_ids": ["ST_1"], "roomConfig": {"agents": [{"agentName": "sidetone"}]}}, Rule),
    ],
)
def test_each_file_is_known_by_what_it_holds(data: dict[str, Any], kind: type) -> None:
    found = wanted(data)
    assert isinstance(found.info, kind)
    assert made_for(found.info) == "sidetone"


@pytest.mark.parametrize("name", ["room_config", "roomConfig"])
def test_snake_and_camel_case_are_the_same(name: str) -> None:
    found = wanted({"dispatch_rule": {"rule": RULE, name: {"agents": [{"agentName": "sidetone"}]}}})
    assert isinstance(found.info, Rule)
    assert agents(found.info) == ["sidetone"]
    assert found.fields == ("rule", "room_config")
    assert not found.remarks


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"sip_trunk_id": "ST_1", "sip_call_to": NUMBER, "room_name": "r"}, "asks for a call"),
        ({"trunk": {"hostname": "sip.telnyx.com"}, "sip_call_to": NUMBER}, "asks for a call"),
        ({"outbound_number": NUMBER, "outbound_address": "sip.telnyx.com"}, "of the old kind"),
        ({"greeting": "hello"}, "neither an inbound trunk, an outbound trunk nor a dispatch rule"),
        ({"trunk": {"numbers": [NUMBER], "krisp": True}}, "there is no field krisp: there is krispEnabled"),
        (
            {"rule": {"dispatchRuleDirect": {"colour": 1}}},
            "no field colour in rule.dispatchRuleDirect: .*roomName",
        ),
        ({"trunk": {**OUT, "transport": "tcp"}}, "transport is tcp: it may be .*SIP_TRANSPORT_TCP"),
        ({"trunk": {"transport": 2, "numbers": [NUMBER]}}, "has no address: it is sip.telnyx.com"),
        ({"trunk": {"numbers": NUMBER}}, "numbers"),
        ({"dispatch_rule": {"rule": RULE}, "roomConfig": {}}, "roomConfig stands beside dispatch_rule"),
        ({"dispatch_rule": {"name": "in"}}, "says nothing of rooms"),
        ({"trunk": {"name": "in", "numbers": []}}, "has no numbers"),
        ({"trunk": {**OUT, "numbers": []}}, "has no numbers"),
        ({"trunk": {"numbers": ["*"]}}, r"\* is no number in E.164"),
        ({"trunk": {"numbers": ["<your number>"]}}, "<your number> is no number"),
        (
            {"trunk": {**OUT, "auth_username": "<username>"}},
            "auth_username has yet to be filled in: do so, or set",
        ),
        ({"trunk": {**OUT, "address": "sip.example.com", "authPassword": "<p>"}}, "has yet to be filled in.$"),
        ({"trunk": {"numbers": [NUMBER], "authPassword": "<password>"}}, "authPassword has yet to be filled in.$"),
        ({"trunk": {**OUT, "address": "<trunk>.pstn.twilio.com"}}, "is not host or host:port"),
        ({"trunk": {**OUT, "address": "sip:sip.telnyx.com"}}, "is not host or host:port"),
        ({"trunk": {"sip_trunk_id": "ST_1", "numbers": [NUMBER]}}, "sip_trunk_id is the server's to give"),
        ({"sipTrunkId": "ST_1", "numbers": [NUMBER]}, "sip_trunk_id is the server's to give"),
        ({"sip_dispatch_rule_id": "SDR_1", "rule": RULE}, "sip_dispatch_rule_id is the server's to give"),
    ],
)
def test_what_cannot_be_set_up_is_said(data: dict[str, Any], says: str) -> None:
    with pytest.raises(WantedError, match=says):
        wanted(data)


def test_what_is_no_file_of_that_kind(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    with pytest.raises(WantedError, match="cannot be read: No such file"):
        read_file(file)
    file.write_text("{")
    with pytest.raises(WantedError, match="is no JSON"):
        read_file(file)
    file.write_text("[]")
    with pytest.raises(WantedError, match="holds no JSON object"):
        read_file(file)


def test_a_file_of_an_editor_that_writes_a_mark_at_its_beginning(tmp_path: Path) -> None:
    file = tmp_path / "inboundTrunk.json"
    file.write_text(json.dumps({"trunk": {"numbers": [NUMBER]}}), encoding="utf-8-sig")
    assert read_file(file).source == "inboundTrunk.json"


def test_a_rule_without_an_agent_is_told_and_repaired_when_asked() -> None:
    data = {"dispatch_rule": {"rule": RULE}}
    told, repaired = wanted(data), wanted(data, repair=True)

    assert isinstance(told.info, Rule)
    assert isinstance(repaired.info, Rule)
    assert agents(told.info) == []
    assert "calls no agent" in told.remarks[0]
    assert agents(repaired.info) == ["sidetone"]
    assert "room_config" in repaired.fields


def test_another_agent_is_told_and_never_replaced() -> None:
    data = {"dispatch_rule": {"rule": RULE, "roomConfig": {"agents": [{"agentName": "receptionist"}]}}}
    found = wanted(data, repair=True)

    assert isinstance(found.info, Rule)
    assert agents(found.info) == ["receptionist"]
    assert "calls agent receptionist, and ours is sidetone" in found.remarks[0]


def test_telnyx_header_where_it_does_nothing() -> None:
    trunk = {**OUT, "headers_to_attributes": OUT["headers"]}
    del trunk["headers"]
    told, repaired = wanted({"trunk": trunk}), wanted({"trunk": trunk}, repair=True)

    assert "headers_to_attributes reads headers and sends none" in told.remarks[0]
    assert isinstance(repaired.info, Outbound)
    assert dict(repaired.info.headers) == {"X-Telnyx-Username": "u"}


def test_a_header_that_names_another_user_is_told_and_corrected() -> None:
    trunk = {**OUT, "headers": {"x-telnyx-username": "<username>"}}
    told, repaired = wanted({"trunk": trunk}), wanted({"trunk": trunk}, repair=True)

    assert "sends X-Telnyx-Username: <username>, and its user is u" in told.remarks[0]
    assert isinstance(repaired.info, Outbound)
    assert dict(repaired.info.headers) == {"X-Telnyx-Username": "u"}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"auth_username": "<outbound-user>", "auth_password": "<outbound-pass>"},
        {"authUsername": "<your_telnyx_username>", "authPassword": "<your_telnyx_password>"},
        {"auth_username": LOGIN[0]},
    ],
)
def test_the_settings_fill_in_what_the_guides_leave_out(given: dict[str, str]) -> None:
    trunk = {"address": "sip.telnyx.com", "numbers": [NUMBER], **given}
    found = wanted({"trunk": trunk}, login=LOGIN)

    assert isinstance(found.info, Outbound)
    assert (found.info.auth_username, found.info.auth_password) == LOGIN
    assert {"auth_username", "auth_password"} <= {*found.fields}
    assert LOGIN[1] not in str(found.remarks)


@pytest.mark.parametrize(
    "given",
    [
        {"address": "sip.example.com"},
        {"auth_username": "", "auth_password": ""},
        {"auth_username": "u", "auth_password": "p"},
        {"auth_username": "u"},
    ],
)
def test_the_settings_go_nowhere_else(given: dict[str, str]) -> None:
    trunk = {"address": "sip.telnyx.com", "numbers": [NUMBER], **given}
    found = wanted({"trunk": trunk}, login=LOGIN)

    assert isinstance(found.info, Outbound)
    assert found.info.auth_username == given.get("auth_username", "")
    assert found.info.auth_password == given.get("auth_password", "")


@pytest.mark.parametrize(
    ("number", "says", "repaired"),
    [
        ("1234567890", "1234567890 has none, and LiveKit takes it for +1234567890", "1234567890"),
        ("+1234567890", "+1234567890 cannot be one", "+1234567890"),
        ("+1 510 555 0100", f"is not in E.164: write {NUMBER}; --repair does", NUMBER),
    ],
)
def test_a_number_that_is_not_in_e164_is_taken_and_told(number: str, says: str, repaired: str) -> None:
    data = {"trunk": {"name": "Demo Inbound Trunk", "numbers": [number]}}
    told = wanted(data)

    assert isinstance(told.info, Inbound)
    assert list(told.info.numbers) == [number]
    assert says in told.remarks[0]
    assert list(wanted(data, repair=True).info.numbers) == [repaired]  # type: ignore[union-attr]


def test_a_trunk_that_calls_from_any_number() -> None:
    found = wanted({"trunk": {**OUT, "numbers": ["*"]}}, repair=True)
    assert list(found.info.numbers) == ["*"]  # type: ignore[union-attr]
    assert "TELNYX_PHONE_NUMBER" in found.remarks[0]


@pytest.mark.parametrize(
    ("rule", "shared"),
    [
        (RULE, False),
        ({"dispatchRuleDirect": {"roomName": "my-sip-room", "pin": ""}}, True),
        ({"dispatchRuleCallee": {"roomPrefix": "number-", "randomize": False}}, True),
        ({"dispatchRuleCallee": {"roomPrefix": "number-", "randomize": True}}, False),
    ],
)
def test_a_rule_that_puts_several_callers_into_one_room_is_told(rule: dict[str, Any], shared: bool) -> None:
    found = wanted({"dispatch_rule": {"rule": rule}})
    assert ("hear each other" in str(found.remarks)) == shared


def test_an_address_and_numbers_are_repaired() -> None:
    trunk = {**OUT, "address": "sip:sip.telnyx.com;transport=tcp", "numbers": ["+1 (510) 555-0100"]}
    found = wanted({"trunk": trunk}, repair=True)

    assert isinstance(found.info, Outbound)
    assert (found.info.address, found.info.transport) == ("sip.telnyx.com", api.SIPTransport.SIP_TRANSPORT_TCP)
    assert list(found.info.numbers) == [NUMBER]
    assert len(found.remarks) == 2


def test_metadata_of_a_file_is_left_to_it() -> None:
    found = wanted({"trunk": {"numbers": [NUMBER], "metadata": "theirs"}})
    assert found.info.metadata == "theirs"
    assert "--remove will not know it" in found.remarks[0]

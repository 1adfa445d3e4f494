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


def wanted(data: dict[str, Any], repair: bool = False) -> Wanted:
    return corrected(read(data, "file.json"), "sidetone", repair)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"trunk": {"name": "in", "numbers": [NUMBER]}}, Inbound),
        ({"name": "in", "numbers": [NUMBER]}, Inbound),
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
        ({"trunk": {"numbers": [NUMBER], "colour": "red"}}, "there is no field colour"),
        ({"trunk": {"numbers": NUMBER}}, "numbers"),
        ({"dispatch_rule": {"rule": RULE}, "roomConfig": {}}, "roomConfig stands beside dispatch_rule"),
        ({"dispatch_rule": {"name": "in"}}, "says nothing of rooms"),
        ({"trunk": {"name": "in", "numbers": []}}, "has no numbers"),
        ({"trunk": {**OUT, "numbers": []}}, "has no numbers"),
        ({"trunk": {"numbers": ["5105550100"]}}, "5105550100 is no number in E.164"),
        ({"trunk": {"numbers": ["+1 510 555 0100"]}}, r"write \+15105550100, or give --repair"),
        ({"trunk": {"numbers": ["<your number>"]}}, "<your number> is no number"),
        ({"trunk": {**OUT, "auth_username": "<username>"}}, "auth_username is still “<username>”"),
        ({"trunk": {**OUT, "address": "sip:sip.telnyx.com"}}, "is not host or host:port"),
        ({"trunk": {"sip_trunk_id": "ST_1", "numbers": [NUMBER]}}, "sip_trunk_id is the server's to give"),
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

"""What ``sidetone doctor`` finds in LiveKit's trunks and rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from livekit import api

from agent.provision.livekit.checks import check
from agent.provision.livekit.finding import Finding
from agent.provision.livekit.objects import Inbound, Outbound, Rule
from agent.provision.livekit.steps import Found
from agent.provision.livekit.wanted import telephony

NUMBER = "+15105550100"
SETTINGS = {"LIVEKIT_URL": "ws://127.0.0.1:1", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s",
            "TELNYX_PHONE_NUMBER": NUMBER}  # fmt: skip


def _inbound(**changed: Any) -> Inbound:
    return Inbound(**{"sip_trunk_id": "ST_in", "numbers": [NUMBER], **changed})


def _rule(**changed: Any) -> Rule:
    usual = {
        "sip_dispatch_rule_id": "SDR_1",
        "trunk_ids": ["ST_in"],
        "rule": api.SIPDispatchRule(dispatch_rule_individual=api.SIPDispatchRuleIndividual(room_prefix="call-")),
        "room_config": api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name="sidetone")]),
    }
    return Rule(**{**usual, **changed})


def _outbound(**changed: Any) -> Outbound:
    usual = {
        "sip_trunk_id": "ST_out",
        "address": "sip.telnyx.com",
        "transport": api.SIPTransport.SIP_TRANSPORT_TCP,
        "numbers": [NUMBER],
        "auth_username": "u",
        "headers": {"X-Telnyx-Username": "u"},
    }
    return Outbound(**{**usual, **changed})


def _checked(found: Found, **settings: str) -> list[Finding]:
    return check(found, telephony({**SETTINGS, **settings}))


def test_everything_is_as_it_should_be() -> None:
    found = _checked(Found([_inbound()], [_rule()], [_outbound()]))
    assert [(finding.name, finding.state) for finding in found] == [
        ("inbound trunk", "ok"),
        ("dispatch rule", "ok"),
        ("outbound trunk", "ok"),
    ]


def test_nothing_is_there() -> None:
    found = _checked(Found())
    assert [finding.text for finding in found] == [
        "there is none: no call can come in",
        "there is none: no call can be placed",
    ]
    assert all(finding.fix == "sidetone setup livekit" for finding in found)


PCMA_ONLY = api.SIPMediaConfig(only_listed_codecs=True, codecs=[api.SIPCodec(name="PCMA", rate=8000)])
ILBC_ONLY = api.SIPMediaConfig(only_listed_codecs=True, codecs=[api.SIPCodec(name="iLBC", rate=8000)])
PIN = api.SIPDispatchRule(dispatch_rule_individual=api.SIPDispatchRuleIndividual(pin="1234"))
SHARED = api.SIPDispatchRule(dispatch_rule_direct=api.SIPDispatchRuleDirect(room_name="r"))
NOBODY = api.RoomConfiguration()
UNNAMED = api.RoomConfiguration(agents=[api.RoomAgentDispatch()])
RECEPTION = api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name="receptionist")])
REQUIRED = api.SIPMediaEncryption.SIP_MEDIA_ENCRYPT_REQUIRE
UDP = api.SIPTransport.SIP_TRANSPORT_UDP


@pytest.mark.parametrize(
    ("make", "changed", "state", "says", "fix"),
    [
        (_inbound, {"numbers": []}, "missing", "none has TELNYX_PHONE_NUMBER", "setup"),
        (_inbound, {"numbers": ["+15105550199"]}, "missing", "they have +15105550199", "TELNYX_PHONE_NUMBER"),
        (_inbound, {"numbers": ["15105550100"]}, "note", f"LiveKit takes it for {NUMBER}", f"Write {NUMBER}."),
        (_inbound, {"numbers": ["+1 510 555 0100"]}, "note", "is not in E.164", f"Write {NUMBER}."),
        (_inbound, {"numbers": [NUMBER, "10005"]}, "missing", "10005 is not in E.164", "country code"),
        (_inbound, {"auth_username": "u"}, "missing", "wants a password", "auth_username"),
        (_inbound, {"allowed_addresses": ["10.0.0.0/8"]}, "missing", "lets none of Telnyx' addresses in", "sip."),
        (_inbound, {"allowed_numbers": ["+15550100"]}, "note", "only from +15550100", "allowed_numbers"),
        (_inbound, {"media": ILBC_ONLY}, "missing", "allows only ILBC", "G722, PCMU, PCMA"),
        (_inbound, {"media_encryption": REQUIRED}, "note", "wants encrypted sound", "SRTP"),
        (_rule, {"trunk_ids": ["ST_other"]}, "missing", "none takes the calls of ST_in", "setup"),
        (_rule, {"room_config": NOBODY}, "missing", "SDR_1 calls no agent", "--adopt"),
        (_rule, {"room_config": UNNAMED}, "missing", "agent without a name, and ours is sidetone", "--adopt"),
        (_rule, {"room_config": RECEPTION}, "missing", "receptionist, and ours is sidetone", "NAME=receptionist"),
        (_rule, {"rule": PIN}, "note", "asks callers for a PIN", "pin"),
        (_rule, {"rule": SHARED}, "note", "into one room: they hear each other", "dispatchRuleIndividual"),
        (_rule, {"numbers": ["+15105550199"]}, "missing", "for calls to +15105550199 alone", NUMBER),
        (_rule, {"inbound_numbers": ["+15105550199"]}, "note", "for calls from +15105550199", "inbound_numbers"),
        (_rule, {"hide_phone_number": True}, "note", "hides the caller's number", "hide_phone_number"),
        (_outbound, {"address": "sip:sip.telnyx.com"}, "missing", "is not host or host:port", "--adopt"),
        (_outbound, {"address": "sip.example.com"}, "note", "which is not Telnyx'", "sip.telnyx.com"),
        (_outbound, {"headers": {}}, "missing", "does not send X-Telnyx-Username", "--adopt"),
        (_outbound, {"headers": {"x-telnyx-username": "v"}}, "missing", "its user is u", "setup"),
        (_outbound, {"auth_username": ""}, "missing", "has no user name", "TELNYX_SIP_"),
        (_outbound, {"transport": UDP}, "note", "calls over UDP", "TCP"),
        (_outbound, {"numbers": []}, "missing", "has no number to call from", "setup"),
        (_outbound, {"numbers": ["15105550100"]}, "missing", "15105550100 is not in E.164", "country code"),
        (_outbound, {"numbers": ["+15105550199"]}, "missing", "not from TELNYX_PHONE_NUMBER", "setup"),
        (_outbound, {"media": ILBC_ONLY}, "missing", "no sound with Telnyx", "PCMU"),
    ],
)  # fmt: skip
def test_each_cause_is_found_with_its_fix(
    make: Callable[..., Any], changed: dict[str, Any], state: str, says: str, fix: str
) -> None:
    found = _checked(
        Found(
            [_inbound(**(changed if make is _inbound else {}))],
            [_rule(**(changed if make is _rule else {}))],
            [_outbound(**(changed if make is _outbound else {}))],
        )
    )
    (trouble,) = [finding for finding in found if finding.state != "ok"]

    assert trouble.state == state
    assert says in trouble.text
    assert fix in trouble.fix


@pytest.mark.parametrize(
    "changed",
    [
        {"allowed_addresses": ["192.76.120.10", "64.16.250.10"]},
        {"allowed_addresses": ["192.76.120.0/24"]},
        {"allowed_addresses": ["sip.telnyx.com"]},
        {"media": PCMA_ONLY},
        {"numbers": ["+15105550199", NUMBER]},
    ],
)
def test_what_does_no_harm(changed: dict[str, Any]) -> None:
    found = _checked(Found([_inbound(**changed)], [_rule()], [_outbound()]))
    assert {finding.state for finding in found} == {"ok"}


def test_an_outbound_trunk_for_any_number_needs_one_of_the_settings() -> None:
    found = Found([_inbound()], [_rule()], [_outbound(numbers=["*"])])
    assert {finding.state for finding in _checked(found)} == {"ok"}
    (trouble,) = [one for one in _checked(found, TELNYX_PHONE_NUMBER="") if one.state != "ok"]
    assert trouble.fix == "Set TELNYX_PHONE_NUMBER, then sidetone setup livekit"


def test_a_rule_for_all_trunks_serves_where_there_is_none_of_its_own() -> None:
    everywhere = _rule(sip_dispatch_rule_id="SDR_all", trunk_ids=[], room_config=NOBODY)
    found = _checked(Found([_inbound()], [everywhere, _rule()], [_outbound()]))
    assert {finding.state for finding in found} == {"ok"}

    found = _checked(Found([_inbound()], [everywhere], [_outbound()]))
    assert [finding.text for finding in found if finding.state == "missing"] == [
        "SDR_all calls no agent: callers hear nobody"
    ]


def test_which_of_several_outbound_trunks_must_be_said() -> None:
    trunks = [_outbound(), _outbound(sip_trunk_id="ST_two", name="two")]
    (found,) = [one for one in _checked(Found([], [], trunks)) if one.name == "outbound trunk"]
    assert (found.state, "SIDETONE_OUTBOUND_TRUNK=ST_out" in found.fix) == ("missing", True)

    for chosen, state in (("two", "ok"), ("ST_two", "ok"), ("ST_three", "missing")):
        told = _checked(Found([], [], trunks), SIDETONE_OUTBOUND_TRUNK=chosen)
        assert [one.state for one in told if one.name == "outbound trunk"] == [state]

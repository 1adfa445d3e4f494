"""``sidetone setup livekit`` against a real livekit-server with Redis, and against its stand-in."""

from __future__ import annotations

import io
import signal
import socket
from collections.abc import AsyncIterator

import pytest
from livekit import api

from agent.provision.livekit.corrections import corrected
from agent.provision.livekit.files import read
from agent.provision.livekit.objects import Inbound, Outbound, Rule, agents
from agent.provision.livekit.output import JsonOutput, TextOutput
from agent.provision.livekit.server import Server, ServerProblem
from agent.provision.livekit.wanted import Wanted
from tests.rooms.fake_sip_service import FakeSipService
from tests.rooms.servers import LiveKitServer
from tests.rooms.setup_house import NUMBER, PASSWORD, Account

OTHER = "+15105550199"


@pytest.fixture(params=["stand-in", "livekit-server"])
async def account(request: pytest.FixtureRequest) -> AsyncIterator[Account]:
    """An empty account."""
    if request.param == "stand-in":
        made = await FakeSipService().start()
        yield made
        await made.stop()
        return
    server: LiveKitServer = request.getfixturevalue("trunk_server")
    there = Account(server.url, server.key, server.secret)
    await there.empty()
    yield there
    await there.empty()


@pytest.fixture
async def stand_in() -> AsyncIterator[FakeSipService]:
    made = await FakeSipService().start()
    yield made
    await made.stop()


async def test_it_sets_up_trunks_and_the_rule_that_calls_the_agent(account: Account) -> None:
    status, printed = await account.set_up(account.usual())
    found = await account.found()
    (inbound,), (rule,), (outbound,) = found.inbound, found.rules, found.outbound

    assert (status, printed.actions) == (0, ["create"] * 3)
    assert list(inbound.numbers) == list(outbound.numbers) == [NUMBER]
    assert list(rule.trunk_ids) == [inbound.sip_trunk_id]
    assert agents(rule) == ["sidetone"]
    assert rule.rule.dispatch_rule_individual.room_prefix == "call-"
    assert (outbound.address, outbound.transport) == ("sip.telnyx.com", api.SIPTransport.SIP_TRANSPORT_TCP)
    assert (outbound.auth_username, outbound.auth_password) == ("clinic", PASSWORD)
    assert dict(outbound.headers) == {"X-Telnyx-Username": "clinic"}


async def test_a_second_time_there_is_nothing_to_do(account: Account) -> None:
    await account.set_up(account.usual())
    before = await account.found()
    status, printed = await account.set_up(account.usual())

    assert (status, printed.actions) == (0, ["keep"] * 3)
    assert printed.said == ["There is nothing to do."]
    assert await account.found() == before


async def test_a_dry_run_changes_nothing(account: Account) -> None:
    status, printed = await account.set_up(account.usual(), dry=True)
    found = await account.found()

    assert (status, printed.actions) == (0, ["create"] * 3)
    assert not [*found.inbound, *found.rules, *found.outbound]


async def test_only_what_differs_is_changed(account: Account) -> None:
    await account.set_up(account.usual())
    (trunk,) = (await account.found()).outbound
    trunk.address, trunk.transport = "sip.example.com", api.SIPTransport.SIP_TRANSPORT_UDP
    trunk.headers["X-Mine"] = "kept"
    trunk.destination_country = "CA"
    async with account.client() as sip:
        await sip.update_outbound_trunk(trunk.sip_trunk_id, trunk)
    status, printed = await account.set_up(account.usual())
    (now,) = (await account.found()).outbound

    assert (status, printed.actions) == (0, ["keep", "keep", "change"])
    assert printed.step("outbound trunk").details == (
        "address sip.example.com → sip.telnyx.com",
        "transport UDP → TCP",
    )
    assert (now.sip_trunk_id, now.address) == (trunk.sip_trunk_id, "sip.telnyx.com")
    assert (dict(now.headers)["X-Mine"], now.destination_country) == ("kept", "CA")
    assert now.auth_password == PASSWORD


async def test_another_number_joins_the_trunks(account: Account) -> None:
    await account.set_up(account.usual())
    status, printed = await account.set_up(account.usual(OTHER))
    (inbound,) = (await account.found()).inbound

    assert (status, printed.step("inbound trunk").details) == (0, (f"numbers + {OTHER}",))
    assert list(inbound.numbers) == [NUMBER, OTHER]


async def test_another_agent_of_the_same_project_gets_its_own(account: Account) -> None:
    await account.set_up(account.usual())
    status, printed = await account.set_up(account.usual(OTHER, "clinic"), "clinic")
    found = await account.found()

    assert (status, printed.actions) == (0, ["create"] * 3)
    assert sorted(agents(rule)[0] for rule in found.rules) == ["clinic", "sidetone"]
    assert any("SIDETONE_OUTBOUND_TRUNK=" in text for text in printed.said)


async def test_a_new_name_of_the_agent_reaches_its_rule(account: Account) -> None:
    await account.set_up(account.usual())
    status, printed = await account.set_up(account.usual(agent_name="clinic"), "clinic")
    (rule,) = (await account.found()).rules

    assert status == 0
    assert "agent sidetone → clinic" in printed.step("dispatch rule").details
    assert agents(rule) == ["clinic"]


async def test_what_somebody_else_made_and_will_do_is_used(account: Account) -> None:
    (known,) = await account.add(Inbound(name="by hand", numbers=[NUMBER]))
    status, printed = await account.set_up(account.usual())
    found = await account.found()

    assert (status, printed.actions) == (0, ["keep", "create", "create"])
    assert list(found.rules[0].trunk_ids) == [known]

    await account.remove()
    assert [trunk.name for trunk in (await account.found()).inbound] == ["by hand"]


async def test_what_somebody_else_made_and_will_not_do_is_refused(account: Account) -> None:
    theirs = Inbound(name="by hand", numbers=[NUMBER, OTHER], auth_username="u", auth_password=PASSWORD)
    await account.add(theirs)
    status, printed = await account.set_up(account.usual())
    found = await account.found()
    refusal = printed.step("inbound trunk")

    assert (status, refusal.action) == (1, "refuse")
    assert "was not made by us" in refusal.reason
    assert "user u → none" in refusal.reason
    assert PASSWORD not in refusal.reason
    assert printed.problem.startswith("Nothing was changed")
    assert not [*found.rules, *found.outbound]

    status, printed = await account.set_up(account.usual(), adopt=True)
    (trunk,) = (await account.found()).inbound
    assert (status, printed.actions) == (0, ["change", "create", "create"])
    assert (trunk.name, list(trunk.numbers), trunk.auth_username) == ("by hand", [NUMBER, OTHER], "")


async def test_a_number_that_others_share_is_refused(account: Account) -> None:
    await account.add(
        Inbound(name="one", numbers=[NUMBER]), Inbound(name="two", numbers=[OTHER]),
    )  # fmt: skip
    asked = account.usual()
    asked[0].info.numbers.append(OTHER)  # type: ignore[union-attr]
    status, printed = await account.set_up(asked)

    assert (status, printed.actions) == (1, ["refuse", "skip", "create"])
    assert "“one”" in printed.steps[0].reason
    assert "“two”" in printed.steps[0].reason


async def test_a_rule_for_another_agent_is_refused_and_adopted(account: Account) -> None:
    (trunk,) = await account.add(Inbound(name="by hand", numbers=[NUMBER]))
    theirs = Rule(name="theirs", trunk_ids=[trunk], rule=_rooms("call-"), room_config=_config("receptionist"))
    await account.add(theirs)
    status, printed = await account.set_up(account.usual())

    assert (status, printed.step("dispatch rule").action) == (1, "refuse")
    assert "for receptionist" in printed.step("dispatch rule").reason

    status, printed = await account.set_up(account.usual(), adopt=True)
    (rule,) = (await account.found()).rules
    assert (status, printed.step("dispatch rule").details) == (0, ("agent receptionist → sidetone",))
    assert (rule.name, agents(rule)) == ("theirs", ["sidetone"])


async def test_a_rule_for_all_trunks_is_told_beside_ours(account: Account) -> None:
    await account.add(Rule(name="all", rule=_rooms("all-")))
    status, printed = await account.set_up(account.usual())

    assert (status, printed.actions) == (0, ["create"] * 3)
    assert "takes the calls of all trunks" in printed.step("dispatch rule").remarks[0]


async def test_two_rules_for_all_trunks_are_refused(account: Account) -> None:
    await account.add(Rule(name="all", rule=_rooms("all-"), room_config=_config("receptionist")))
    asked = _file({"dispatch_rule": {"name": "mine", "rule": {"dispatchRuleIndividual": {"roomPrefix": "call-"}}}})
    status, printed = await account.set_up([asked])

    assert (status, printed.actions) == (1, ["refuse"])
    assert "takes the same calls for receptionist" in printed.steps[0].reason


async def test_removing_takes_only_what_it_made(account: Account) -> None:
    theirs = Outbound(name="theirs", address="sip.example.com", numbers=[OTHER])
    await account.add(theirs)
    await account.set_up(account.usual())
    status, printed = await account.remove()
    found = await account.found()

    assert (status, printed.actions) == (0, ["delete"] * 3)
    assert [trunk.name for trunk in found.outbound] == ["theirs"]
    assert not [*found.inbound, *found.rules]
    assert (await account.remove())[1].said == ["There is nothing to do."]


async def test_a_trunk_that_another_rule_needs_stays(account: Account) -> None:
    await account.set_up(account.usual())
    (trunk,) = (await account.found()).inbound
    night = Rule(name="night", trunk_ids=[trunk.sip_trunk_id], inbound_numbers=[OTHER], rule=_rooms("night-"))
    await account.add(night)
    status, printed = await account.remove()

    assert (status, sorted(printed.actions)) == (1, ["delete", "delete", "refuse"])
    assert "“night”" in printed.step("inbound trunk").reason
    assert len((await account.found()).inbound) == 1


async def test_the_guides_files(account: Account) -> None:
    asked = [
        _file({"trunk": {"name": "Telnyx out", "address": "sip.telnyx.com", "transport": "SIP_TRANSPORT_TCP",
                         "numbers": [NUMBER], "authUsername": "u", "auth_password": PASSWORD,
                         "headers": {"X-Telnyx-Username": "u"}, "destination_country": "US"}}),
        _file({"name": "in", "trunk_ids": ["<inbound trunk id>"],
               "rule": {"dispatchRuleIndividual": {"roomPrefix": "call-"}},
               "roomConfig": {"agents": [{"agentName": "sidetone", "metadata": "{}"}]}}),
        _file({"trunk": {"name": "Telnyx in", "numbers": [NUMBER], "krisp_enabled": True}}),
    ]  # fmt: skip
    status, printed = await account.set_up(asked)
    found = await account.found()

    assert (status, printed.actions) == (0, ["create"] * 3)
    assert (found.inbound[0].name, found.inbound[0].krisp_enabled) == ("Telnyx in", True)
    assert list(found.rules[0].trunk_ids) == [found.inbound[0].sip_trunk_id]
    assert (found.outbound[0].auth_username, found.outbound[0].destination_country) == ("u", "US")

    status, printed = await account.set_up(asked)
    assert (status, printed.actions) == (0, ["keep"] * 3)
    assert await account.found() == found


async def test_telnyx_guide_as_it_is_printed(account: Account) -> None:
    """developers.telnyx.com, voice/sip-trunking/livekit-configuration-guide."""
    trunk = {"name": "Demo Inbound Trunk", "numbers": ["1234567890"]}
    rule = {"dispatchRuleDirect": {"roomName": "my-sip-room", "pin": ""}}
    out = {"name": "Demo Outbound Trunk", "address": "sip.telnyx.com", "numbers": ["1234567890"],
           "auth_username": "<outbound-user>", "auth_password": "<outbound-pass>"}  # fmt: skip
    asked = [
        corrected(read(data, "file.json"), "sidetone", repair=True, login=("clinic", PASSWORD))
        for data in (
            {"trunk": trunk},
            {"name": "Demo Dispatch Rule", "trunk_ids": ["<your-trunk-id>"], "rule": rule},
            {"trunk": out},
        )
    ]
    status, printed = await account.set_up(asked)
    found = await account.found()

    assert (status, printed.actions) == (0, ["create"] * 3)
    assert list(found.rules[0].trunk_ids) == [found.inbound[0].sip_trunk_id]
    assert (found.outbound[0].auth_username, found.outbound[0].auth_password) == ("clinic", PASSWORD)
    assert (await account.set_up(asked))[1].actions == ["keep"] * 3

    changes = (await account.set_up(account.usual(), dry=True))[1].step("dispatch rule").details
    assert "all calls into the room my-sip-room → each call into a room call-…" in changes


async def test_a_rule_whose_trunk_is_left_open_wants_one(account: Account) -> None:
    rule = {"trunk_ids": ["<your-trunk-id>"], "rule": {"dispatchRuleIndividual": {"roomPrefix": "call-"}}}
    status, printed = await account.set_up([_file(rule)])
    assert (status, printed.actions) == (1, ["refuse"])
    assert "no inbound trunk is there" in printed.steps[0].reason

    (known,) = await account.add(Inbound(name="by hand", numbers=[NUMBER]))
    status, printed = await account.set_up([_file(rule)])
    assert (status, printed.actions) == (1, ["refuse"])
    assert f"write {known} into it" in printed.steps[0].reason


async def test_another_value_of_an_attribute_is_a_change(account: Account) -> None:
    trunk = {"name": "in", "numbers": [NUMBER], "headersToAttributes": {"X-Reason": "reason"}}
    await account.set_up([_file({"trunk": trunk})])
    trunk["headersToAttributes"] = {"X-Reason": "why"}
    status, printed = await account.set_up([_file({"trunk": trunk})])

    assert (status, printed.actions) == (0, ["change"])
    assert dict((await account.found()).inbound[0].headers_to_attributes) == {"X-Reason": "why"}


async def test_a_number_to_call_from_is_written_as_it_is_sent(account: Account) -> None:
    plain = Outbound(
        name="by hand", address="sip.telnyx.com", numbers=[NUMBER.removeprefix("+")], auth_username="clinic",
        auth_password=PASSWORD, transport=api.SIPTransport.SIP_TRANSPORT_TCP,
        headers={"X-Telnyx-Username": "clinic"},
    )  # fmt: skip
    await account.add(plain)
    status, printed = await account.set_up(account.usual()[2:], adopt=True)
    (trunk,) = (await account.found()).outbound

    assert (status, printed.actions) == (0, ["change"])
    assert list(trunk.numbers) == [NUMBER]


async def test_a_rule_for_a_trunk_that_is_not_there_is_refused(account: Account) -> None:
    asked = _file({"dispatch_rule": {"trunk_ids": ["ST_gone"], "rule": {"dispatchRuleDirect": {"roomName": "r"}}}})
    status, printed = await account.set_up([asked])

    assert (status, printed.actions) == (1, ["refuse"])
    assert "ST_gone" in printed.steps[0].reason


async def test_no_password_is_ever_printed(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    await account.add(Outbound(name="o", address="sip.telnyx.com", numbers=[NUMBER], auth_password="old one"))
    for adopt in (False, True):
        _status, printed = await account.set_up(account.usual(), adopt=adopt)
        for output in (TextOutput(), JsonOutput()):
            output.plan(printed.steps)
            for step in printed.steps:
                if step.action in ("create", "change"):
                    output.done(step, step.label)
    told = capsys.readouterr()

    assert "password changed" in told.out.replace("\n" + " " * 18, " ")
    assert PASSWORD not in told.out + told.err + repr(printed.steps)
    assert "old one" not in told.out + told.err


async def test_a_wrong_secret(account: Account) -> None:
    status, printed = await Account(account.url, account.key, "x" * 40).set_up(account.usual())

    assert status == 1
    assert printed.problem.endswith("refuses the key. Correct LIVEKIT_API_KEY and LIVEKIT_API_SECRET.")


async def test_a_server_without_sip(livekit_server: LiveKitServer) -> None:
    account = Account(livekit_server.url, livekit_server.key, livekit_server.secret)
    status, printed = await account.set_up(account.usual())

    assert status == 1
    assert "has no SIP: sip not connected (redis required)" in printed.problem
    assert (printed.actions, printed.said) == ([], [])

    status, printed = await account.set_up(account.usual(), dry=True)
    assert (status, printed.actions) == (1, ["create"] * 3)
    assert printed.said == ["This would be done on a server with nothing there."]
    assert "Give it Redis" in printed.problem


async def test_nobody_there(unused_port: int) -> None:
    account = Account(f"ws://127.0.0.1:{unused_port}", "k", "s" * 32)
    with pytest.raises(ServerProblem, match="cannot be reached: Connection refused"):
        async with Server(account.telephony().rooms) as server:
            await server.found()


async def test_a_server_that_leaves_something_out_is_found_out(stand_in: FakeSipService) -> None:
    stand_in.drops = {"headers"}
    status, printed = await stand_in.set_up(stand_in.usual())

    assert status == 1
    assert "did not take everything" in printed.problem
    assert "X-Telnyx-Username" in printed.problem


async def test_an_interrupt_at_the_question_is_a_no(
    stand_in: FakeSipService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _question: signal.raise_signal(signal.SIGINT))
    status, printed = await stand_in.set_up(stand_in.usual(), yes=False)

    assert (status, stand_in.writes) == (1, 0)
    assert printed.said == ["Nothing was changed."]


async def test_a_password_that_is_not_shown_is_not_lost(stand_in: FakeSipService) -> None:
    stand_in.hides = True
    await stand_in.set_up(stand_in.usual())
    status, printed = await stand_in.set_up(stand_in.usual())
    assert (status, printed.actions) == (0, ["keep"] * 3)

    (trunk,) = [one for one in stand_in.stored.values() if isinstance(one, Outbound)]
    trunk.address = "sip.example.com"
    assert (await stand_in.set_up(stand_in.usual()))[0] == 0
    (trunk,) = [one for one in stand_in.stored.values() if isinstance(one, Outbound)]
    assert (trunk.address, trunk.auth_password) == ("sip.telnyx.com", PASSWORD)

    asked = _file({"trunk": {"name": trunk.name, "address": "sip.telnyx.eu", "numbers": [NUMBER]}})
    status, printed = await stand_in.set_up([asked])
    assert (status, printed.actions) == (1, ["refuse"])
    assert "would lose it" in printed.steps[0].reason
    (trunk,) = [one for one in stand_in.stored.values() if isinstance(one, Outbound)]
    assert trunk.auth_password == PASSWORD


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _file(data: dict[str, object]) -> Wanted:
    return corrected(read(data, "file.json"), "sidetone", repair=False)


def _rooms(prefix: str) -> api.SIPDispatchRule:
    return api.SIPDispatchRule(dispatch_rule_individual=api.SIPDispatchRuleIndividual(room_prefix=prefix))


def _config(agent_name: str) -> api.RoomConfiguration:
    return api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name=agent_name)])

"""Whole calls in rooms: a real server, the agent as its worker, a telephone behind a trunk, and operators."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from agent import events
from tests.e2e.house import finals
from tests.rooms.call_house import AGENT_NAME, RoomsHouse, rooms_house
from tests.rooms.participants import NUMBER, TRUNK_NUMBER, Guest, SimulatedSip
from tests.rooms.servers import LiveKitServer
from tests.rooms.sip_service import SipService

PERSONA = """
name = "brief"
instructions = "You answer in few words. The clinic is open from nine to five."
trouble = "Something is wrong. Goodbye."
greeting = { inbound = "Hello, this is the clinic.", outbound = "Good morning." }
"""
CALLEE, RING_S = "+15550100123", 5
LINES = ["When are you open?", "Could you repeat that?"]
QUIET = np.zeros(8000, np.int16)
SAID = "You are expected on Friday."

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def trunk(first_in_line: None, livekit_server: LiveKitServer) -> AsyncIterator[SipService]:
    async with SipService(livekit_server).running() as service:
        yield service


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    trunk: SipService, livekit_server: LiveKitServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RoomsHouse]:
    folder = tmp_path_factory.mktemp("rooms")
    more = {"LIVEKIT_URL": trunk.url, "SIDETONE_RING_SECONDS": str(RING_S)}
    async with rooms_house(folder, livekit_server, PERSONA, **more) as made:
        yield made


@dataclass
class Call:
    """A call that is over."""

    id: str
    phone: SimulatedSip
    ann: Guest
    seen: set[str]
    """Whom the telephone could see while ann listened."""
    report: dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def conversation(house: RoomsHouse) -> Call:
    """A caller says their lines and hangs up, while an operator listens."""
    phone = await house.phone("talk", *LINES)
    call = await house.dispatch("talk")
    ann = await house.let_in(call, "listen", "ann")
    await ann.join()
    await house.told(events.OperatorListening, lambda event: event.listening, call=call)
    seen = set(phone.others)
    await house.told(events.CallEnded, call=call)
    await ann.until(lambda: ann.reason)
    assert phone.party is not None
    report = phone.party.report()
    await ann.leave()
    await phone.leave()
    return Call(call, phone, ann, seen, report)


async def test_the_worker_says_where_it_is_registered(house: RoomsHouse, trunk: SipService) -> None:
    health = (await house.ask(house.agent, "GET", "/health")).json()

    assert health["framework"] == "livekit"
    assert health["worker"]["state"] == "registered"
    assert (health["worker"]["agent_name"], health["worker"]["url"]) == (AGENT_NAME, trunk.url)


async def test_the_call_is_told_with_its_room_and_its_numbers(house: RoomsHouse, conversation: Call) -> None:
    phone, call = conversation.phone, conversation.id
    (initiated,) = house.of(call, events.CallInitiated)
    (opened,) = house.of(call, events.RoomOpened)
    first = house.of(call, events.RoomSip)[0]

    assert (initiated.direction, initiated.from_, initiated.to) == ("inbound", NUMBER, TRUNK_NUMBER)
    assert initiated.line == "livekit"
    assert (opened.room, opened.trunk, opened.rule) == ("talk", "ST_telnyx", "SDR_incoming")
    assert first.identity == phone.identity
    assert first.attributes["telnyx.callLegID"] == phone.attributes["sip.telnyx.callLegID"]
    assert "active" in [event.status for event in house.of(call, events.RoomSip)]
    assert len(house.of(call, events.CallAnswered)) == 1


async def test_what_the_caller_says_is_understood_and_answered(house: RoomsHouse, conversation: Call) -> None:
    call = conversation.id
    understood = finals(house.of(call, events.SttTurn))
    greeting, *answers = house.of(call, events.TtsRequest)

    # A busy machine may lose a word on its way.
    assert alike(" ".join(understood), " ".join(LINES)), understood
    assert greeting.text == "Hello, this is the clinic."
    assert {answer.turn for answer in answers} >= {1, 2}
    assert {latency.turn for latency in house.of(call, events.TurnLatency)} >= {1, 2}
    assert not house.of(call, events.Error), house.of(call, events.Error)


async def test_the_caller_hears_the_agent_and_leaves_with_the_room(house: RoomsHouse, conversation: Call) -> None:
    (ended,) = house.of(conversation.id, events.CallEnded)
    await house.gone("talk")

    assert all(line["answered"] for line in conversation.report["lines"]), conversation.report
    assert conversation.report["heard_ms"] > 2000
    assert (ended.cause, ended.source) == ("normal_clearing", "caller")


async def test_who_listens_hears_both_and_is_seen_by_nobody(conversation: Call) -> None:
    ann, phone = conversation.ann, conversation.phone

    assert ann.voiced_ms(phone.identity) > 1000
    assert ann.voiced_ms(agent_of(phone)) > 1000
    assert len(conversation.seen) == 1
    assert ann.reason == "room_deleted"


async def test_who_takes_over_is_heard_in_the_agents_place(house: RoomsHouse) -> None:
    speech = await house.speech(SAID)
    phone = await house.phone("held")
    call = await house.dispatch("held")
    await house.told(events.TurnAgentStopped, call=call)
    async with await house.let_in(call, "listen", "bob") as bob:
        refused = await house.ask(house.agent, "POST", f"/calls/{call}/room", to="speak", who="ann")
        assert refused.status_code == 409
        await house.step_in(call, "take_over", "ann")
        async with await house.let_in(call, "speak", "ann") as ann:
            await ann.open_microphone()
            agent_before = bob.heard_ms(agent_of(phone))
            await ann.say(QUIET)
            for other in (phone, bob):
                await other.until(lambda other=other: other.heard_ms(ann.identity))
            await ann.say(np.concatenate([speech, QUIET]))
            for other in (phone, bob):
                await other.until(lambda other=other: other.voiced_ms(ann.identity) > 800)
            spoke = await house.told(events.OperatorSpoke, call=call)
            assert not bob.voiced_ms(agent_of(phone), agent_before)

            await house.step_in(call, "hand_back", "bob")
            await ann.until(lambda: ann.reason)
        operators = [event for event in house.of(call, events.RoomParticipant) if event.kind == "operator"]

        await house.ask(house.agent, "POST", f"/calls/{call}/hangup", who="bob")
        await bob.until(lambda: bob.reason)
    await phone.until(lambda: phone.reason)
    await phone.leave()
    await house.gone("held")
    ended = await house.told(events.CallEnded, call=call)

    assert spoke.who == "ann"
    assert alike(spoke.text, SAID), spoke.text
    assert [event.identity for event in operators if event.joined] == [ann.identity]
    assert ann.reason == "participant_removed"
    assert (phone.reason, bob.reason) == ("room_deleted", "room_deleted")
    assert (ended.cause, ended.source) == ("normal_clearing", "operator")


async def test_who_is_called_talks_to_the_agent_and_its_hang_up_ends_the_room(
    house: RoomsHouse, trunk: SipService
) -> None:
    question = await house.speech(LINES[0])
    call = await house.dial(CALLEE, line="livekit")
    greeted = await house.told(events.TurnAgentStopped, call=call)
    phone = trunk.phones[-1]
    await phone.until(lambda: phone.voiced_ms(agent_of(phone)) > 200)
    await phone.say(np.concatenate([question, QUIET, QUIET]))
    await house.told(events.TurnAgentStopped, lambda event: event.turn >= 1, call=call)
    (opened,) = house.of(call, events.RoomOpened)
    await house.ask(house.agent, "POST", f"/calls/{call}/hangup", who="ann")
    await phone.until(lambda: phone.reason)
    await house.gone(opened.room)
    ended = await house.told(events.CallEnded, call=call)

    assert greeted.text == "Good morning."
    assert alike(" ".join(finals(house.of(call, events.SttTurn))), LINES[0])
    assert phone.reason == "room_deleted"
    assert (ended.cause, ended.source) == ("normal_clearing", "operator")


async def test_a_call_that_nobody_answers_leaves_no_room(house: RoomsHouse, trunk: SipService) -> None:
    trunk.ringing.clear()
    call = await house.dial(CALLEE, line="livekit")
    ended = await house.told(events.CallEnded, call=call)
    trunk.ringing.set()
    (opened,) = house.of(call, events.RoomOpened)
    await house.gone(opened.room)

    assert ended.cause == "no_answer"
    assert len(house.of(call, events.CallRinging)) == 1
    assert not house.of(call, events.CallAnswered)


def agent_of(phone: SimulatedSip) -> str:
    """Who of those that the telephone heard is the agent."""
    (identity,) = (identity for identity in phone.speakers if identity.startswith("agent-"))
    return identity


def alike(heard: str, said: str) -> bool:
    """Whether at least half of the words that were said were heard."""
    words = [set(re.findall(r"[a-z]+", text.lower())) for text in (heard, said)]
    return 2 * len(words[0] & words[1]) >= len(words[1])

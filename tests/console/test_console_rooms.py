"""Calls in LiveKit rooms, and the worker, on the screen and in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from agent import api, call_state, events
from agent.call_state import CallState
from console import room_words, words
from console.describe import describe
from console.options import Options
from console.session import Session
from console.sound import protocol
from console.sound_state import Ears

Golden = Callable[[Any, str], None]
Recorded = Callable[[str], list[events.Event]]

URL = "wss://clinic.livekit.cloud"
LIVE = {"line": "LIVE", "stt": "LIVE", "llm": "LIVE", "tts": "LIVE"}


def _folded(recorded: Recorded, call: str) -> CallState:
    state = CallState(call)
    for event in recorded("rooms"):
        if event.call == call:
            call_state.apply(state, event)
    return state


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
async def test_calls_in_rooms_beside_others(open_console: Any, golden: Golden, width: int, height: int) -> None:
    async with open_console(width, height, "rooms", services=LIVE) as console:
        await console.press("2")
        golden(console, f"rooms-{width}x{height}")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
async def test_the_room_of_a_call_in_full(open_console: Any, golden: Golden, width: int, height: int) -> None:
    async with open_console(width, height, "rooms", services=LIVE) as console:
        await console.press("2", "v")
        golden(console, f"room-{width}x{height}")
        await console.press(*["down"] * 20)
        assert "x-rtp-codec" in console.text
        await console.press("escape")
        assert "x-rtp-codec" not in console.text


async def test_a_dial_that_failed_says_why_in_full(open_console: Any, golden: Golden) -> None:
    async with open_console(80, 24, "rooms", services=LIVE) as console:
        await console.press("3")
        golden(console, "room-busy-80x24")
        shown = " ".join(" ".join(console.text.splitlines()).split())
        why = (
            "SIP 486 Busy Here: the callee's line is busy, or they declined. Nothing is wrong with the trunk; try"
        )
        assert f"busy: {why} again later." in shown


async def test_a_call_of_another_line_has_no_room_to_view(open_console: Any) -> None:
    async with open_console(80, 24, "rooms") as console:
        await console.press("1", "v")
        assert console.bottom.endswith("room: the selected call is in no LiveKit room.")


async def test_the_worker_is_shown_before_the_first_call(open_console: Any, store: Any) -> None:
    worker = api.Worker("registered", "sidetone", URL, "AW_1", 8081, load=0.42, limit=0.9, jobs=2, refused=1)
    async with open_console(calls="none", services=LIVE, worker=worker) as console:
        shown = " ".join(console.text.split())
        assert "The worker for rooms: registered as sidetone at clinic.livekit.cloud, load 42 % of" in shown
        assert "1 refused" in shown
        assert "LiveKit rooms: real telephones, costs money" in shown
        lost = events.WorkerState(state="lost", agent_name="sidetone", url=URL, detail="It answers 401.")
        store.feed(lost)
        await console.settle()
        assert "✗ rooms lost" in console.text.splitlines()[0]
        assert "not registered as sidetone at clinic.livekit.cloud: It answers 401." in " ".join(
            console.text.split()
        )
        assert console.bottom.endswith("warn The worker lost clinic.livekit.cloud: It answers 401.")


async def test_rooms_are_named_before_the_worker_is_there(open_console: Any, store: Any) -> None:
    store.expect_services(LIVE, "deepgram", rooms=True)
    async with open_console(calls="no agent") as console:
        assert "LiveKit rooms: real telephones, costs money" in " ".join(console.text.split())


async def test_a_worker_that_is_back_is_told_and_never_hides_the_time(open_console: Any, store: Any) -> None:
    async with open_console(80, 24, "rooms", services=LIVE) as console:
        store.sound.ears = Ears("c_room", "mix", open=True)
        store.feed(events.WorkerState(state="lost", agent_name="sidetone", url=URL, detail="It is gone."))
        await console.settle()
        top = console.text.splitlines()[0]
        assert "✗ rooms " in top
        assert re.search(r" \d\d:\d\d$", top.rstrip())
        store.feed(events.WorkerState(state="registered", agent_name="sidetone", url=URL))
        await console.settle()
        assert console.bottom.endswith(" The worker is registered again at clinic.livekit.cloud.")


async def test_nobody_is_in_the_room_of_a_call_that_is_over(open_console: Any, store: Any) -> None:
    async with open_console(120, 40, "rooms", services=LIVE) as console:
        await console.press("2")
        assert "here caller, agent, operator" in console.text
        why = "LiveKit ended the call: connection timeout."
        ended = events.CallEnded(
            call="c_room", cause="connection_timeout", source="carrier", detail=why, duration_ms=40_000
        )
        store.feed(ended)
        await console.settle()
        assert "here caller" not in console.text
        transcript = " ".join(line.partition("│")[0] for line in console.text.splitlines())
        assert "connection timeout after 00:40, 1 turn" in " ".join(transcript.split())


async def test_a_full_worker_and_its_refusals_stand_out(open_console: Any, store: Any) -> None:
    worker = api.Worker("registered", "sidetone", URL, limit=0.9)
    async with open_console(120, 40, calls="none", services=LIVE, worker=worker) as console:
        store.feed(events.WorkerLoad(load=0.95, limit=0.9, jobs=3, most_jobs=20))
        store.feed(events.WorkerRefused(job="AJ_1", room="call-7", reason="The load is 95 %."))
        await console.settle()
        assert "rooms █95% 1 refused" in console.text.splitlines()[0]
        assert console.bottom.endswith("warn The worker refused call-7: The load is 95 %.")
        await console.press("g")
        assert "worker: refused call-7: The load is 95 %." in console.text


def test_an_agent_without_rooms_has_no_worker(store: Any, bring_up: Callable[..., None]) -> None:
    bring_up(store, worker=api.Worker("registered", "sidetone", URL))
    assert store.rooms
    services = {"line": "SIM"}
    store.feed(events.AgentStarting(version="1", pid=1, framework="pipecat", definition="x", services=services))
    assert store.worker is None
    assert not store.rooms


@pytest.mark.parametrize(
    ("event", "text", "bad"),
    [
        (
            events.RoomOpened(room="call-7", url=URL, agent_name="sidetone", trunk="ST_1", rule="SDR_1"),
            "opened call-7 on clinic.livekit.cloud, trunk ST_1, rule SDR_1",
            False,
        ),
        (
            events.RoomSip(identity="callee", status="ringing", attributes={"phoneNumber": "+15550100123"}),
            "sip ringing +15550100123",
            False,
        ),
        (events.RoomParticipant(identity="op-ada", kind="operator", joined=True), "operator op-ada joined", False),
        (
            events.RoomParticipant(identity="callee", kind="sip", joined=False, reason="user_unavailable"),
            "caller callee left, user unavailable",
            False,
        ),
        (
            events.WorkerState(state="registered", agent_name="sidetone", url=URL),
            "registered as sidetone at clinic.livekit.cloud",
            False,
        ),
        (
            events.WorkerState(state="draining", agent_name="sidetone", url=URL, detail="2 live"),
            "draining: 2 live",
            False,
        ),
        (events.WorkerLoad(load=0.421, limit=0.9, jobs=2, most_jobs=20), "load 42 % of 90 %, 2 of 20 jobs", False),
        (events.WorkerRefused(job="AJ_1", room="call-7", reason="Full."), "refused call-7: Full.", True),
    ],
)
def test_what_happens_in_rooms_is_told_in_words(event: events.Event, text: str, bad: bool) -> None:
    told = describe(event)
    assert (told.text, told.bad) == (text, bad)


def test_an_end_is_told_with_what_went_wrong(recorded: Recorded) -> None:
    state = _folded(recorded, "c_busy")
    assert words.phase(state) == "busy"
    assert words.ending(state).startswith("busy: SIP 486 Busy Here: the callee's line is busy")
    ended = next(event for event in recorded("rooms") if isinstance(event, events.CallEnded))
    assert describe(ended).text.startswith("ended user_busy by callee: SIP 486 Busy Here")
    assert describe(ended).bad
    assert not describe(msgspec.structs.replace(ended, detail="")).bad


def test_the_facts_of_a_room(recorded: Recorded) -> None:
    state = _folded(recorded, "c_room")
    facts = dict(room_words.facts(state))
    assert list(facts)[:4] == ["room", "server", "in the room", "status"]
    assert facts["in the room"] == "caller, agent, operator"
    assert facts["status"] == "active"
    assert (facts["trunk"], facts["rule"]) == ("ST_in", "SDR_clinic")
    assert facts["Telnyx leg"].startswith("7f0d4c1e")
    assert facts["Telnyx session"].startswith("7f0d0a9c")
    assert facts["x-rtp-codec"] == "PCMU"
    over = dict(room_words.facts(_folded(recorded, "c_busy")))
    assert (over["SIP status"], over["last status"]) == ("486", "dialing")
    assert "in the room" not in over


async def test_a_call_in_a_room_is_heard_there(open_console: Any) -> None:
    async with open_console(80, 24, "rooms", services=LIVE) as console:
        await console.press("2", "l")
        assert [order.line for order in console.session.port.sent(protocol.Listen)] == ["livekit"]
        await console.press("1", "l")
        assert [order.line for order in console.session.port.sent(protocol.Listen)] == ["livekit", "telnyx"]


async def test_who_is_not_in_the_room_yet_is_told_so(open_console: Any, store: Any) -> None:
    async with open_console(80, 24, "rooms", services=LIVE) as console:
        store.feed(events.OperatorHandedBack(call="c_room", who="ada", held_ms=1))
        await console.settle()
        await console.press("2", "o")
        for speaking, shown in (
            ("nobody", "NOT CONNECTED YET"),
            ("caller", "mic "),
            ("nobody", "NOT CONNECTED YET"),
        ):
            console.session.port.tell(protocol.Listening(call="c_room", state="open", speaking=speaking))
            await console.settle()
            assert f"YOU ARE ON THE LINE  {shown}" in console.text


async def test_a_dial_asks_for_the_line_that_was_chosen(store: Any, house: Any) -> None:
    session = Session(store, Options(line="livekit", url=house.url, token="let me in"))
    session.start()
    try:
        await session.dial("+15550100123")
    finally:
        await session.close(stop=False)
    assert house.dialled[0]["line"] == "livekit"

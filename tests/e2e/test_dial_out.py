"""A call that the agent places: words from audio, turns, tools, latency, and the end."""

from __future__ import annotations

import asyncio
import re

import pytest
import pytest_asyncio

from agent import call_state, events
from tests.e2e.house import ROOT, House, finals, of
from tests.e2e.recorded import recorded

LINES = [
    "I need to move my appointment.",
    "Thursday at two, please.",
    "The first one, please. My name is Daniel Reyes.",
]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(house: House) -> list[events.Event]:
    await house.script("+15550100123", *LINES)
    return await house.whole_call(await house.dial("+15550100123", parameters={"name": "Mr Reyes"}))


async def test_what_was_said_is_what_was_understood(call: list[events.Event]) -> None:
    assert [words(text) for text in finals(call)] == [words(line) for line in LINES]


async def test_words_appear_while_they_are_spoken(call: list[events.Event]) -> None:
    partials = [e.message["transcript"] for e in of(call, events.SttTurn) if not e.message["end_of_turn"]]

    assert any(words(LINES[0])[: len(words(text))] == words(text) and len(words(text)) < 6 for text in partials)


async def test_the_story_is_told_in_order_and_to_its_end(call: list[events.Event]) -> None:
    types = [events.type_of(event) for event in call]
    milestones = [
        "call.initiated",
        "call.placed",
        "call.answered",
        "media.started",
        "stt.begin",
        "turn.agent_started",
        "stt.speech_started",
        "turn.user_started",
        "turn.user_stopped",
        "turn.latency",
        "media.stopped",
        "call.ended",
    ]
    assert [types.index(kind) for kind in milestones] == sorted(types.index(kind) for kind in milestones)
    assert types[-1] == "call.ended"
    assert [event.seq for event in call] == sorted({event.seq for event in call})
    assert not of(call, events.Error), of(call, events.Error)


async def test_it_ended_because_the_caller_hung_up(call: list[events.Event]) -> None:
    ended = of(call, events.CallEnded)[0]

    assert (ended.cause, ended.source) == ("normal_clearing", "callee")
    assert ended.duration_ms > 5_000


async def test_every_turn_has_its_latency_in_parts_that_add_up(call: list[events.Event]) -> None:
    latencies = of(call, events.TurnLatency)

    assert [latency.turn for latency in latencies] == [1, 2, 3]
    for latency in latencies:
        assert list(latency.parts) == ["end_of_turn", "llm_first_token", "tts_first_audio", "first_media"]
        assert sum(latency.parts.values()) == latency.total_ms
        assert min(latency.parts.values()) >= 0
        assert latency.parts["end_of_turn"] > 100


async def test_both_tools_did_their_work(call: list[events.Event]) -> None:
    returned = of(call, events.ToolReturned)

    assert {tool.name for tool in returned} == {"find_slots", "book_slot"}
    assert all(tool.ok for tool in returned)


async def test_turns_end_with_a_confidence_and_the_agent_spoke_first(call: list[events.Event]) -> None:
    assert [turn.confidence for turn in of(call, events.TurnUserStopped)] == [1.0, 1.0, 1.0]
    first = of(call, events.TtsRequest)[0]
    assert (first.turn, "Riverside Clinic" in first.text) == (0, True)


async def test_the_line_was_counted(call: list[events.Event]) -> None:
    last = of(call, events.MediaStats)[-1]

    assert last.rx > 300
    assert last.tx > 200
    assert (last.gaps, last.refused) == (0, 0)


async def test_the_folded_call_reads_as_a_conversation(call: list[events.Event]) -> None:
    state = call_state.fold(call[0].call, call)
    who = [line.who for line in state.lines if line.who in ("caller", "agent")]

    assert who[:3] == ["agent", "caller", "agent"]
    assert all(line.final for line in state.lines)
    assert len(state.latencies_ms()) == 3


async def test_the_caller_agrees(house: House, call: list[events.Event]) -> None:
    report = await house.report(of(call, events.CallPlaced)[0].call_control_id)

    assert [line["answered"] for line in report["lines"]] == [True, True, True]
    assert report["heard_ms"] > 4_000
    assert report["warnings"] == []


async def test_the_recording_holds_both_voices_where_the_call_had_them(
    house: House, call: list[events.Event]
) -> None:
    found = await recorded(house, call)

    assert [told.state for told in found.told] == ["started", "stopped"]
    assert found.told[-1].at_ms == pytest.approx(found.length_ms, abs=2)
    starts, stops = of(call, events.TurnAgentStarted), of(call, events.TurnAgentStopped)
    assert [start for start, _ in found.agent] == pytest.approx([found.ms(one) for one in starts], abs=400)
    assert [end for _, end in found.agent] == pytest.approx([found.ms(one) for one in stops], abs=400)
    ended = [found.ms(one) - one.silence_ms for one in of(call, events.TurnUserStopped)]
    assert [end for _, end in found.caller] == pytest.approx(ended, abs=400)


async def test_other_sentences_give_other_words_and_silence_gives_none(house: House) -> None:
    said = "The blue bicycle is leaning against our garden wall."
    await house.script("+15550100131", said)
    await house.script("+15550100132", hang_up=False, max_seconds=6)
    spoken, silent = await asyncio.gather(house.dial("+15550100131"), house.dial("+15550100132"))
    heard, nothing = await asyncio.gather(house.whole_call(spoken), house.whole_call(silent))

    assert [words(text) for text in finals(heard)] == [words(said)]
    assert finals(nothing) == []


async def test_the_agent_calls_nothing_that_its_libraries_deprecate(
    house: House, call: list[events.Event]
) -> None:
    warnings = [line for line in house.agent.out.read_text().splitlines() if "DeprecationWarning" in line]

    assert [line for line in warnings if f"{ROOT}/agent/" in line and "audioop" not in line] == []
    assert not [
        event
        for event in await house.until(lambda e: isinstance(e, events.CallEnded))
        if isinstance(event, events.AgentLog)
    ]

"""Speech recognition that breaks, lags or is cut short in mid-sentence: nothing that was said is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent import events
from agent.events import Event
from tests.e2e.house import House, finals, of, running

LINE = "I would like to book an appointment for Thursday morning."
PERSONA = """
name = "brief"
instructions = "You answer in few words. The clinic is open from nine to five."
trouble = "Something is wrong. Goodbye."
greeting = { inbound = "Hello.", outbound = "Hello." }
"""


@pytest.fixture(scope="module")
def house(framework: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose agent says little."""
    yield from running(tmp_path_factory.mktemp("stt_faults"), framework, PERSONA)


async def begin(house: House, number: str) -> str:
    await house.script(number, LINE, patience_ms=300)
    return await house.dial(number)


async def seen(house: House, call: str, kind: type[Event], turn: int = 0) -> list[Event]:
    """The call's events up to one of ``kind``, about ``turn`` where that is given."""
    return await house.until(
        lambda event: (
            event.call == call and isinstance(event, kind) and (not turn or getattr(event, "turn", turn) == turn)
        )
    )


async def hang_up(house: House, call: str) -> list[Event]:
    """The caller hangs up; gives the whole call."""
    placed = of(await seen(house, call, events.CallPlaced), events.CallPlaced)[-1]
    answer = await house.ask(house.simulator, "DELETE", f"/sim/calls/{placed.call_control_id}")
    assert answer.status_code < 300, answer.text
    return await house.whole_call(call)


async def test_a_turn_survives_a_drop_and_the_storm_after_it(house: House) -> None:
    await house.fault("assemblyai", where="after_ms", after_ms=2_500, code=3005, times=3)
    call = await begin(house, "+15550100180")
    await seen(house, call, events.TurnLatency)
    story = await hang_up(house, call)

    assert [(error.session, error.code, error.final) for error in of(story, events.SttError)] == [
        (1, 3005, False),
        (2, 3005, False),
        (3, 3005, False),
    ]
    splits = of(story, events.SttSplit)
    assert [split.session for split in splits] == [2, 3, 4]
    assert all(split.replayed_ms and LINE.startswith(split.text) for split in splits)
    assert finals(story) == [LINE]
    assert [turn.text for turn in of(story, events.TurnUserStopped)] == [LINE]
    assert len(of(story, events.TurnUserStarted)) == len(of(story, events.LlmRequest)) == 1
    assert not of(story, events.AgentLog)


async def test_a_slow_final_is_answered_once_and_the_wait_is_told(house: House) -> None:
    await house.fault("assemblyai", where="final", after_ms=2_000)
    call = await begin(house, "+15550100181")
    await seen(house, call, events.TurnLatency)
    story = await hang_up(house, call)

    (latency,) = of(story, events.TurnLatency)
    assert latency.parts["end_of_turn"] >= 2_000
    assert latency.total_ms == sum(latency.parts.values())
    assert [turn.text for turn in of(story, events.TurnUserStopped)] == [LINE]
    assert len(of(story, events.LlmRequest)) == 1
    assert not of(story, events.SttError)


async def test_an_operator_ends_a_turn_and_a_hang_up_the_next_in_mid_sentence(house: House) -> None:
    call = await begin(house, "+15550100182")
    await seen(house, call, events.SttTurn)
    answer = await house.ask(house.agent, "POST", f"/calls/{call}/stt", end_turn=True, who="test")
    assert answer.status_code == 200, answer.text
    await seen(house, call, events.TurnLatency, turn=1)
    await seen(house, call, events.TurnUserStarted, turn=2)
    story = await hang_up(house, call)

    forced, last = of(story, events.TurnUserStopped)
    assert (forced.decided_by, last.decided_by) == ("assemblyai", "hangup")
    assert LINE.startswith(forced.text)
    assert [forced.text, last.text] == finals(story)
    assert [request.turn for request in of(story, events.LlmRequest)] == [1]
    assert isinstance(story[-1], events.CallEnded)
    kinds = [events.type_of(event) for event in story]
    assert kinds.index("stt.termination") > max(n for n, kind in enumerate(kinds) if kind == "stt.turn")

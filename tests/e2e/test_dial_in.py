"""A call that comes in: TeXML, the same conversation, the other direction; and a barge-in in each codec."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent import events
from agent.events import Event
from tests.e2e.house import House, finals, of, running
from tests.e2e.recorded import recorded


@pytest.fixture(scope="module")
def european(framework: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose lines speak PCMA."""
    yield from running(tmp_path_factory.mktemp("european"), framework, SIDETONE_CODEC="PCMA")


async def incoming_call(house: House, *turns: object, **options: object) -> tuple[str, list[Event]]:
    before = {event.call for event in await house.until(lambda event: isinstance(event, events.AgentReady))}
    call_control_id = await house.incoming(*turns, **options)
    placed = (
        await house.until(
            lambda event: isinstance(event, events.CallPlaced) and event.call_control_id == call_control_id
        )
    )[-1]
    assert placed.call not in before
    return call_control_id, await house.whole_call(placed.call)


async def test_a_caller_dials_in_and_is_understood_and_answered(house: House) -> None:
    call_control_id, call = await incoming_call(house, "What are your opening hours?", number="+15550100177")
    initiated, ended = call[0], of(call, events.CallEnded)[0]

    assert isinstance(initiated, events.CallInitiated)
    assert (initiated.direction, initiated.from_, initiated.to) == ("inbound", "+15550100177", "+15550100000")
    assert finals(call) == ["What are your opening hours?"]
    assert (ended.cause, ended.source) == ("normal_clearing", "caller")
    assert len(of(call, events.TurnLatency)) == 1
    assert not of(call, events.Error)
    report = await house.report(call_control_id)
    assert [line["answered"] for line in report["lines"]] == [True]


CUT_IN = {
    "user": "Stop, please. Are you open on Friday?",
    "send_after": {"event": "bot_started_speaking", "delay_ms": 1500},
}


async def check_barge_in(house: House, codec: str) -> None:
    _, call = await incoming_call(house, "What are your opening hours and your address?", CUT_IN, codec=codec)
    (cut,) = of(call, events.TurnInterrupted)

    assert of(call, events.MediaStarted)[0].encoding == codec
    assert cut.said.startswith(cut.heard)
    assert 0 < len(cut.heard) < len(cut.said)
    assert 1_500 < cut.heard_ms < 4_500
    found = await recorded(house, call)
    (cleared,) = of(call, events.MediaCleared)
    # The clear may have come in a pause of up to 600 ms between two words.
    assert any(-680 < end - found.ms(cleared) < 80 for _, end in found.agent)
    assert finals(call)[-1].endswith("Are you open on Friday?")
    assert of(call, events.TurnAgentStopped)[-1].turn > cut.turn


async def test_a_caller_who_cuts_in_stops_the_agent_and_what_was_heard_is_known(house: House) -> None:
    await check_barge_in(house, "PCMU")


async def test_the_same_where_the_line_speaks_pcma(european: House) -> None:
    await check_barge_in(european, "PCMA")


async def test_a_key_press_reaches_the_call(house: House) -> None:
    _, call = await incoming_call(house, {"dtmf": "42#"})

    assert [event.digit for event in of(call, events.CallDtmf)] == ["4", "2", "#"]

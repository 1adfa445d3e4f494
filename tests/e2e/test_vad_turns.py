"""Turns that Silero ends instead of AssemblyAI: a setting of the agent definition."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from agent import definition, events
from tests.e2e.house import House, finals, of, running

LINES = ["What are your opening hours?", "Where is the clinic?"]


@pytest.fixture(scope="module")
def house(framework: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    by_vad = definition.SHIPPED.read_text().replace('ended_by = "assemblyai"', 'ended_by = "vad"')
    yield from running(tmp_path_factory.mktemp("vad"), framework, by_vad)


async def test_two_calls_at_once_share_the_model_and_not_its_state(house: House) -> None:
    numbers = ("+15550100123", "+15550100124")
    for number in numbers:
        await house.script(number, *LINES)
    calls = await asyncio.gather(*(house.dial(number) for number in numbers))

    for call in await asyncio.gather(*(house.whole_call(call) for call in calls)):
        assert finals(call) == LINES
        stopped = of(call, events.TurnUserStopped)
        assert [turn.decided_by for turn in stopped] == ["vad", "vad"]
        assert [turn.confidence for turn in stopped] == [None, None]
        assert len(of(call, events.TurnLatency)) == 2
        assert {"type": "ForceEndpoint"} in [event.message for event in of(call, events.SttSent)]
        parameters = of(call, events.SttOpened)[0].parameters
        assert parameters["min_turn_silence"] == parameters["max_turn_silence"]
        assert not of(call, events.Error)
        assert not of(call, events.AgentLog)

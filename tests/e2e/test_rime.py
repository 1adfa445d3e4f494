"""Whole calls in a voice of Rime's: a setting of the agent definition."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent import definition, events
from tests.e2e.house import House, finals, of, running

LINES = ["What are your opening hours?", "Where is the clinic?"]


@pytest.fixture(scope="module")
def house(framework: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    by_rime = definition.SHIPPED.read_text().replace('name = "aura-2-thalia-en"', 'service = "rime"\nspeed = 1.1')
    yield from running(tmp_path_factory.mktemp("rime"), framework, by_rime)


async def test_a_call_is_spoken_by_rime(house: House) -> None:
    # With this the agent would hang up, were it Deepgram's voice.
    await house.fault("deepgram", where="connect", code=401, times=50)
    await house.script("+15550100123", *LINES)
    call = await house.whole_call(await house.dial("+15550100123"))

    assert finals(call) == LINES
    assert len(of(call, events.TurnLatency)) == 2
    played = of(call, events.TurnAgentStopped)
    assert played[0].text.startswith("Hello, this is Ada from Riverside Clinic")
    assert [event.turn for event in played] == [0, 1, 2]
    assert min(event.audio_ms for event in played) > 500
    assert not of(call, events.Error)
    assert not of(call, events.AgentLog)


async def test_a_caller_who_cuts_in_stops_rimes_voice_and_is_answered(house: House) -> None:
    cut_in = {
        "user": "Stop, please. Are you open on Friday?",
        "send_after": {"event": "bot_started_speaking", "delay_ms": 1500},
    }
    await house.script("+15550100125", "What are your opening hours and your address?", cut_in)
    call = await house.whole_call(await house.dial("+15550100125"))

    (cut,) = of(call, events.TurnInterrupted)
    assert cut.said.startswith(cut.heard)
    assert 0 < len(cut.heard) < len(cut.said)
    assert of(call, events.TurnAgentStopped)[-1].turn > cut.turn
    assert not of(call, events.Error)


async def test_without_rime_the_agent_hangs_up_and_names_rimes_key(house: House) -> None:
    await house.fault("rime", where="connect", code=401, times=50)
    await house.script("+15550100124", LINES[0])
    call = await house.whole_call(await house.dial("+15550100124"))

    ended = of(call, events.CallEnded)[0]
    assert (ended.cause, ended.source) == ("normal_clearing", "agent")
    assert of(call, events.Error)[0].where == "tts"
    assert "RIME_API_KEY" in of(call, events.Error)[0].fix

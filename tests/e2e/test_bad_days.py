"""Days when a service fails: the call says so, ends politely, and the next one works."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from agent import events
from agent.events import Event
from tests.e2e.house import House, finals, of, running

HELLO = "What are your opening hours?"
TROUBLE = "Something is wrong. Goodbye."
PERSONA = """
name = "brief"
instructions = "You answer in few words. The clinic is open from nine to five."
trouble = "Something is wrong. Goodbye."
llm = { timeout_s = 1.0 }
greeting = { inbound = "Hello.", outbound = "Hello." }
"""


@pytest.fixture(scope="module")
def house(framework: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose agent says little and waits one second for its language model."""
    yield from running(tmp_path_factory.mktemp("bad_days"), framework, PERSONA)


@pytest.fixture(autouse=True)
async def no_faults_left(house: House) -> None:
    await house.ask(house.simulator, "DELETE", "/sim/faults")


async def call_with(house: House, number: str, *turns: object, **options: object) -> list[Event]:
    await house.script(number, *(turns or (HELLO,)), **{"answer_timeout_ms": 4_000, **options})
    return await house.whole_call(await house.dial(number))


def said(call: list[Event]) -> list[str]:
    return [event.text for event in of(call, events.TtsRequest)]


def polite(call: list[Event]) -> bool:
    """The caller was told, and the agent hung up once that was played."""
    ended = of(call, events.CallEnded)[0]
    told = " ".join(said(call)).endswith(TROUBLE) and bool(ended.detail)
    return told and (ended.cause, ended.source) == ("normal_clearing", "agent")


@pytest.mark.parametrize("code", [401, 1008, 3006])
async def test_a_recogniser_that_refuses_us_ends_the_call_politely(house: House, code: int) -> None:
    await house.fault("assemblyai", where="connect", code=code, times=20)
    call = await call_with(house, "+15550100140")

    errors = of(call, events.SttError)
    assert (errors[0].code, errors[0].final) == (code, True)
    assert polite(call), said(call)
    assert any("Speech recognition is gone" in error.message for error in of(call, events.Error))


@pytest.mark.parametrize("code", [1008, 3006, 3007])
async def test_a_recogniser_that_throws_us_out_in_the_middle_ends_the_call_politely(
    house: House, code: int
) -> None:
    await house.fault("assemblyai", where="after_ms", after_ms=3_000, code=code, times=20)
    call = await call_with(house, "+15550100141")

    assert of(call, events.SttError)[0].code == code
    assert of(call, events.SttError)[0].text
    assert polite(call), said(call)


@pytest.mark.parametrize("code", [3005, 3008, 1011])
async def test_one_failure_that_passes_is_told_and_survived(house: House, code: int) -> None:
    await house.fault("assemblyai", where="after_ms", after_ms=800, code=code, times=1)
    call = await call_with(house, "+15550100142")

    (error,) = of(call, events.SttError)
    assert (error.code, error.final) == (code, False)
    assert {begin.session for begin in of(call, events.SttBegin)} == {1, 2}
    assert finals(call) == [HELLO]
    assert of(call, events.CallEnded)[0].source == "callee"


async def test_a_recogniser_that_keeps_failing_ends_the_call_politely(house: House) -> None:
    await house.fault("assemblyai", where="after_ms", after_ms=200, code=3005, times=50)
    call = await call_with(house, "+15550100143")

    assert [error.final for error in of(call, events.SttError)][-1]
    assert polite(call), said(call)


@pytest.mark.parametrize("code", [500, 0], ids=["500", "no answer"])
async def test_a_language_model_that_fails_ends_the_call_politely(house: House, code: int) -> None:
    await house.fault("openai", where="request", code=code, times=10)
    call = await call_with(house, "+15550100144")

    assert polite(call), said(call)
    assert [error.where for error in of(call, events.Error)] == ["llm", "agent"]


async def test_a_language_model_that_stumbles_once_is_asked_again(house: House) -> None:
    await house.fault("openai", where="request", code=500, times=1)
    call = await call_with(house, "+15550100145")

    assert not of(call, events.Error)
    assert len(of(call, events.TurnLatency)) == 1


async def test_without_a_voice_the_agent_hangs_up_and_says_why_on_the_screen(house: House) -> None:
    await house.fault("deepgram", where="connect", code=401, times=50)
    call = await call_with(house, "+15550100146")

    ended = of(call, events.CallEnded)[0]
    assert (ended.cause, ended.source) == ("normal_clearing", "agent")
    assert of(call, events.Error)[0].where == "tts"
    assert "DEEPGRAM_API_KEY" in of(call, events.Error)[0].fix


async def test_after_all_that_a_call_is_a_call_again(house: House) -> None:
    call = await call_with(house, "+15550100147")

    assert finals(call) == [HELLO]
    assert not of(call, events.Error)


async def test_an_unsigned_webhook_cannot_end_a_call(house: House) -> None:
    await house.script("+15550100148", HELLO)
    call = await house.dial("+15550100148")
    placed = (await house.until(lambda e: e.call == call and isinstance(e, events.CallPlaced)))[-1]
    assert isinstance(placed, events.CallPlaced)
    forged = {
        "data": {"event_type": "call.hangup", "id": "x", "payload": {"call_control_id": placed.call_control_id}}
    }
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{house.agent.url}/webhooks/telnyx", json=forged)
    story = await house.whole_call(call)

    assert answer.status_code == 403
    assert finals(story) == [HELLO]


async def test_a_simulator_that_dies_in_a_call_ends_it_and_the_agent_lives(house: House) -> None:
    await house.script("+15550100149", HELLO, HELLO, HELLO)
    call = await house.dial("+15550100149")
    await house.until(lambda e: e.call == call and isinstance(e, events.TurnAgentStarted))
    house.simulator.kill()
    story = await house.whole_call(call)

    ended = of(story, events.CallEnded)[0]
    assert ended.cause == "media_lost"
    assert any("media socket was lost" in error.message for error in of(story, events.Error))
    house.simulator.port = house.simulator.state["port"]
    house.simulator.start()
    assert finals(await call_with(house, "+15550100150")) == [HELLO]


async def test_an_agent_that_dies_in_a_call_ends_it_when_it_is_back(house: House) -> None:
    # More patience than an agent takes to start again on a busy machine.
    await house.script("+15550100151", HELLO, HELLO, HELLO, answer_timeout_ms=90_000)
    call = await house.dial("+15550100151")
    seen = await house.until(lambda e: e.call == call and isinstance(e, events.TurnUserStopped))
    house.agent.kill()
    house.agent.start()
    story = await house.whole_call(call)

    assert story[: len([e for e in seen if e.call == call])] == [e for e in seen if e.call == call]
    assert of(story, events.CallEnded)[0].cause == "agent_lost"
    report = await house.report(of(story, events.CallPlaced)[0].call_control_id)
    assert report["ended"]["source"] == "caller"
    everything = await house.until(lambda e: isinstance(e, events.CallEnded) and e.call == call)
    assert [type(e) for e in everything if isinstance(e, events.AgentCrashed)] == [events.AgentCrashed]
    assert finals(await call_with(house, "+15550100152")) == [HELLO]


async def test_calls_at_the_same_time_do_not_mix(house: House) -> None:
    lines = {
        "+15550100160": "What are your opening hours?",
        "+15550100161": "Where is the clinic, please?",
        "+15550100162": "I would like to book an appointment.",
    }
    for number, line in lines.items():
        await house.script(number, line)
    calls = await asyncio.gather(*(house.dial(number) for number in lines))
    stories = await asyncio.gather(*(house.whole_call(call) for call in calls))

    assert [finals(story) for story in stories] == [[line] for line in lines.values()]
    assert not [error for story in stories for error in of(story, events.Error)]

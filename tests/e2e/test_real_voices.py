"""Whole calls on virtual devices: a person at the softphone, an operator who listens and takes over, an agent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import pytest_asyncio
import soundfile

from agent import events
from agent.events import Event
from console.command_line.tune_session import Service, listen
from console.sound import protocol
from console.sound.protocol import Configure, DeviceChanged, Listening, ListeningStats, Phone, PhoneStats, Trouble
from simulator.audio import resample
from simulator.speech.synthesiser import Synthesiser
from tests.e2e.house import House, finals, of, running
from tests.sound.pulse import MICROPHONE, Pulse, need_backend
from tests.sound.sound_process import SoundProcess
from tests.word_errors import word_errors

Samples = npt.NDArray[np.int16]

RATE, LINE_RATE = 48_000, 16_000
NUMBER, AGENT = "+15550100190", "+15550100000"
WEATHER = "The weather in Boston was very cold last winter."
MUSEUM = "My mother wants to visit the museum on Sunday."
MANAGER = "This is the manager. Your table is ready at seven."
WRONG = 3
"""Words of a sentence that the small recogniser may get wrong."""
GREETING = "Hello. The last boat leaves at nine in the evening."
FROM_THE_SPEAKER = {"boat", "leaves", "evening", "appointment", "cancel", "manager", "table", "ready", "seven"}
ENOUGH = 0.5
"""Of the words that were said, these must be heard in a recording that also holds others."""
PERSONA = f"""
name = "brief"
instructions = "You answer in few words."
trouble = "Something is wrong. Goodbye."
returning = "I am back."
greeting = {{ inbound = "{GREETING}", outbound = "Hello." }}
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, first_in_line: None) -> Iterator[House]:
    yield from running(tmp_path_factory.mktemp("voices"), persona=PERSONA)


@dataclass
class Conversation:
    """``speaker`` and ``microphone`` are what the virtual devices carried in the call, the latter until unplugged;
    ``recorded`` is the agent's recording, ``listened`` what the operator heard: stereo, the caller on the left."""

    events: list[Event]
    reports: list[protocol.Report]
    operators: list[protocol.Report]
    speaker: Samples
    microphone: Samples
    recorded: Samples
    listened: Samples
    understood: dict[str, list[str]]
    """The words that a recogniser finds in them."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def conversation(
    house: House, pulse_server: Pulse, tmp_path_factory: pytest.TempPathFactory
) -> Conversation:
    need_backend("sounddevice")
    pulse, folder = pulse_server, tmp_path_factory.mktemp("sound")
    weather, museum, manager = [await spoken(text) for text in (WEATHER, MUSEUM, MANAGER)]
    files = {"microphone_file": str(folder / "manager.wav"), "speaker_file": str(folder / "listened.wav")}
    soundfile.write(files["microphone_file"], manager, RATE)
    await house.until(lambda event: isinstance(event, events.AgentReady))
    await pulse.start()
    await pulse.loop_speaker_into_microphone()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in pulse.environment.items():
            patch.setenv(name, value)
        async with (
            SoundProcess(folder, Configure()) as caller,
            SoundProcess(folder, Configure(**files)) as operator,
            pulse.hearing() as speaker,
        ):
            async with pulse.hearing(MICROPHONE) as microphone:
                call = await dial(house, caller)
                ringing = len(speaker.samples)
                await listen_in(house, call, operator)
                await until(house, call, events.TurnAgentStopped)
                said = await say(house, call, pulse, weather, WEATHER, events.TurnAgentStopped, 1)
                await step_in(house, call, "take_over")
                operator.send(protocol.Speak(call=call, to="caller"))
                await until(house, call, events.OperatorSpoke)
                operator.send(protocol.Speak(call=call, to="nobody"))

            await pulse.unplug(MICROPHONE)
            await caller.reports.next(DeviceChanged, lambda one: one.state in ("lost", "missing", "silent"))
            await pulse.plug(MICROPHONE)
            await caller.reports.next(DeviceChanged, lambda one: one.state in ("back", "open"))
            await say(house, call, pulse, museum, MUSEUM, events.TurnUserStopped, said)
            await step_in(house, call, "hand_back")

            caller.send(protocol.Key(digit="7"))
            await until(house, call, events.CallDtmf)
            caller.send(protocol.HangUp())
            await caller.reports.next(Phone, lambda one: one.state == "ended")
            await operator.reports.next(Listening, lambda one: one.state == "closed")
    told = await house.whole_call(call)
    listened = read(folder / "listened.wav")
    return Conversation(
        events=told,
        reports=caller.reports.all,
        operators=operator.reports.all,
        speaker=speaker.samples[ringing:],
        microphone=microphone.samples,
        recorded=read(house.data / "calls" / f"{call}.wav"),
        listened=listened,
        understood={
            "speaker": await understood(house, speaker.samples[:, 0]),
            "caller": await understood(house, listened[:, 0]),
        },
    )


async def spoken(text: str) -> Samples:
    """After a breath: the last word of the other has just left the speaker."""
    synthesiser = Synthesiser()
    try:
        speech = (await synthesiser.render(text, sample_rate=RATE)).samples
        return np.concatenate([np.zeros(RATE * 7 // 10, np.int16), speech])
    finally:
        await synthesiser.close()


async def dial(house: House, caller: SoundProcess) -> str:
    """The id of a call from the softphone."""
    simulator = house.simulator
    caller.send(protocol.OpenPhone(url=simulator.url, token=simulator.state["token"], number=NUMBER))
    order = {"to": AGENT, "texml_url": f"{house.agent.url}/texml?band=hd", "codec": "G722"}
    caller.send(protocol.Dial(order=order))
    talking = await caller.reports.next(Phone, lambda one: one.state == "talking")
    placed = await house.until(
        lambda event: isinstance(event, events.CallPlaced) and event.call_control_id == talking.call_control_id
    )
    await until(house, placed[-1].call, events.MediaStarted)
    return placed[-1].call


async def listen_in(house: House, call: str, operator: SoundProcess) -> None:
    agent = house.agent
    operator.send(protocol.Listen(url=agent.url, token=agent.state["token"], call=call, who="ann", ears="split"))
    await operator.reports.next(Listening, lambda one: one.state == "open")


async def until(house: House, call: str, kind: type[Event], times: int = 1) -> list[Event]:
    """The events of the call up to the one that is so manieth of its kind."""
    count = 0

    def last(event: Event) -> bool:
        nonlocal count
        count += event.call == call and isinstance(event, kind)
        return count == times

    return [event for event in await house.until(last, within=30) if event.call == call]


async def step_in(house: House, call: str, action: str) -> None:
    answer = await house.ask(house.agent, "POST", f"/calls/{call}/operator", action=action, who="ann")
    assert answer.status_code == 200, answer.text


async def say(
    house: House, call: str, pulse: Pulse, speech: Samples, text: str, over: type[Event], before: int
) -> int:
    """Say it into the microphone until the agent has understood, as people do; gives how often that was.

    It is over with an event of that kind, of which there were so many ``before``.
    """
    heard: list[str] = []
    for times in range(1, 6):
        await pulse.speak(speech)
        heard = finals(await until(house, call, over, before + times))
        if heard and errors(text, heard[-1]) <= WRONG:
            return times
    raise AssertionError(f"the agent heard {heard}")


def read(path: Path) -> Samples:
    samples, _ = soundfile.read(path, dtype="int16", always_2d=True)
    return samples


async def understood(house: House, samples: Samples) -> list[str]:
    """The words of a recording at 48 kHz, as the simulator's recogniser hears them."""
    sound = resample(samples, RATE, LINE_RATE)
    blocks = [sound[at : at + LINE_RATE // 10].tobytes() for at in range(0, len(sound), LINE_RATE // 10)]
    service = Service("SIM", f"{house.environment()['ASSEMBLYAI_BASE_URL']}/v3/ws", "simulated", lead_ms=600_000)
    query = f"sample_rate={LINE_RATE}&speech_model=universal-streaming-english"
    listened = await listen(service, query, blocks, lambda _ms: None)
    assert not listened.problem
    return [word for heard in listened.heard for word in words(heard.transcript)]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def errors(said: str, heard: str) -> int:
    return word_errors(words(said), words(heard))


def found(said: str, heard: list[str]) -> float:
    """How many of the words that were said are among those heard: 0 to 1."""
    return sum(word in heard for word in words(said)) / len(words(said))


def talk_s(samples: Samples, rate: int) -> float:
    """Seconds in which somebody speaks."""
    block = rate // 20
    frames = samples[: len(samples) // block * block].astype(np.float64).reshape(-1, block)
    return float(np.count_nonzero(np.sqrt((frames**2).mean(axis=1)) > 500)) / 20


def test_the_agent_hears_the_callers_words_and_not_its_own_from_the_speaker(conversation: Conversation) -> None:
    heard = finals(conversation.events)
    echo = talk_s(conversation.microphone[:, 0], RATE) - talk_s(conversation.recorded[:, 0], LINE_RATE)
    assert echo > 2
    assert any(errors(WEATHER, text) <= WRONG for text in heard)
    assert not FROM_THE_SPEAKER & {word for text in heard for word in words(text)}
    assert not of(conversation.events, events.TurnInterrupted)


def test_a_microphone_that_is_unplugged_in_a_call_is_told_and_comes_back(conversation: Conversation) -> None:
    assert errors(MUSEUM, finals(conversation.events)[-1]) <= WRONG
    told = [one for one in conversation.reports if isinstance(one, DeviceChanged) and one.kind == "microphone"]
    # A busy machine finds it silent before it knows that it is gone.
    gone = [one for one in told if one.state in ("lost", "missing", "silent")]
    assert told[0].state == "open"
    assert gone
    assert all(one.message for one in gone)
    assert {one.state for one in told[told.index(gone[0]) :]} & {"back", "open"}
    assert not [one for one in conversation.reports if isinstance(one, Trouble)]


def test_the_agent_comes_out_of_the_speaker_whole_and_clean(conversation: Conversation) -> None:
    speaker = conversation.speaker[:, 0]
    spoke = " ".join(event.text for event in of(conversation.events, events.TurnAgentStopped))
    assert found(spoke, conversation.understood["speaker"]) >= ENOUGH
    assert talk_s(speaker, RATE) > 0.9 * talk_s(conversation.recorded[:, 1], LINE_RATE)
    assert np.abs(speaker.astype(np.int32)).max() < 32_767
    stats = [one for one in conversation.reports if isinstance(one, PhoneStats)]
    assert 0 < stats[-1].buffer_ms <= stats[-1].delay_ms


def test_an_operator_hears_the_caller_and_the_agent_each_in_one_ear(conversation: Conversation) -> None:
    caller, agent = conversation.listened[:, 0], conversation.listened[:, 1]
    assert found(f"{WEATHER} {MUSEUM}", conversation.understood["caller"]) >= ENOUGH
    assert not FROM_THE_SPEAKER & set(conversation.understood["caller"])
    assert talk_s(caller, RATE) == pytest.approx(talk_s(conversation.recorded[:, 0], LINE_RATE), rel=0.15)
    assert talk_s(agent, RATE) > 2
    stats = [one for one in conversation.operators if isinstance(one, ListeningStats)]
    assert stats
    assert not any(one.estimated for one in stats)


def test_an_operator_who_takes_over_is_heard_by_the_caller_and_written_down(conversation: Conversation) -> None:
    (spoke,) = of(conversation.events, events.OperatorSpoke)
    assert spoke.who == "ann"
    assert errors(MANAGER, spoke.text) <= WRONG
    assert found("table ready seven", conversation.understood["speaker"]) >= ENOUGH


def test_a_key_and_the_end_of_the_softphone_reach_the_agent(conversation: Conversation) -> None:
    assert [event.digit for event in of(conversation.events, events.CallDtmf)] == ["7"]
    (ended,) = of(conversation.events, events.CallEnded)
    assert (ended.cause, ended.source) == ("normal_clearing", "caller")
    assert not of(conversation.events, events.Error)

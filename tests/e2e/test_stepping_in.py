"""One call in which operators do all they can: whisper, say, mute, take over with a voice, hand back, vanish."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect

from agent import audio_wire, events
from agent.events import Event
from simulator.audio import Samples
from simulator.speech.synthesiser import Synthesiser
from tests.e2e.house import House, of, running
from tests.simulator.codec_house import stereo

NUMBER = "+15550100901"
PRICE = "A check-up costs forty dollars."
SAID = "One moment, please."
COLLEAGUE = "You are expected on Friday."
PERSONA = """
name = "brief"
instructions = "You answer in few words. The clinic is open from nine to five."
trouble = "Something is wrong. Goodbye."
returning = "I am back."
greeting = { inbound = "Hello.", outbound = "Hello, this is the clinic." }
"""
LINES = ["How much is a check-up?", "When are you open?", "Could you repeat that?"]
Kind = TypeVar("Kind", bound=Event)


@pytest.fixture(scope="module")
def house(framework: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from running(tmp_path_factory.mktemp("step_in"), framework, PERSONA, SIDETONE_TAKE_BACK_SECONDS="1")


class Following:
    """The events of a call as they come."""

    def __init__(self, call: str) -> None:
        self.call = call
        self.events: list[Event] = []
        self._changed = asyncio.Condition()

    async def read(self, messages: AsyncIterator[Any]) -> None:
        async for message in messages:
            if isinstance(message, Event) and message.call == self.call and message.seq:
                async with self._changed:
                    self.events.append(message)
                    self._changed.notify_all()

    async def until(self, kind: type[Kind], fits: Callable[[Kind], bool] = lambda _: True) -> Kind:
        async with asyncio.timeout(60), self._changed:
            while True:
                for event in self.events:
                    if isinstance(event, kind) and fits(event):
                        return event
                await self._changed.wait()


@dataclass
class Call:
    events: list[Event]
    operator: Samples
    """What the operator said, as it went to the caller."""
    recording: Path
    report: dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(house: House, tmp_path_factory: pytest.TempPathFactory) -> Call:
    folder = tmp_path_factory.mktemp("recording")
    # The caller leaves the operators time between an answer and the next line, on a busy machine too.
    script = {"turns": [{"user": line} for line in LINES], "patience_ms": 4000, "hang_up": False}
    order = {"script": script, "record": str(folder)}
    assert (await house.ask(house.simulator, "PUT", f"/sim/numbers/{NUMBER}", **order)).status_code == 204
    synthesiser = Synthesiser()
    speech = (await synthesiser.render(COLLEAGUE)).samples
    await synthesiser.close()
    following = Following(await house.dial(NUMBER))
    async with house.stream() as messages:
        reading = asyncio.create_task(following.read(messages))
        await conduct(house, following, speech)
        await following.until(events.CallEnded)
        reading.cancel()
    placed = of(following.events, events.CallPlaced)[0].call_control_id
    report = await house.report(placed)
    return Call(following.events, speech, next(folder.glob("*.wav")), report)


async def conduct(house: House, told: Following, speech: Samples) -> None:
    """What the operators do, each thing when the call has come that far."""

    async def do(action: str, text: str = "") -> None:
        body = {"action": action, "text": text, "who": "ann"}
        answer = await house.ask(house.agent, "POST", f"/calls/{told.call}/operator", **body)
        assert answer.status_code == 200, answer.text

    def answered(turn: int) -> Callable[[events.TurnAgentStopped], bool]:
        return lambda event: event.turn == turn

    present = f"ws://127.0.0.1:{house.agent.state['port']}/events?who=ann"
    async with connect(present, proxy=None, additional_headers=house.agent.bearer, max_size=None):
        await told.until(events.TurnAgentStarted)
        await do("whisper", PRICE)
        await told.until(events.TurnAgentStopped, answered(1))
        await do("say", SAID)
        await told.until(events.TurnAgentStopped, lambda event: event.text == SAID)
        await do("mute")
        await told.until(events.TurnUserStopped, lambda event: event.turn == 2)
        await do("unmute")
        await told.until(events.TurnAgentStopped, answered(2))
        async with listening(house, told.call) as link:
            await do("take_over")
            speaking = asyncio.create_task(speak(link, speech))
            await told.until(events.OperatorSpoke)
            speaking.cancel()
            await do("hand_back")
            await told.until(events.TurnAgentStopped, answered(3))
            await do("take_over")
    await told.until(events.TurnAgentStopped, lambda event: event.text == "I am back.")
    await house.ask(house.agent, "POST", f"/calls/{told.call}/hangup")


@contextlib.asynccontextmanager
async def listening(house: House, call: str) -> AsyncIterator[ClientConnection]:
    address = f"ws://127.0.0.1:{house.agent.state['port']}/calls/{call}/audio?who=ann"
    async with connect(address, proxy=None, additional_headers=house.agent.bearer, max_size=None) as link:
        await link.send('{"type":"speak","to":"caller"}')

        async def listen() -> None:
            async for _ in link:
                pass

        ears = asyncio.create_task(listen())
        yield link
        ears.cancel()
        # A console that dies says nothing.
        link.transport.abort()


async def speak(link: ClientConnection, speech: Samples) -> None:
    """Send the speech, and silence from then on, as a microphone does, 20 ms at a time."""
    frames = (speech[start : start + 160] for start in range(0, len(speech) - 159, 160))
    loop = asyncio.get_running_loop()
    due = loop.time()
    for frame in itertools.chain(frames, itertools.repeat(np.zeros(160, np.int16))):
        await link.send(audio_wire.encode(audio_wire.OPERATOR, 8000, 0, frame.tobytes()))
        due += 0.02
        await asyncio.sleep(max(0.0, due - loop.time()))


def answers(call: Call, turn: int) -> str:
    return " ".join(event.text for event in of(call.events, events.TtsRequest) if event.turn == turn)


def heard(call: Call, start: Event, end: Event) -> float:
    """How much of the time between two events the caller heard a voice, from 0 to 1."""
    _, agent, rate = stereo(call.recording)
    began = of(call.events, events.MediaStarted)[0].mono
    first, last = ((event.mono - began) * rate // 1_000_000_000 for event in (start, end))
    # The recording begins when the stream does, as near as makes no difference here.
    window = agent[first + rate // 5 : last - rate // 5].astype(float)
    frames = window[: len(window) // 160 * 160].reshape(-1, 160)
    return float((np.sqrt((frames**2).mean(axis=1)) > 300).mean())


@pytest.mark.asyncio(loop_scope="module")
async def test_a_whisper_changes_the_next_answer_and_is_not_heard_itself(call: Call) -> None:
    (whispered,) = of(call.events, events.OperatorWhispered)

    assert (whispered.who, whispered.text) == ("ann", PRICE)
    assert answers(call, 0) == "Hello, this is the clinic."
    assert answers(call, 1).startswith(PRICE)


@pytest.mark.asyncio(loop_scope="module")
async def test_said_words_are_heard_in_the_agents_voice(call: Call) -> None:
    said = next(event for event in of(call.events, events.TurnAgentStopped) if event.text == SAID)
    began = [event for event in of(call.events, events.TurnAgentStarted) if event.seq < said.seq][-1]

    assert began.seq > of(call.events, events.OperatorSaid)[0].seq
    assert heard(call, began, said) > 0.5


@pytest.mark.asyncio(loop_scope="module")
async def test_a_muted_agent_hears_and_answers_when_it_may(call: Call) -> None:
    muted, lifted = of(call.events, events.OperatorMuted)
    (stopped,) = (event for event in of(call.events, events.TurnUserStopped) if event.turn == 2)
    (asked,) = (event for event in of(call.events, events.LlmRequest) if event.turn == 2)

    assert muted.seq < stopped.seq < lifted.seq < asked.seq
    assert heard(call, muted, lifted) == 0
    assert answers(call, 2) == "The clinic is open from nine to five."
    assert 2 not in [latency.turn for latency in of(call.events, events.TurnLatency)]


@pytest.mark.asyncio(loop_scope="module")
async def test_who_takes_over_is_heard_and_understood_word_for_word(call: Call) -> None:
    spoken = " ".join(event.text for event in of(call.events, events.OperatorSpoke)).lower()
    assert {"expected", "friday"} <= set(re.findall(r"[a-z]+", spoken))

    _, agent, rate = stereo(call.recording)
    began, _ = where(call.operator, agent)
    size, found = rate // 10, list[bool]()
    for start in range(0, len(call.operator) - size, size):
        part = call.operator[start : start + size]
        if np.abs(part).max() > 1000:
            # A starved machine may tear the voice and hold up the rest of it, never for longer than this.
            around = agent[max(0, began + start - rate) : began + start + rate]
            found.append(where(part, around)[1] > 0.95)
    # A tear spoils the tenth of a second in which it is; all the others are there, each in its place.
    assert len(found) > 8
    assert found.count(False) <= 2


def where(part: Samples, sound: Samples) -> tuple[int, float]:
    """Where in ``sound`` that part is, and how alike it is there, 1 at most."""
    size = len(sound) + len(part)
    spectrum = np.fft.rfft(sound.astype(float), size) * np.fft.rfft(part.astype(float), size).conj()
    products = np.fft.irfft(spectrum, size)[: len(sound) - len(part)]
    powers = np.concatenate(([0.0], np.cumsum(sound.astype(float) ** 2)))
    there = np.sqrt(powers[len(part) : -1] - powers[: -len(part) - 1])
    alike = products / (there * np.linalg.norm(part.astype(float)) + 1.0)
    at = int(alike.argmax())
    return at, float(alike[at])


@pytest.mark.asyncio(loop_scope="module")
async def test_the_agent_goes_on_with_what_its_colleague_said(call: Call) -> None:
    back, lost = of(call.events, events.OperatorHandedBack)

    assert (back.who, back.reason) == ("ann", "")
    assert "Friday" in answers(call, 3)
    assert (lost.who, lost.reason) == ("ann", "lost")
    assert [event.text for event in of(call.events, events.TtsRequest) if event.seq > lost.seq] == ["I am back."]


@pytest.mark.asyncio(loop_scope="module")
async def test_nothing_of_it_disturbs_the_call(call: Call) -> None:
    ended, stats = of(call.events, events.CallEnded)[0], of(call.events, events.MediaStats)[-1]

    assert not of(call.events, events.Error), of(call.events, events.Error)
    assert ended.cause == "normal_clearing"
    assert (call.report["findings"], call.report["warnings"]) == ([], [])
    assert stats.refused == 0

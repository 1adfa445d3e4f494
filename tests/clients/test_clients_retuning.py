"""What AssemblyAI's clients send into a live session takes effect in the stand-in, also through the tap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from agent import events
from tests.clients.clients_house import PATIENCE_S, SDK_WARNINGS, Driver, Setup, driver, missing
from tests.clients.taps_house import Tapped, Taps, serving
from tests.simulator.assemblyai_house import hearing

CUT = "I would like to book an"
LINE = "I would like to book an appointment."
TOO_LONG = "What is your order number? " * 70
_BALANCED = {"mode": "balanced"}

pytestmark = SDK_WARNINGS
directly_and_through_the_tap = pytest.mark.parametrize("way", ["direct", "tap"])


def clients(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "client",
        [
            pytest.param(name, marks=pytest.mark.skipif(bool(missing(name)), reason=missing(name)))
            for name in names
        ],
    )


class Call:
    """A caller who says `pieces` to a stand-in; `say` feeds the next of them to the client."""

    def __init__(self, session: Driver, pcm: bytes, told: Tapped | None) -> None:
        self.session, self.heard = session, session.heard
        self._pcm = pcm
        self._told = told

    async def say(self, ms: int) -> None:
        audio, self._pcm = self._pcm[: ms * 16], self._pcm[ms * 16 :]
        await self.session.feed(audio)

    async def heard_partials(self, count: int) -> None:
        await self.session.until(lambda: self.heard.partials >= count)
        assert self.heard.finals == []

    async def heard_finals(self, *finals: str) -> None:
        await self.session.until(lambda: len(self.heard.finals) >= len(finals))
        assert self.heard.finals == list(finals)

    def sent(self, kind: str) -> list[dict[str, object]]:
        """What the tap tells that the client sent of a kind, without its type; nothing where there is no tap."""
        if self._told is None:
            return []
        sent = [dict(event.message) for event in self._told.of(events.SttSent)]
        return [message for message in sent if message.pop("type") == kind]

    def ended_by(self) -> list[str]:
        """How the stand-in ended the turns, as the tap tells it."""
        assert self._told is not None
        turns = [event.message for event in self._told.of(events.SttTurn)]
        return [turn["simulator"]["ended_by"] for turn in turns if turn["end_of_turn"]]

    def opened(self) -> list[dict[str, str]]:
        assert self._told is not None
        return [event.parameters for event in self._told.of(events.SttOpened)]

    @property
    def deaf(self) -> list[str]:
        return self._told.deaf if self._told else []


@asynccontextmanager
async def calling(client: str, setup: Setup, way: str, *pieces: str | int) -> AsyncIterator[Call]:
    taps = Taps()
    async with hearing(*pieces) as (stand_in, _, samples), serving(taps.app) as tap:
        told = taps.add("call", stand_in.url) if way == "tap" else None
        session = driver(client, f"{tap}/call" if told else stand_in.host, setup)
        async with session:
            yield Call(session, samples.tobytes(), told)


# Six words of 300 ms after 200 ms of silence: they end at 2000 ms.
CUT_SHORT = (200, CUT, 3000)


@clients("sdk", "sdk_async", "livekit")
@directly_and_through_the_tap
async def test_a_shorter_silence_ends_the_turn_that_is_held(client, way):
    async with calling(client, Setup(rate=8000, options=_BALANCED), way, *CUT_SHORT) as call:
        # In the pause the same words come again, with a confidence that is not enough.
        await call.say(3000)
        await call.heard_partials(3)
        await call.session.tune(max_turn_silence=200)
        await call.session.tune(vad_threshold=0.4)
        await call.say(100)
        await call.heard_finals(CUT)
        if way == "tap":
            assert call.sent("UpdateConfiguration") == [{"max_turn_silence": 200}, {"vad_threshold": 0.4}]
            assert call.ended_by() == ["max_silence"]


@clients("sdk", "sdk_async", "livekit", "pipecat")
@directly_and_through_the_tap
async def test_a_forced_endpoint_ends_the_turn_with_the_words_so_far(client, way):
    setup = Setup(rate=8000, ended_by_vad=True, options={} if client == "pipecat" else _BALANCED)
    async with calling(client, setup, way, *CUT_SHORT) as call:
        await call.say(2000)
        await call.heard_partials(2)
        await call.session.force()
        await call.heard_finals(CUT)
        if client == "pipecat":
            assert call.heard.confirmed == 1
        if way == "tap":
            assert call.sent("ForceEndpoint") == [{}]
            assert call.ended_by() == ["forced"]


@clients("sdk", "sdk_async", "livekit", "pipecat")
@directly_and_through_the_tap
async def test_context_is_taken_in_the_middle_of_a_turn(client, way):
    async with calling(client, Setup(rate=8000, options=_BALANCED), way, 200, LINE, 2000) as call:
        await call.say(1500)
        await call.heard_partials(1)
        await call.session.tune(agent_context="How can I help?")
        await call.session.tune(language_codes=["en"])
        await call.say(3000)
        await call.heard_finals(LINE)
        if way == "tap":
            assert call.sent("UpdateConfiguration") == [
                {"agent_context": "How can I help?"},
                {"language_codes": ["en"]},
            ]
            assert len(call.opened()) == 1
    assert call.heard.errors == []


@clients("sdk", "sdk_async")
@directly_and_through_the_tap
async def test_context_that_is_too_long_ends_the_session_and_says_why(client, way):
    async with calling(client, Setup(rate=8000), way, *CUT_SHORT) as call:
        await call.say(1500)
        await call.heard_partials(1)
        await call.session.tune(agent_context=TOO_LONG)
        await call.session.until(lambda: bool(call.heard.errors))
    (error,) = call.heard.errors
    assert error.startswith("3006 ")
    assert "agent_context exceeds maximum length of 1750 characters" in error
    assert [("agent_context" in deaf, "3006" in deaf) for deaf in call.deaf] == [(True, True)] * (way == "tap")


@clients("livekit", "pipecat")
async def test_the_frameworks_never_send_context_that_is_too_long(client):
    async with calling(client, Setup(rate=8000, options=_BALANCED), "tap", 200, LINE, 2000) as call:
        if client == "livekit":
            with pytest.raises(ValueError, match="1750"):
                await call.session.tune(agent_context=TOO_LONG)
        else:
            await call.session.tune(agent_context=TOO_LONG)
        await call.say(5000)
        await call.heard_finals(LINE)
        sent = [len(str(fields["agent_context"])) for fields in call.sent("UpdateConfiguration")]
    assert sent == ([] if client == "livekit" else [1500])


@clients("pipecat")
@directly_and_through_the_tap
async def test_pipecat_reconnects_for_any_other_setting_and_loses_no_word(client, way):
    async with calling(client, Setup(rate=8000), way, 200, CUT, 200, 200, CUT, 60_000) as call:
        await call.say(2200)
        await call.heard_partials(2)
        await call.session.tune(max_turn_silence=200)
        # The first session is asked to end, and says what was open. In the second, 600 ms are a long silence.
        await call.heard_finals(CUT)
        async with asyncio.timeout(PATIENCE_S):
            while len(call.heard.finals) < 2:
                await call.say(50)
                await asyncio.sleep(0.01)
        await call.heard_finals(CUT, CUT)
        if way == "tap":
            assert [query.get("max_turn_silence") for query in call.opened()] == [None, "200"]
            assert call.ended_by() == ["hangup", "max_silence"]
    assert (call.heard.errors, call.deaf) == ([], [])


@clients("sdk_async")
async def test_two_clients_of_one_stand_in_are_tuned_apart(client):
    async with hearing(*CUT_SHORT) as (stand_in, _, samples):
        pcm = samples.tobytes()
        one, other = (driver(client, stand_in.host, Setup(rate=8000)) for _ in range(2))
        async with one, other:
            await asyncio.gather(one.feed(pcm[: 3000 * 16]), other.feed(pcm[: 3000 * 16]))
            await one.tune(max_turn_silence=200)
            await asyncio.gather(one.feed(pcm[3000 * 16 : 3100 * 16]), other.feed(pcm[3000 * 16 : 3100 * 16]))
            await one.until(lambda: bool(one.heard.finals))
            assert other.heard.finals == []
    assert one.heard.finals == other.heard.finals == [CUT]

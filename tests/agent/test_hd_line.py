"""An HD line on a real media socket: what is asked for, what comes, and what is made of it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from pipecat.frames.frames import (
    EndFrame,
    InputAudioRawFrame,
    InputDTMFFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    TextFrame,
)
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from agent import events
from agent.carriers.line_codec import LineFormat
from agent.frameworks import Job
from agent.frameworks.pipecat_line import LineSerializer
from tests.agent.server_house import House
from tests.agent.test_line_codec import voice

RATE = 16_000


async def begin(line: ClientConnection, encoding: str, rate: int, call_control_id: str = "v3:1") -> None:
    media_format = {"encoding": encoding, "sample_rate": rate, "channels": 1}
    start = {"call_control_id": call_control_id, "media_format": media_format}
    await line.send('{"event":"connected","version":"1.0.0"}')
    await line.send(json.dumps({"event": "start", "stream_id": "s1", "start": start}))


def media(payload: bytes, chunk: int = 1) -> str:
    body = {"payload": base64.b64encode(payload).decode(), "chunk": str(chunk)}
    return json.dumps({"event": "media", "media": body})


async def job_of(house: House) -> Job:
    return await asyncio.wait_for(house.framework.jobs.get(), 30)


async def stored(house: House, kind: type[Any]) -> list[Any]:
    return [
        event
        for event in (events.decode(data) for data in house.agent._journal.read_from(0))
        if isinstance(event, kind)
    ]


async def end(house: House, call: str) -> None:
    """The line is closed already."""
    await house.webhook(
        "call.hangup", call_control_id="v3:1", hangup_cause="normal_clearing", hangup_source="callee"
    )
    await house.told(call, "call.ended")


async def test_a_call_dialled_in_hd_is_heard_and_counted_at_16_khz(house: House) -> None:
    call = (await house.dial(band="hd")).json()["call"]
    assert house.carrier.dials[0].media == LineFormat("L16", RATE)
    async with house.media() as line:
        await begin(line, "L16", RATE)
        job = await job_of(house)
        for chunk, frame in enumerate(voice(RATE)[: 50 * 320].reshape(-1, 320), 1):
            await line.send(media(frame.tobytes(), chunk))
        await line.send(media(b"\x01", 51))
        await line.send(json.dumps({"event": "dtmf", "dtmf": {"digit": "5"}}))
        await house.told(call, "call.dtmf")
        assert (job.line.hears, job.line.speaks) == (LineFormat("L16", RATE), LineFormat("L16", RATE))
        await line.send('{"event":"stop"}')
    await end(house, call)

    (started,) = await stored(house, events.MediaStarted)
    stats = (await stored(house, events.MediaStats))[-1]
    (error,) = await stored(house, events.Error)
    assert (started.encoding, started.sample_rate, started.asked) == ("L16", RATE, "")
    assert (stats.rx, stats.gaps, stats.refused) == (50, 0, 1)
    assert "1 bytes" in error.message


async def test_a_line_that_sends_something_else_than_was_asked_for_is_followed(house: House) -> None:
    call = (await house.dial(band="hd")).json()["call"]
    async with house.media() as line:
        await begin(line, "PCMU", 8000)
        job = await job_of(house)
        assert (job.line.hears, job.line.speaks) == (LineFormat("PCMU", 8000), LineFormat("L16", RATE))
        await line.send('{"event":"stop"}')

    started = await house.told(call, "media.started")
    assert isinstance(started, events.MediaStarted)
    assert (started.encoding, started.sample_rate, started.asked) == ("PCMU", 8000, "L16 16000 Hz")


@pytest.mark.parametrize(("encoding", "rate"), [("OPUS", 16_000), ("AMR-WB", 16_000), ("L16", 48_000)])
async def test_a_line_that_cannot_be_followed_ends_the_call_with_a_sentence(
    house: House, encoding: str, rate: int
) -> None:
    call = (await house.dial(band="hd")).json()["call"]
    async with house.media() as line:
        await begin(line, encoding, rate)
        with contextlib.suppress(ConnectionClosed):
            await asyncio.wait_for(line.recv(), 10)
    error, ended = await house.told(call, "error"), await house.told(call, "call.ended")

    assert isinstance(error, events.Error)
    assert isinstance(ended, events.CallEnded)
    assert encoding in error.message
    assert error.message.endswith(".")
    assert ended.cause == "media_lost"
    assert house.carrier.hung_up == ["v3:1"]


@pytest.mark.parametrize(("query", "codec"), [("", "PCMU"), ("?band=narrow", "PCMU"), ("?band=hd", "G722")])
async def test_the_texml_address_says_the_band_of_an_incoming_call(house: House, query: str, codec: str) -> None:
    form = urlencode({"CallSid": "v3:in", "From": "+15550100177", "To": "+15550100000"}).encode()
    document = (await house.signed(f"/texml{query}", form)).text

    assert f' codec="{codec}" ' in document
    assert f' bidirectionalCodec="{codec}" ' in document
    assert not await stored(house, events.Error)


async def test_a_band_that_is_none_is_told_of_and_the_call_goes_on(house: House) -> None:
    form = urlencode({"CallSid": "v3:in", "From": "+15550100177", "To": "+15550100000"}).encode()
    document = (await house.signed("/texml?band=wide", form)).text
    (call,) = (await house.http.get("/calls", headers=house.bearer)).json()
    error = await house.told(call["id"], "error")

    assert ' codec="PCMU" ' in document
    assert isinstance(error, events.Error)
    assert "band=wide" in error.message


async def test_l16_in_the_other_byte_order_is_named_with_its_setting(house: House) -> None:
    call = (await house.dial(band="hd")).json()["call"]
    async with house.media() as line:
        await begin(line, "L16", RATE)
        await job_of(house)
        for chunk, frame in enumerate(voice(RATE)[: 60 * 320].reshape(-1, 320), 1):
            await line.send(media(frame.byteswap().tobytes(), chunk))
        error = await house.told(call, "error")
        await line.send('{"event":"stop"}')
    await end(house, call)

    assert isinstance(error, events.Error)
    assert "big-endian" in error.message
    assert "SIDETONE_L16_BYTE_ORDER=big" in error.fix
    assert len(await stored(house, events.Error)) == 1


class Turns:
    """The part of :class:`agent.turns.Turns` that a serializer needs."""

    speaking = False
    interrupted_at = 0

    def interrupted(self, now: int) -> None:
        self.interrupted_at = now


async def test_frames_go_out_and_come_in_at_the_lines_rates(house: House) -> None:
    """L16 at 16 kHz out and PCMU in: audio, marks, a barge-in, keys, and one hang-up."""
    await house.dial(band="hd")
    hung_up: list[None] = []

    async def hang_up() -> None:
        hung_up.append(None)

    async with house.media() as line:
        await begin(line, "PCMU", 8000)
        job = await job_of(house)
        serializer = LineSerializer(job.line, Turns(), hang_up)  # type: ignore[arg-type]
        said = voice(RATE)[:640]
        message = await serializer.serialize(OutputAudioRawFrame(said.tobytes(), RATE, 1))
        assert base64.b64decode(json.loads(message)["media"]["payload"]) == said.tobytes()
        assert job.line.mouth.sent_ms == 40
        for _ in range(9):
            await serializer.serialize(OutputAudioRawFrame(said.tobytes(), RATE, 1))
        await job.line.send_mark()
        assert json.loads(await line.recv()) == {"event": "mark", "mark": {"name": "played-1"}}

        assert await serializer.serialize(InterruptionFrame()) == '{"event":"clear"}'
        assert job.line.mouth.sent_ms < 400
        assert await serializer.serialize(InterruptionFrame()) is None
        assert await serializer.serialize(TextFrame("words")) is None

        await line.send(media(b"\x00" * 160))
        await line.send(json.dumps({"event": "dtmf", "dtmf": {"digit": "#"}}))
        # The listener of this house reads the messages; the last one taken is what the serializer is about.
        await house.told(job.call, "call.dtmf")
        key = await serializer.deserialize("")
        assert isinstance(key, InputDTMFFrame)
        assert key.button.value == "#"
        job.line.taken = "A"
        assert await serializer.deserialize("") is None
        job.line.taken = np.full(160, -32124, np.int16)
        frame = await serializer.deserialize("")
        assert isinstance(frame, InputAudioRawFrame)
        assert (frame.sample_rate, frame.num_frames) == (8000, 160)
        assert np.frombuffer(frame.audio, np.int16)[0] == -32124

        for _ in range(2):
            assert await serializer.serialize(EndFrame()) is None
        assert len(hung_up) == 1
        await line.send('{"event":"stop"}')

"""A whole call in each codec: what one side says is what the other side hears, and what the recording holds."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from simulator.audio import Samples, resample, ulaw_decode
from simulator.telnyx.media.ffmpeg import OpusEncoder
from tests.simulator.call_house import Line, streams_of
from tests.simulator.codec_house import decoded, encoding, stereo, track, wav_of
from tests.simulator.conftest import Bot, Stream
from tests.simulator.media_house import frames_of, speech

FILE_RATE = 16_000
LEAD_MS = 400
"""Silence before the caller speaks, during which the stream is opened."""
SPOKEN = speech(1.0, FILE_RATE)
OWN_RATES = {"PCMU": 8000, "PCMA": 8000, "G722": 16_000, "OPUS": 16_000}

# The leg's codec, the stream's both ways and the rate of L16; then the SNR in dB to the application and back.
# G.711 keeps 37 dB of this voice, G.722 27 dB and Opus 20 dB; the caller passes the leg's codec as well.
CALLS = [
    ("PCMU", "PCMU", "PCMU", 8000, 35, 35),
    ("PCMA", "PCMA", "PCMA", 8000, 35, 35),
    ("G722", "G722", "G722", 8000, 25, 25),
    ("OPUS", "OPUS", "OPUS", 16_000, 18, 18),
    ("L16", "L16", "L16", 16_000, 90, 90),
    ("PCMU", "L16", "L16", 24_000, 35, 60),
    ("PCMA", "G722", "PCMU", 8000, 25, 35),
    ("G722", "PCMU", "L16", 48_000, 35, 60),
]


@dataclass
class Heard:
    """What the application saw, and the recording: `left` is the caller, `right` the agent, at `rate` hertz."""

    stream: Stream
    left: Samples
    right: Samples
    rate: int
    report: dict[str, Any]


@pytest.fixture
def caller_wav(tmp_path: Path) -> Path:
    path = tmp_path / "caller.wav"
    path.write_bytes(wav_of(np.concatenate([np.zeros(LEAD_MS * FILE_RATE // 1000, np.int16), SPOKEN]), FILE_RATE))
    return path


def likeness(heard: Samples, meant: Samples) -> tuple[float, int]:
    """Signal to noise ratio in dB where `meant` fits best into `heard`, and that place in samples."""
    size = len(heard) + len(meant)
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(meant, size))
    place = int(np.argmax(np.fft.irfft(product, size)[: len(heard) - len(meant) + 1]))
    got = heard[place : place + len(meant)].astype(np.float64)
    noise = float(np.mean((got - meant) ** 2)) or 1e-9
    return 10 * float(np.log10(np.mean(meant.astype(np.float64) ** 2) / noise)), place


def encoded(samples: Samples, codec: str, rate: int) -> list[bytes]:
    if codec == "OPUS":
        encoder = OpusEncoder()
        return [encoder.encode(frame) for frame in frames_of(samples, 320)]
    encode = encoding(codec)
    return [encode(frame) for frame in frames_of(samples, rate // 50)]


async def talk(control: httpx.AsyncClient, stream: Stream, folder: Path, said: list[bytes]) -> Heard:
    """A call in which both sides say all they have to say."""
    start = stream.of("start")[0]["start"]
    for payload in said:
        await stream.play(payload)
    await stream.send({"event": "mark", "mark": {"name": "all said"}})
    await stream.until("mark")
    ticks = LEAD_MS // 20 + len(frames_of(SPOKEN, FILE_RATE // 50)) + 10
    await stream.until("media", ticks * (1 + bool(track(stream, "outbound"))))
    call_id = start["call_control_id"]
    (await control.delete(f"/calls/{call_id}")).raise_for_status()
    await stream.closed.wait()
    report = (await control.get(f"/calls/{call_id}?wait_ms=20000")).json()
    (recorded,) = folder.glob(f"*-{call_id[-8:]}.wav")
    return Heard(stream, *stereo(recorded), report)


async def place(
    control: httpx.AsyncClient,
    bot: Bot,
    wav: Path,
    folder: Path,
    leg: str,
    codec: str,
    send_codec: str,
    rate: int,
    **more: Any,
) -> str:
    stream = {"url": bot.stream_url, "codec": codec, "send_codec": send_codec, "rate": rate, **more}
    order = {"wav": str(wav), "codec": leg, "stream": stream, "record": str(folder)}
    placed = await control.post("/calls", json=order)
    assert placed.status_code == 201, placed.text
    return placed.json()["call_control_id"]


async def test_calls_in_every_codec(
    control: httpx.AsyncClient, bot: Bot, caller_wav: Path, tmp_path: Path
) -> None:
    placed = [await place(control, bot, caller_wav, tmp_path, *case[:4]) for case in CALLS]
    streams = await streams_of(bot, len(CALLS))

    async def compare(call_id: str, case: tuple[str, str, str, int, float, float]) -> None:
        leg, codec, send_codec, rate, least_to, least_from = case
        own_rate = OWN_RATES.get(send_codec, rate)
        answer = speech(1.2, own_rate)[::-1].copy()
        payloads = encoded(answer, send_codec, own_rate)
        # In one message, so that a busy machine cannot leave the queue empty in between; a packet of OPUS is one.
        said = payloads if send_codec == "OPUS" else [b"".join(payloads)]
        heard = await talk(control, streams[call_id], tmp_path, said)

        assert heard.stream.of("start")[0]["start"]["media_format"]["encoding"] == codec
        received, received_rate = decoded(codec, track(heard.stream, "inbound"))
        to_application, _ = likeness(received, resample(SPOKEN, FILE_RATE, received_rate))
        assert to_application > least_to, case
        to_caller, _ = likeness(heard.right, resample(answer, own_rate, heard.rate))
        assert to_caller > least_from, case
        assert (heard.rate, heard.report["codec"]) == (8000 if leg in ("PCMU", "PCMA") else 16_000, leg)
        assert heard.report["warnings"] == []

    await asyncio.gather(*(compare(call_id, case) for call_id, case in zip(placed, CALLS, strict=True)))


async def test_the_recording_is_aligned_to_the_sample(
    control: httpx.AsyncClient, bot: Bot, caller_wav: Path, tmp_path: Path
) -> None:
    """Left begins at the answer; both sides stand in the file as they stood in the frames of both tracks."""
    call_id = await place(control, bot, caller_wav, tmp_path, "PCMU", "PCMU", "PCMU", 8000, track="both_tracks")
    stream = (await streams_of(bot, 1))[call_id]
    said = speech(1.0, 8000)[::-1].copy()
    heard = await talk(control, stream, tmp_path, encoded(said, "PCMU", 8000))

    lead = LEAD_MS * heard.rate // 1000
    _, begins = likeness(heard.left, resample(SPOKEN, FILE_RATE, heard.rate))
    assert abs(begins - lead) < heard.rate / 1000
    inbound, outbound = (ulaw_decode(b"".join(track(stream, name))) for name in ("inbound", "outbound"))
    unopened = next(
        at for at in range(0, lead, 160) if np.array_equal(heard.left[at : at + len(inbound)], inbound)
    )
    assert np.array_equal(heard.right[unopened : unopened + len(outbound)], outbound)
    assert not heard.right[:unopened].any()
    assert len(said) < len(outbound)
    assert ulaw_decode(b"".join(encoded(said, "PCMU", 8000))).tobytes() in outbound.tobytes()


async def test_a_dialled_number_has_its_codec_too(line: Line, bot: Bot, caller_wav: Path) -> None:
    await line.at("+15550100777", {"wav": str(caller_wav), "codec": "G722"})
    call_id = await line.place("+15550100777", stream_url=bot.stream_url, stream_track="inbound_track")
    stream = await bot.streams.get()
    assert (await stream.until("start"))[0]["start"]["media_format"]["encoding"] == "G722"
    answered = await line.event("call.answered", call_id)
    assert (answered["codec"], answered["sampling_rate"]) == ("G722", 8000)
    await stream.until("media", LEAD_MS // 20 + 60)
    received, rate = decoded("G722", track(stream, "inbound"))
    assert likeness(received, resample(SPOKEN, FILE_RATE, rate))[0] > 25

"""Audio through a whole stream in each codec, compared sample by sample; both directions, with transcoding."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from simulator.audio import Samples, ulaw_decode
from simulator.telnyx.media.codecs import FrameEncoder
from simulator.telnyx.media.ffmpeg import OpusEncoder
from simulator.telnyx.media.leg_audio import LegAudio
from simulator.telnyx.media.resampling import FrameResampler
from tests.simulator.codec_house import decoded, encoding
from tests.simulator.media_house import frames_of, house, similarity, speech

NARROW, WIDE = LegAudio("PCMU", 8000), LegAudio("G722", 16_000)
SECONDS = 1.0
# SNR in dB that each way must keep; the rest is the codec's own loss and 1.25 ms of resampling.
TO_APPLICATION = [
    ("PCMU", NARROW, 30),
    ("PCMA", NARROW, 30),
    ("G722", NARROW, 15),
    ("L16", NARROW, 40),
    ("OPUS", NARROW, 10),
    ("PCMU", WIDE, 30),
    ("G722", WIDE, 15),
    ("L16", WIDE, 90),
    ("OPUS", WIDE, 10),
]


def at_rate(samples: Samples, rate: int, to_rate: int) -> Samples:
    if rate == to_rate:
        return samples
    resampler = FrameResampler(rate, to_rate)
    return np.concatenate([resampler.push(frame) for frame in frames_of(samples, rate // 50)])


@pytest.mark.parametrize(
    ("codec", "leg", "least"), TO_APPLICATION, ids=lambda value: str(getattr(value, "rate", value))
)
async def test_the_telephone_is_heard_by_the_application(codec: Any, leg: LegAudio, least: float) -> None:
    spoken = speech(SECONDS, leg.rate)
    async with house(leg, codec=codec) as at:
        for frame in frames_of(spoken, leg.frame_samples):
            at.stream.carry(frame, None)
        media = await at.application.until("media", int(SECONDS * 50))
        start = at.application.of("start")[0]["start"]["media_format"]
    payloads = [base64.b64decode(frame["media"]["payload"]) for frame in media]
    heard, rate = decoded(codec, payloads)
    published = {"PCMU": 8000, "PCMA": 8000, "G722": 8000, "OPUS": 16_000, "L16": 16_000}[codec]
    assert start == {"encoding": codec, "sample_rate": published, "channels": 1}
    if codec != "OPUS":
        assert {len(payload) for payload in payloads} == {640 if codec == "L16" else 160}
    snr, delay = similarity(heard, at_rate(spoken, leg.rate, rate), rate // 50)
    assert snr > least
    assert delay < rate // 100


@pytest.mark.parametrize("leg", [NARROW, WIDE], ids=["8000", "16000"])
@pytest.mark.parametrize(
    ("codec", "rate", "least"),
    [
        ("PCMU", 8000, 30),
        ("PCMA", 8000, 30),
        ("G722", 8000, 15),
        ("OPUS", 8000, 10),
        ("L16", 8000, 40),
        ("L16", 16_000, 40),
        ("L16", 22_050, 40),
        ("L16", 24_000, 40),
        ("L16", 48_000, 40),
    ],
)
async def test_the_application_is_heard_by_the_telephone(
    codec: Any, rate: int, least: float, leg: LegAudio
) -> None:
    own = {"G722": 16_000, "OPUS": 16_000}.get(codec, rate)
    spoken = speech(SECONDS, own)
    ticks = int(SECONDS * 50)
    async with house(leg, send_codec=codec, rate=rate) as at:
        if codec == "OPUS":
            encoder = OpusEncoder()
            for frame in frames_of(spoken, 320):
                await at.application.play(encoder.encode(frame))
        else:
            encode = encoding(codec)
            for start in range(0, len(spoken), own // 5):
                await at.application.play(encode(spoken[start : start + own // 5]))
        await at.application.settled(at.stream)
        assert abs(at.stream.queued_ms - ticks * 20) <= 2
        heard = at.hear(ticks + 1, leg)
        assert at.stream.queued_ms == 0
        assert at.stream.hear() is None
    meant = at_rate(spoken, own, leg.rate)
    snr, delay = similarity(heard, meant, leg.rate // 50)
    assert snr > least
    assert delay < leg.rate // 100
    assert "wrong-codec" not in at.found


@pytest.mark.parametrize("big_endian", [False, True])
async def test_linear_audio_is_exact_in_either_byte_order(big_endian: bool) -> None:
    leg = LegAudio("L16", 16_000)
    spoken = speech(0.1, 16_000)
    order = ">i2" if big_endian else "<i2"
    async with house(leg, send_codec="L16", rate=16_000, l16_big_endian=big_endian) as at:
        await at.application.play(spoken.astype(order).tobytes())
        await at.application.settled(at.stream)
        assert at.hear(5, leg).tolist() == spoken.tolist()
        for frame in frames_of(spoken, 320):
            at.stream.carry(frame, None)
        media = await at.application.until("media", 5)
    data = b"".join(base64.b64decode(frame["media"]["payload"]) for frame in media)
    assert np.frombuffer(data, order).tolist() == spoken.tolist()


async def test_companded_audio_of_the_legs_own_codec_is_exact() -> None:
    async with house() as at:
        await at.application.play(bytes(range(256)) + b"\xff" * 64)
        await at.application.settled(at.stream)
        assert at.hear(2, NARROW).tolist() == ulaw_decode(bytes(range(256)) + b"\xff" * 64).tolist()


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722", "OPUS", "L16"])
@pytest.mark.parametrize("rate", [8000, 16_000])
def test_silence_is_silent_and_comes_back_after_speech(codec: Any, rate: int) -> None:
    encoder = FrameEncoder(codec, rate)
    spoken = [encoder.encode(frame) for frame in frames_of(speech(0.2, rate), rate // 50)]
    quiet = [encoder.encode(None) for _ in range(10)]
    heard, own = decoded(codec, [*spoken, *quiet])
    tail = heard[-5 * own // 50 :].astype(np.float64)
    assert float(np.sqrt(np.mean(tail**2))) < 60
    if codec in ("PCMU", "PCMA", "L16"):
        assert quiet[-1] is quiet[-2]


@pytest.mark.parametrize(
    ("from_rate", "to_rate"),
    [(8000, 16_000), (16_000, 8000), (22_050, 8000), (24_000, 8000), (48_000, 16_000), (22_050, 16_000)],
)
def test_resampling_keeps_a_tone_and_its_length(from_rate: int, to_rate: int) -> None:
    tone = (8000 * np.sin(2 * np.pi * 1000 * np.arange(from_rate) / from_rate)).astype(np.int16)
    out = at_rate(tone, from_rate, to_rate)
    assert len(out) == to_rate
    meant = (8000 * np.sin(2 * np.pi * 1000 * np.arange(to_rate) / to_rate)).astype(np.int16)
    delayed = 1.25 * min(8000, from_rate, to_rate) / min(from_rate, to_rate)
    phase = 2 * np.pi * 1000 * (np.arange(to_rate) / to_rate - delayed / 1000)
    assert float(np.corrcoef(out[400:], (8000 * np.sin(phase))[400:])[0, 1]) > 0.99
    assert len(meant) == len(out)


def test_a_tone_above_the_new_band_does_not_come_back_as_another() -> None:
    tone = (8000 * np.sin(2 * np.pi * 5500 * np.arange(16_000) / 16_000)).astype(np.int16)
    out = at_rate(tone, 16_000, 8000)[400:].astype(np.float64)
    assert float(np.sqrt(np.mean(out**2))) < 8000 / 1000

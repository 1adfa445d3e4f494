"""Payloads as an application makes them and hears them, by codec, and the audio files beside them."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simulator.audio import Samples, alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from simulator.telnyx.media.ffmpeg import G722Decoder, G722Encoder, OpusDecoder

if TYPE_CHECKING:
    from tests.simulator.conftest import Stream


def decoded(codec: str, payloads: list[bytes]) -> tuple[Samples, int]:
    """What an application would make of the payloads, and its rate."""
    if codec == "OPUS":
        opus = OpusDecoder(16_000)
        return np.concatenate([opus.decode(payload) for payload in payloads]), 16_000
    data = b"".join(payloads)
    match codec:
        case "PCMU":
            return ulaw_decode(data), 8000
        case "PCMA":
            return alaw_decode(data), 8000
        case "G722":
            return G722Decoder().decode(data), 16_000
        case _:
            return np.frombuffer(data, "<i2").astype(np.int16), 16_000


def encoding(codec: str) -> Callable[[Samples], bytes]:
    """Any codec but OPUS, whose payloads are packets."""
    match codec:
        case "PCMU":
            return ulaw_encode
        case "PCMA":
            return alaw_encode
        case "G722":
            return G722Encoder().encode
        case _:
            return lambda samples: samples.tobytes()


def track(stream: Stream, name: str) -> list[bytes]:
    return [base64.b64decode(f["media"]["payload"]) for f in stream.of("media") if f["media"]["track"] == name]


def above_4_khz(samples: Samples, rate: int) -> float:
    """The share of the power above the band of a telephone, in dB."""
    power = np.abs(np.fft.rfft(samples.astype(float))) ** 2
    high = np.fft.rfftfreq(len(samples), 1 / rate) > 4100
    return 10 * float(np.log10(power[high].sum() / power.sum() + 1e-12))


def wav_of(samples: Samples, rate: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(samples.tobytes())
    return file.getvalue()


def stereo(path: Path) -> tuple[Samples, Samples, int]:
    with wave.open(str(path)) as reader:
        assert reader.getnchannels() == 2
        both = np.frombuffer(reader.readframes(reader.getnframes()), "<i2").reshape(-1, 2)
        return both[:, 0].copy(), both[:, 1].copy(), reader.getframerate()

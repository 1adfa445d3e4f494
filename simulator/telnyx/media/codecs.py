"""Samples to codec bytes and back, 20 ms at a time, between the rates of a phone leg and of a stream.

A coder here knows one codec at its own rate; `FrameEncoder` and `FrameDecoder` resample around it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np

from simulator.audio import (
    ALAW_SILENCE,
    FRAME_MS,
    ULAW_SILENCE,
    Samples,
    alaw_decode,
    alaw_encode,
    linear_decode,
    linear_encode,
    ulaw_decode,
    ulaw_encode,
)
from simulator.telnyx.media.ffmpeg import G722Decoder, G722Encoder, OpusEncoder
from simulator.telnyx.media.options import Codec
from simulator.telnyx.media.resampling import FrameResampler

AUDIO_RATES: Final[dict[Codec, int]] = {"PCMU": 8000, "PCMA": 8000, "G722": 16_000, "OPUS": 16_000, "L16": 16_000}
"""Hertz at which each codec samples on Telnyx → application streams; L16 the other way has a rate of its own."""


class Coder(Protocol):
    """`silence`: 20 ms of it, where those bytes do not depend on what came before."""

    @property
    def silence(self) -> bytes | None: ...

    def encode(self, frame: Samples, /) -> bytes: ...


class _Table:
    def __init__(self, encode: Callable[[Samples], bytes], silence: bytes) -> None:
        self.encode = encode
        self.silence = silence


class FrameEncoder:
    """From a leg's samples to one codec's bytes."""

    def __init__(self, codec: Codec, leg_rate: int, *, big_endian: bool = False) -> None:
        """Raises ValueError for AMR-WB, which nothing here encodes."""
        self._coder = _coder(codec, big_endian)
        self._samples = leg_rate * FRAME_MS // 1000
        rate = AUDIO_RATES[codec]
        self._resampler = None if rate == leg_rate else FrameResampler(leg_rate, rate)

    def encode(self, samples: Samples | None) -> bytes:
        """20 ms of the leg, or less, or silence (None), as 20 ms of the codec."""
        resampler = self._resampler
        if samples is None:
            if self._coder.silence is not None and (resampler is None or resampler.settled):
                return self._coder.silence
            frame = np.zeros(self._samples, np.int16) if resampler is None else resampler.push(None)
            return self._coder.encode(frame)
        if len(samples) != self._samples:
            samples = whole(samples, self._samples)
        return self._coder.encode(samples if resampler is None else resampler.push(samples))


class FrameDecoder:
    """From one codec's bytes to a leg's samples. OPUS comes decoded into the queue and is not known here."""

    def __init__(self, codec: Codec, rate: int, leg_rate: int, *, big_endian: bool = False) -> None:
        """`rate` in hertz is that of L16, others have their own. Raises ValueError for AMR-WB and OPUS."""
        own = rate if codec == "L16" else AUDIO_RATES.get(codec, rate)
        decode = _decoding(codec, big_endian)
        samples = own * FRAME_MS // 1000
        self.frame_bytes = frame_bytes(codec, own)
        self._resampler = None if own == leg_rate else FrameResampler(own, leg_rate)
        self.decode = decode if self._resampler is None else _resampled(decode, samples, self._resampler)
        """20 ms of audio; shorter at its end if nothing is resampled."""

    def rest(self) -> Samples | None:
        """What is left inside, when no audio is there to be decoded."""
        resampler = self._resampler
        return None if resampler is None or resampler.settled else resampler.push(None)


def _resampled(
    decode: Callable[[bytes], Samples], samples: int, resampler: FrameResampler
) -> Callable[[bytes], Samples]:
    return lambda payload: resampler.push(whole(decode(payload), samples))


def whole(samples: Samples, length: int) -> Samples:
    """`samples` as exactly one frame: silence behind what is short, and what is too long cut off."""
    if len(samples) == length:
        return samples
    frame = np.zeros(length, np.int16)
    frame[: len(samples)] = samples[:length]
    return frame


def frame_bytes(codec: Codec, rate: int) -> int:
    """Bytes in 20 ms of a codec that has a fixed number of them."""
    return {"PCMU": 160, "PCMA": 160, "G722": 160}.get(codec, 2 * rate * FRAME_MS // 1000)


def _coder(codec: Codec, big_endian: bool) -> Coder:
    match codec:
        case "PCMU":
            return _Table(ulaw_encode, ULAW_SILENCE * 160)
        case "PCMA":
            return _Table(alaw_encode, ALAW_SILENCE * 160)
        case "L16":
            return _Table(linear_encode(big_endian), bytes(640))
        case "G722":
            return G722Encoder()
        case "OPUS":
            return OpusEncoder()
        case "AMR-WB":
            raise ValueError(
                "AMR-WB cannot be simulated, because no library at hand encodes it; use PCMU or G722."
            )


def _decoding(codec: Codec, big_endian: bool) -> Callable[[bytes], Samples]:
    match codec:
        case "PCMU":
            return ulaw_decode
        case "PCMA":
            return alaw_decode
        case "L16":
            return linear_decode(big_endian)
        case "G722":
            return G722Decoder().decode
        case "OPUS" | "AMR-WB":
            raise ValueError(f"{codec} cannot be simulated as a stream of bytes; use PCMU or G722.")

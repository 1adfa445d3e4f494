"""G.711, linear bytes and offline resampling on mono int16 samples.

The companding tables follow ITU-T G.711 and are bit-identical to the standard library's former `audioop`
(`ulaw2lin`, `lin2ulaw`, `alaw2lin`, `lin2alaw`), which left Python in 3.13.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

FRAME_MS: Final = 20
"""What is said and heard at once, everywhere."""

ULAW_SILENCE: Final = b"\xff"
ALAW_SILENCE: Final = b"\xd5"


def ulaw_decode(payload: bytes) -> Samples:
    """One byte per sample in, int16 samples out (±32,124 at most)."""
    return _ULAW_TO_LINEAR.take(np.frombuffer(payload, np.uint8))


def ulaw_encode(samples: Samples) -> bytes:
    return _LINEAR_TO_ULAW.take(samples.view(np.uint16)).tobytes()


def alaw_decode(payload: bytes) -> Samples:
    """One byte per sample in, int16 samples out (±32,256 at most)."""
    return _ALAW_TO_LINEAR.take(np.frombuffer(payload, np.uint8))


def alaw_encode(samples: Samples) -> bytes:
    return _LINEAR_TO_ALAW.take(samples.view(np.uint16)).tobytes()


def linear_encode(big_endian: bool) -> Callable[[Samples], bytes]:
    """Samples to L16 bytes in that order."""
    kind = ">i2" if big_endian else "<i2"
    return lambda samples: samples.astype(kind, copy=False).tobytes()


def linear_decode(big_endian: bool) -> Callable[[bytes], Samples]:
    """L16 bytes in that order, an even number of them, to samples."""
    kind = np.dtype(">i2" if big_endian else "<i2")
    return lambda payload: np.frombuffer(payload, kind).astype(np.int16, copy=False)


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Resample a whole recording (soxr HQ). Not for streams: the quality is paid for with delay."""
    if from_rate == to_rate or not len(samples):
        return samples
    import soxr

    converted: NDArray[np.int16] = soxr.resample(samples, from_rate, to_rate, quality="HQ")
    return converted


def _segment(magnitude: NDArray[Any], first_end: int) -> NDArray[Any]:
    """Index of the G.711 segment (0 to 7) of each magnitude; segment ends double from `first_end`."""
    ends = [(first_end + 1 << exponent) - 1 for exponent in range(7)]
    return np.searchsorted(ends, magnitude)


def _ulaw_decode_table() -> Samples:
    code = ~np.arange(256, dtype=np.uint8)
    exponent = (code >> 4 & 0x07).astype(np.int32)
    magnitude = (((code & 0x0F).astype(np.int32) << 3) + 0x84 << exponent) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _ulaw_encode_table() -> NDArray[np.uint8]:
    linear = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 2
    magnitude = np.minimum(np.abs(linear) + 0x21, 0x1FFF)
    segment = _segment(magnitude, 0x3F)
    code = (segment << 4) | (magnitude >> segment + 1 & 0x0F)
    return (code ^ np.where(linear < 0, 0x7F, 0xFF)).astype(np.uint8)


def _alaw_decode_table() -> Samples:
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent = (code >> 4 & 0x07).astype(np.int32)
    step = (code & 0x0F).astype(np.int32) << 4
    magnitude = np.where(exponent == 0, step + 8, step + 0x108 << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _alaw_encode_table() -> NDArray[np.uint8]:
    linear = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 3
    magnitude = np.where(linear < 0, -linear - 1, linear)
    segment = _segment(magnitude, 0x1F)
    code = (segment << 4) | (magnitude >> np.maximum(segment, 1) & 0x0F)
    return (code ^ np.where(linear < 0, 0x55, 0xD5)).astype(np.uint8)


_ULAW_TO_LINEAR: Final = _ulaw_decode_table()
_LINEAR_TO_ULAW: Final = _ulaw_encode_table()
_ALAW_TO_LINEAR: Final = _alaw_decode_table()
_LINEAR_TO_ALAW: Final = _alaw_encode_table()

"""WAV files as mono int16 samples. Pure.

Integer PCM of 8 to 32 bits, 32-bit float, A-law and µ-law, plain or WAVE_FORMAT_EXTENSIBLE; several channels are
averaged. The standard library's `wave` reads none but plain PCM.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulator.audio import Samples, alaw_decode, ulaw_decode

_EXTENSIBLE: Final = 0xFFFE
MAX_BYTES: Final = 200_000_000


def read_wav(data: bytes) -> tuple[Samples, int]:
    """Samples and hertz. Raises ValueError with one sentence."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"The WAV file is larger than {MAX_BYTES // 1_000_000} MB; cut it.")
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("The file is no WAV file: it does not begin with RIFF and WAVE.")
    chunks = _chunks(data)
    if len(chunks.get(b"fmt ", b"")) < 16 or b"data" not in chunks:
        raise ValueError("The WAV file is broken: it has no format or no data.")
    form = chunks[b"fmt "]
    tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", form)
    if tag == _EXTENSIBLE and len(form) >= 26:
        (tag,) = struct.unpack_from("<H", form, 24)
    if not 1 <= channels <= 16 or not 4000 <= rate <= 192_000:
        raise ValueError(f"{channels} channel(s) at {rate} Hz are not read; save the file as mono at 8000 Hz.")
    if block != channels * bits // 8 or block == 0:
        raise ValueError("The WAV file is broken: its block size does not match its format.")
    body = chunks[b"data"]
    frames = _decoded(tag, bits, body[: len(body) // block * block]).reshape(-1, channels)
    if channels == 1:
        return frames[:, 0], rate
    return np.rint(frames.mean(axis=1)).astype(np.int16), rate


def _chunks(data: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        # A recorder that was killed leaves a size of 0 or 2**32 - 1: the rest of the file counts then.
        if name == b"data" and size in (0, 0xFFFFFFFF):
            size = len(data)
        found.setdefault(name, data[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    return found


def _decoded(tag: int, bits: int, body: bytes) -> Samples:
    """Int16 samples of all channels in turn; `tag` 1 is PCM, 3 float, 6 A-law, 7 µ-law."""
    match tag, bits:
        case (1, 8):
            return ((np.frombuffer(body, np.uint8).astype(np.int16) - 128) << 8).astype(np.int16)
        case (1, 16):
            return np.frombuffer(body, "<i2").astype(np.int16)
        case (1, 24):
            parts = np.frombuffer(body, np.uint8).reshape(-1, 3)
            return (parts[:, 1].astype(np.uint16) | parts[:, 2].astype(np.uint16) << 8).view(np.int16)
        case (1, 32):
            return (np.frombuffer(body, "<i4") >> 16).astype(np.int16)
        case (3, 32):
            wide: NDArray[Any] = np.nan_to_num(np.frombuffer(body, "<f4"), posinf=1.0, neginf=-1.0)
            return np.rint(np.clip(wide, -1.0, 1.0) * 32767).astype(np.int16)
        case (6, 8):
            return alaw_decode(body)
        case (7, 8):
            return ulaw_decode(body)
        case _:
            raise ValueError(f"WAV format {tag} with {bits} bits is not read; save the file as 16-bit PCM.")

"""The sample rate of a recording from its first bytes: the console loads no audio library.

Sources: RIFF WAVE, RFC 9639 (FLAC), RFC 3533 (Ogg) with Vorbis I and RFC 7845 (Opus), ISO 11172-3 (MP3).
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final

_HEAD_BYTES: Final = 4096
_MPEG_HZ: Final = (44_100, 48_000, 32_000)
_MPEG_DIVISOR: Final = {0: 4, 2: 2, 3: 1}
"""By the version's bits: 2.5, 2 and 1."""


def sample_rate(path: Path) -> int:
    """Hertz of a WAV, FLAC, Ogg or MP3 file; 0 for any other, about which the simulator says more."""
    try:
        with path.open("rb") as file:
            return _rate(file)
    except OSError:
        return 0


def _rate(file: BinaryIO) -> int:
    head = file.read(_HEAD_BYTES)
    match head[:4]:
        case b"RIFF":
            return _little(head, b"fmt ", 12)
        case b"fLaC":
            return int.from_bytes(head[18:21], "big") >> 4
        case b"OggS":
            return _little(head, b"\1vorbis", 12) or _little(head, b"OpusHead", 12)
        case _:
            if head[:3] == b"ID3":
                file.seek(10 + _syncsafe(head[6:10]))
                head = file.read(4)
            return _mpeg(head[:4])


def _little(head: bytes, name: bytes, offset: int) -> int:
    """The number of four bytes that stands `offset` after the beginning of a name; 0 without that name."""
    at = head.find(name)
    return 0 if at < 0 else int.from_bytes(head[at + offset : at + offset + 4], "little")


def _syncsafe(size: bytes) -> int:
    """The length of an ID3 tag: seven bits a byte."""
    return sum((byte & 0x7F) << shift for byte, shift in zip(size, (21, 14, 7, 0), strict=False))


def _mpeg(frame: bytes) -> int:
    """Hertz of the MPEG audio frame that begins here, or 0."""
    if len(frame) < 4 or frame[0] != 0xFF or frame[1] & 0xE0 != 0xE0:
        return 0
    index, divisor = frame[2] >> 2 & 3, _MPEG_DIVISOR.get(frame[1] >> 3 & 3)
    return 0 if divisor is None or index == 3 else _MPEG_HZ[index] // divisor

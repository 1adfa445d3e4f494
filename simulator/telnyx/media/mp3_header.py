"""Telling an MP3 file from other bytes by its first frame. Pure.

Source: ISO/IEC 11172-3, section 2.4.1.3, and its MPEG-2 extension.
"""

from __future__ import annotations

from typing import Final

_MPEG_1: Final = 3
_RESERVED_VERSION: Final = 1
_KILOBITS: Final = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
}
_HERTZ: Final = {3: (44_100, 48_000, 32_000, 0), 2: (22_050, 24_000, 16_000, 0), 0: (11_025, 12_000, 8000, 0)}


def looks_like_mp3(payload: bytes) -> bool:
    """Whether an ID3 tag opens `payload`, or a whole layer III frame with another one, or nothing, behind it."""
    if payload[:3] == b"ID3":
        return True
    length = _frame_bytes(payload)
    if not length or len(payload) < length:
        return False
    rest = payload[length:]
    return len(rest) < 4 or _frame_bytes(rest) > 0


def _frame_bytes(data: bytes) -> int:
    """Length of the layer III frame whose header opens `data`; 0 for none."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE6 != 0xE2:
        return 0
    version = data[1] >> 3 & 3
    if version == _RESERVED_VERSION:
        return 0
    kilobits = _KILOBITS[version == _MPEG_1][data[2] >> 4]
    hertz = _HERTZ[version][data[2] >> 2 & 3]
    if not kilobits or not hertz:
        return 0
    return (144 if version == _MPEG_1 else 72) * kilobits * 1000 // hertz + (data[2] >> 1 & 1)

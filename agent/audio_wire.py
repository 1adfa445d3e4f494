"""The audio of a live call as ``WS /calls/{call}/audio?who=NAME`` carries it, both ways; pure.

Whoever connects with the API's token listens. A text message is one JSON object with a ``type``: the structs
below. A binary message is audio: a head of 12 bytes, big-endian, and int16 little-endian mono samples::

    channel u8 · flags u8 · hertz / 100 u16 · at u64

``channel`` is 0 for the caller's voice and 1 for what goes to the caller; ``flags`` has bit 0 set where an
operator speaks in the agent's place. ``at`` is the agent's monotonic time in microseconds when the audio crossed
the wire.
A client sends channel 2, its microphone, at ``speak_hz``; it goes where :class:`Speak` said last.

The server never waits for a client: audio that a slow one has not taken within a second is dropped, and
:class:`Behind` says so.
"""

from __future__ import annotations

import struct
from typing import Final, Literal, NamedTuple

import msgspec

CALLER: Final = 0
AGENT: Final = 1
OPERATOR: Final = 2
BY_OPERATOR: Final = 1
"""The flag of audio to the caller that an operator speaks."""
MAX_MESSAGE: Final = 12 + 48_000 * 2
"""Bytes of the longest message: a second at 48 kHz."""

_HEAD: Final = struct.Struct("!BBHQ")


class Audio(NamedTuple):
    """One binary message; ``samples`` are its int16 bytes, a whole number of samples."""

    channel: int
    flags: int
    rate: int
    at_us: int
    samples: bytes | memoryview


class Start(msgspec.Struct, tag="start"):
    """The server's first message. Rates in hertz; ``speak_hz`` is what the server takes of a microphone."""

    call: str
    caller_hz: int
    agent_hz: int
    speak_hz: int


class Cleared(msgspec.Struct, tag="cleared"):
    """What was sent of channel 1 and is not yet played will not be played: the caller cut in."""


class Behind(msgspec.Struct, tag="behind"):
    """So much audio was dropped because the client did not take it."""

    dropped_ms: int


class End(msgspec.Struct, tag="end"):
    """The call's line is over; the server closes."""


class Speak(msgspec.Struct, tag="speak", forbid_unknown_fields=True):
    """The client's: where its microphone goes. ``caller`` counts only while this ``who`` holds the call;
    ``agent`` is a whisper: what is understood of it becomes guidance."""

    to: Literal["nobody", "caller", "agent"]


FromServer = Start | Cleared | Behind | End


def encode(channel: int, rate: int, at_us: int, samples: bytes | memoryview, flags: int = 0) -> bytes:
    return _HEAD.pack(channel, flags, rate // 100, at_us) + samples


def decode(message: bytes) -> Audio:
    """Raises ValueError in one sentence for what is no audio message."""
    if not _HEAD.size < len(message) <= MAX_MESSAGE or len(message) % 2:
        raise ValueError(f"an audio message of {len(message)} bytes")
    channel, flags, hundreds, at_us = _HEAD.unpack_from(message)
    if not hundreds:
        raise ValueError("an audio message without a rate")
    return Audio(channel, flags, hundreds * 100, at_us, memoryview(message)[_HEAD.size :])

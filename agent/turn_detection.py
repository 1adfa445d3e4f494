"""What AssemblyAI's messages tell of each turn: how sure it was, what ended it, and how long that took.

Pure: a fold over the ``stt.*`` events of one call. Times are milliseconds of a session's audio, as the service
counts them. ``audio_ms`` of a message is the stand-in's own figure where it gives one (``simulator.audio_ms``),
else what had been sent when the message came.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from agent.events import Event

Ending = Literal["", "confidence", "max_silence", "forced", "hangup"]
"""What ended a turn: the service found it complete, it was silent for max_turn_silence, a ForceEndpoint, or the
session's end; empty while it is open."""

CUT_OFF_MS = 700
"""Speech that goes on so soon after an end of turn was cut off by it."""
MAX_HEARD = 300
MAX_RAMP = 64


class Point(msgspec.Struct, frozen=True, array_like=True):
    """One message of a turn: when, how sure of its end the service was, and how many words it had."""

    audio_ms: int
    confidence: float
    words: int


class HeardWord(msgspec.Struct, frozen=True, array_like=True):
    """A word of a turn."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


class Heard(msgspec.Struct):
    """One of AssemblyAI's turns. ``turn`` is the caller's turn that it became part of, 0 while that is open.

    ``silence_ms`` is the audio from its last word to the message that ended it; ``final_ms`` the wall time from
    the last word's audio to that message, where it is known. ``split`` marks a turn that a lost connection cut.
    """

    session: int
    order: int
    turn: int = 0
    transcript: str = ""
    words: list[HeardWord] = []
    ramp: list[Point] = []
    ended_by: Ending = ""
    ended_at_ms: int = 0
    silence_ms: int = 0
    final_ms: int = 0
    confidence: float | None = None
    recogniser: str = ""
    split: bool = False


class Listening(msgspec.Struct):
    """What is known of a call's speech recognition.

    ``parameters`` is the query of the open session, ``tuned`` what was changed since, ``ignored`` what changes
    nothing and why. ``mode`` is empty where the model has none.
    """

    session: int = 0
    model: str = ""
    mode: str = ""
    engine: str = ""
    parameters: dict[str, str] = {}
    tuned: dict[str, object] = {}
    ignored: dict[str, str] = {}
    heard: list[Heard] = []


def hear(listening: Listening, event: Event) -> None:
    """Fold one event in place; events of other families change nothing."""
    raise NotImplementedError


def cut_offs(heard: Sequence[Heard]) -> int:
    """How many ends of turn the caller spoke on after, within :data:`CUT_OFF_MS`."""
    raise NotImplementedError


def waits_ms(heard: Sequence[Heard]) -> list[int]:
    """For each ended turn with words, the audio from its last word to its end."""
    raise NotImplementedError

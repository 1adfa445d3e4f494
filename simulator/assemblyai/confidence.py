"""How sure the stand-in is that a turn is over, while its speaker is silent.

Universal-3: complete sentences end at once (1.0); others are held, and AssemblyAI's staff saw 0.0, 0.4, 0.75
and 1.0 on the way (livekit/agents PR 7107, 2026-09-03). Universal-Streaming: a network of the service's own
decides, of which only the inputs are known (page "Turn detection"); here the confidence rises with the silence,
towards a value that depends on how finished the words sound.
"""

from __future__ import annotations

from math import exp
from typing import Final, Protocol

from simulator.speech.utterance import Hypothesis

_STEPS: Final = ((0.75, 0.75), (0.4, 0.4))
# The confidence that endless silence leads to, for words that sound unfinished and for such that sound finished;
# 63 % of it are reached when the silence and its head start are as long as the rise.
_UNFINISHED: Final = 0.3
_FINISHED: Final = 1.0
_HEAD_START_MS: Final = 200
_RISE_MS: Final = 500
# After these nobody is done.
_DANGLING: Final = frozenset(
    (
        *("a", "about", "an", "and", "as", "at", "because", "but", "by", "for", "from", "i", "if", "in", "is"),
        *("it's", "my", "of", "on", "or", "so", "than", "that", "the", "their", "then", "to", "um", "uh", "was"),
        *("we", "were", "when", "where", "which", "while", "who", "with", "you", "your"),
    )
)


class Ramp(Protocol):
    """The way of one model family. `finished` is 0 to 1, `silence_ms` the pause so far, `held` the share that is
    over of the wait between the two silences."""

    threshold: float
    """A confidence above it ends the turn."""

    def finished(self, hypothesis: Hypothesis) -> float: ...

    def confidence(self, finished: float, silence_ms: int, held: float) -> float: ...


class U3Ramp:
    threshold = 0.9

    def finished(self, hypothesis: Hypothesis) -> float:
        return float(sounds_complete(hypothesis))

    def confidence(self, finished: float, silence_ms: int, held: float) -> float:
        if finished:
            return 1.0
        return next((confidence for share, confidence in _STEPS if held >= share), 0.0)


class StreamingRamp:
    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    def finished(self, hypothesis: Hypothesis) -> float:
        if sounds_complete(hypothesis):
            return 1.0
        last = hypothesis.transcript.rpartition(" ")[2].lower()
        return 0.0 if last.endswith((",", ";", ":", "…", "..")) or last.strip(",.") in _DANGLING else 0.5

    def confidence(self, finished: float, silence_ms: int, held: float) -> float:
        utmost = _UNFINISHED + finished * (_FINISHED - _UNFINISHED)
        return round(utmost * (1 - exp(-(silence_ms + _HEAD_START_MS) / _RISE_MS)), 6)


def sounds_complete(hypothesis: Hypothesis) -> bool:
    """Whether the transcript ends like a sentence. Dots that break off are no end."""
    text = hypothesis.transcript.rstrip("\"'”’)")
    return text.endswith((".", "?", "!")) and not text.endswith("..")

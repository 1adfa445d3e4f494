"""Where words lie in their audio: a model's guess, corrected by where there is sound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.audio import Samples
from simulator.speech.engine import SAMPLE_RATE, Word

# Whisper's attention comes to a word this long after the word began. Measured on 114 words of known times.
LATE_MS: Final = 95
FRAME_MS: Final = 10
# A frame this far below the loudest is a pause.
PAUSE_DB: Final = -36.0
SPEECH_DB: Final = -20.0
SHORTEST_MS: Final = 20


def placed(words: Sequence[Word], samples: Samples) -> list[Word]:
    """`words` with their times from the attention corrected: in order, within the audio, and not in a pause."""
    length_ms = len(samples) * 1000 // SAMPLE_RATE
    sound = sounding(samples)
    if not words or not len(sound):
        return []
    starts = [min(max(word.start_ms - LATE_MS, 0), length_ms) for word in words]
    ends = [min(max(word.end_ms - LATE_MS, 0), length_ms) for word in words]
    starts[0] = min(starts[0], ends[0])
    return ordered(
        [
            Word(word.text, *_within_sound(start, end, sound), word.confidence)
            for word, start, end in zip(words, starts, ends, strict=True)
        ],
        length_ms,
    )


def sounding(samples: Samples, below_db: float = PAUSE_DB) -> NDArray[np.intp]:
    """The 10 ms frames that are no pause: not so far below the loudest."""
    size = SAMPLE_RATE * FRAME_MS // 1000
    count = len(samples) // size
    power = np.square(samples[: count * size].reshape(count, size).astype(np.float32)).mean(axis=1)
    return np.flatnonzero(power > max(power.max(initial=0.0) * 10 ** (below_db / 10), 1.0))


def spoken_after(samples: Samples, at_ms: int) -> int:
    """Milliseconds of what is nearly as loud as speech after `at_ms`."""
    frames = sounding(samples, SPEECH_DB)
    return int((frames * FRAME_MS > at_ms).sum()) * FRAME_MS


def ordered(words: Sequence[Word], length_ms: int) -> list[Word]:
    """Words that neither overlap nor vanish nor leave the audio."""
    starts: list[float] = []
    latest = float(length_ms)
    for word in reversed(words):
        latest = max(min(word.start_ms, latest - SHORTEST_MS), 0.0)
        starts.append(latest)
    starts.reverse()
    placed_words: list[Word] = []
    for word, start, after in zip(words, starts, [*starts[1:], float(length_ms)], strict=False):
        end = min(max(word.end_ms, start + SHORTEST_MS), after)
        placed_words.append(Word(word.text, start, end, word.confidence))
    return placed_words


def _within_sound(start_ms: float, end_ms: float, sound: NDArray[np.intp]) -> tuple[float, float]:
    """A beginning in a pause moves to where sound begins again, an end in a pause to where sound ended."""
    first = np.searchsorted(sound, start_ms // FRAME_MS)
    last = np.searchsorted(sound, end_ms / FRAME_MS, side="right") - 1
    if first > last:
        return start_ms, end_ms
    return max(start_ms, float(sound[first]) * FRAME_MS), min(end_ms, float(sound[last] + 1) * FRAME_MS)

"""From what espeak-ng gives to what a caller says: pauses, level and the times of the written words."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.audio import Samples

LONGEST_PAUSE_MS: Final = 180
LEAD_MS: Final = 20
TAIL_MS: Final = 60
LEVEL_DBFS: Final = -18.0
PEAK: Final = 0.97
FRAME_MS: Final = 10
# A frame this far below the loudest one is a pause.
PAUSE_DB: Final = -42.0


def voiced_frames(samples: Samples, sample_rate: int) -> NDArray[np.bool_]:
    """Which whole 10 ms frames are speech, judged against the loudest one."""
    size = sample_rate * FRAME_MS // 1000
    count = len(samples) // size
    power = np.square(samples[: count * size].reshape(count, size).astype(np.float32)).mean(axis=1)
    loudest = power.max(initial=0.0)
    return power > max(loudest * 10 ** (PAUSE_DB / 10), 1.0)


def kept_samples(voiced: NDArray[np.bool_], frame: int, total: int) -> NDArray[np.bool_]:
    """Which samples stay when edges are trimmed and pauses longer than LONGEST_PAUSE_MS are cut down to it."""
    keep = np.zeros(total, np.bool_)
    speech = np.flatnonzero(voiced)
    if not len(speech):
        return keep
    keep[max(0, speech[0] - LEAD_MS // FRAME_MS) * frame : (speech[-1] + 1 + TAIL_MS // FRAME_MS) * frame] = True
    half = LONGEST_PAUSE_MS // FRAME_MS // 2
    for before, after in itertools.pairwise(speech):
        if after - before - 1 > 2 * half:
            keep[(before + 1 + half) * frame : (after - half) * frame] = False
    return keep


def at_level(samples: Samples, voiced: Samples) -> Samples:
    """`samples` with the RMS of their `voiced` part at LEVEL_DBFS, never clipped."""
    if not len(voiced):
        return samples
    rms = float(np.sqrt(np.square(voiced.astype(np.float64)).mean()))
    peak = float(np.abs(voiced.astype(np.int32)).max())
    gain = min(32768 * 10 ** (LEVEL_DBFS / 20) / max(rms, 1.0), 32768 * PEAK / max(peak, 1.0))
    return np.rint(np.clip(samples * gain, -32768, 32767)).astype(np.int16)


def written_words(text: str, events: Sequence[tuple[int, int]], total: int) -> list[tuple[str, int, int]]:
    """Each written word with its first and last-plus-one sample, from events (character, sample) in order.

    A number that is spoken as several words stays one; words that espeak-ng speaks as one ("of the") share its
    time by their length; a mark that is not spoken (a dash between spaces) is left out.
    """
    spans: list[tuple[int, int]] = []
    at = 0
    for token in text.split():
        start = text.index(token, at)
        at = start + len(token)
        spans.append((start, at))
    starts = [next((sample for at, sample in events if begin <= at < end), None) for begin, end in spans]
    groups: list[tuple[int, list[str]]] = []
    for (begin, end), start in zip(spans, starts, strict=True):
        token = text[begin:end]
        if start is not None:
            groups.append((start, [token]))
        elif groups and any(map(str.isalnum, token)):
            groups[-1][1].append(token)
    words: list[tuple[str, int, int]] = []
    for index, (start, tokens) in enumerate(groups):
        end = groups[index + 1][0] if index + 1 < len(groups) else total
        letters = sum(map(len, tokens))
        for token in tokens:
            finish = start + (end - start) * len(token) // letters
            words.append((token, start, finish))
            letters -= len(token)
            start = finish
    return words

"""Second pass: what was said of a few candidate lines, word by word.

The heard frames are laid over the lines by dynamic programming. At each frame the path is either outside all
lines or at one frame of one line, from which it moves on by one frame, stays (audio said twice), jumps over a lost
packet, or over a longer hole. Entering a line costs, so that only a coherent stretch of it is worth entering;
leaving is free, so that a line may be cut off, and another may follow without a pause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.speech.features import BANDS, Features
from simulator.speech.vocabulary import Template

# Prices in the unit of the score, which a clean matching frame raises by about 0.35.
STAY: Final = 1.5
PACKET: Final = 1.0
HOLE: Final = 8.0
ENTER_AT_START: Final = 12.0
ENTER_INSIDE: Final = 18.0
# Entering a line shorter than 60 frames costs this much for each of its frames.
ENTER_SHORT: Final = 0.2
# A lost packet of 20 ms is a jump by three frames; a line is entered at its start up to here.
PACKET_JUMP: Final = 3
START_FRAMES: Final = 5
# The part of a word's own audio that must have been heard, relative to the similarity asked of a frame.
HEARD: Final = 0.8

Scores = NDArray[np.float32]
Place = tuple[int, int]
"""A line and a frame of it."""


@dataclass(frozen=True, slots=True)
class AlignedWord:
    """A word that was heard, from frame `first` up to `end`, and how much of it was there (0 to 1)."""

    text: str
    first: int
    end: int
    confidence: float


class Alignment:
    """The frames pushed so far, laid over `templates`. Arrays have the shape (lines, frames of the longest)."""

    def __init__(self, templates: Sequence[Template]) -> None:
        self.templates = tuple(templates)
        lengths = [len(template.features) for template in templates]
        shape = len(lengths), max(lengths)
        self._frames = np.zeros((*shape, BANDS), np.float32)
        self._enter_cost = np.full(shape, np.inf, np.float32)
        for line, (template, length) in enumerate(zip(templates, lengths, strict=True)):
            self._frames[line, :length] = template.features
            self._enter_cost[line, :length] = ENTER_INSIDE
            self._enter_cost[line, :START_FRAMES] = min(ENTER_AT_START, ENTER_SHORT * length)
        self._contrast = np.linalg.norm(self._frames, axis=2)
        self._scores: Scores = np.full(shape, -np.inf, np.float32)
        self._outside = 0.0
        self._heard: list[Features] = []
        self._floors: list[NDArray[np.float32]] = []
        # For each frame, as they were before it: all scores, the score outside, and the place that gave it.
        self._history: list[tuple[Scores, float, Place | None]] = []

    @property
    def heard_frames(self) -> int:
        return len(self._history)

    @property
    def score(self) -> float:
        """How much the frames speak for the lines, above their floors and the prices of the path."""
        return max(self._outside, float(self._scores.max()))

    def push(self, heard: Features, floors: NDArray[np.float32]) -> None:
        """Follow `heard`; each frame must be more similar than its floor (0 to 1) to speak for a line."""
        if not len(heard):
            return
        self._heard.append(heard)
        self._floors.append(floors)
        asked = floors * np.linalg.norm(heard, axis=1)
        gains = np.tensordot(heard, self._frames, axes=(1, 2)) - asked[:, None, None] * self._contrast
        scores = self._scores
        for gain in gains:
            line, frame = divmod(int(scores.argmax()), scores.shape[1])
            best: Place | None = None
            if scores[line, frame] > self._outside:
                self._outside, best = float(scores[line, frame]), (line, frame)
            self._history.append((scores, self._outside, best))
            came = self._outside - self._enter_cost
            np.maximum(came, scores - STAY, out=came)
            np.maximum(came[:, 1:], scores[:, :-1], out=came[:, 1:])
            np.maximum(came[:, PACKET_JUMP:], scores[:, :-PACKET_JUMP] - PACKET, out=came[:, PACKET_JUMP:])
            earlier = np.maximum.accumulate(scores, axis=1)
            np.maximum(came[:, 1:], earlier[:, :-1] - HOLE, out=came[:, 1:])
            scores = came + gain
        self._scores = scores

    def path(self) -> list[Place | None]:
        """For each heard frame its place, or None where it is outside all lines."""
        place: Place | None = None
        line, frame = divmod(int(self._scores.argmax()), self._scores.shape[1])
        if self._scores[line, frame] > self._outside:
            place = line, frame
        path: list[Place | None] = []
        for scores, outside, best in reversed(self._history):
            path.append(place)
            place = best if place is None else self._before(place, scores, outside, best)
        path.reverse()
        return path

    def _before(self, place: Place, scores: Scores, outside: float, best: Place | None) -> Place | None:
        line, frame = place
        # No score exceeds the one outside, so nothing can beat this step.
        if frame and scores[line, frame - 1] >= outside - PACKET:
            return line, frame - 1
        reached, before = outside - float(self._enter_cost[place]), best
        steps = [(frame - 1, 0.0), (frame, STAY), (frame - PACKET_JUMP, PACKET)]
        if frame:
            steps.append((int(scores[line, :frame].argmax()), HOLE))
        for origin, cost in steps:
            if origin >= 0 and (score := float(scores[line, origin]) - cost) > reached:
                reached, before = score, (line, origin)
        return before

    def words(self) -> tuple[list[AlignedWord], NDArray[np.bool_]]:
        """The words whose own audio was heard, in order, and which frames are explained by such words' lines."""
        path = self.path()
        explained = np.zeros(len(path), np.bool_)
        words: list[AlignedWord] = []
        times = np.array([time for time, place in enumerate(path) if place], np.intp)
        if not len(times):
            return words, explained
        lines, frames = np.array([place for place in path if place], np.intp).T
        similarity = np.einsum("tb,tb->t", np.concatenate(self._heard)[times], self._frames[lines, frames])
        floors = np.concatenate(self._floors)[times]
        # A line goes on, perhaps after a hole, until another begins or it begins anew.
        (ends,) = np.nonzero((np.diff(lines) != 0) | (np.diff(frames) < 0))
        for run in np.split(np.arange(len(times)), ends + 1):
            found = self._words_of_run(
                int(lines[run[0]]), times[run], frames[run], similarity[run], float(floors[run].mean())
            )
            if found:
                words += found
                explained[times[run]] = True
        return words, explained

    def _words_of_run(
        self,
        line: int,
        times: NDArray[np.intp],
        frames: NDArray[np.intp],
        similarity: NDArray[np.float32],
        floor: float,
    ) -> list[AlignedWord]:
        heard = np.zeros(self._contrast.shape[1], np.float32)
        np.maximum.at(heard, frames, similarity)
        said = np.square(self._contrast[line])
        words: list[AlignedWord] = []
        for word in self.templates[line].words:
            first, end = np.searchsorted(frames, (word.first, word.end))
            share = float(heard[word.first : word.end].sum() / max(said[word.first : word.end].sum(), 1e-6))
            if first < end and share > HEARD * floor:
                words.append(AlignedWord(word.text, int(times[first]), int(times[end - 1]) + 1, min(share, 1.0)))
        return words

"""First pass: which of all lines may be among what is heard."""

from __future__ import annotations

from typing import Final

import numpy as np

from simulator.speech.features import Features
from simulator.speech.vocabulary import Bank, Template

# Per 20 ms: what similarity must exceed, and how fast old evidence fades.
BIAS: Final = 0.25
LEAK: Final = 0.97
# The price of 20 ms said twice, or of one packet that never came, which is a jump by two.
WARP: Final = 0.6
JUMP: Final = 2
# Steps between looks at the scores.
NOTE_EVERY: Final = 10
# A score from which a line is worth the second pass: about 170 ms of clean speech.
CANDIDATE: Final = 5.0


class Spotter:
    """A running local match of the newest speech against every place in the bank, in steps of 20 ms."""

    def __init__(self, bank: Bank) -> None:
        self._skip = 0
        self._adopt(bank)

    def push(self, heard: Features, bank: Bank) -> None:
        """Follow `heard` in `bank`. In a new bank, lines that were in the last one keep their scores."""
        coarse = heard[self._skip :: bank.STRIDE]
        self._skip = (self._skip - len(heard)) % bank.STRIDE
        if bank is not self._bank:
            self._move_to(bank)
        if not len(coarse) or not len(bank.frames):
            return
        for start in range(0, len(coarse), NOTE_EVERY):
            self._follow(coarse[start : start + NOTE_EVERY])
            np.maximum(self._peaks, np.maximum.reduceat(self._scores, bank.starts), out=self._peaks)

    def _follow(self, heard: Features) -> None:
        scores, came = self._scores, self._came
        for similarity in heard @ self._bank.frames.T - BIAS:
            came[1:] = scores[:-1]
            came[self._bank.starts] = 0.0
            np.maximum(came, scores - WARP, out=came)
            np.maximum(came[JUMP:], scores[:-JUMP] - self._jump_cost, out=came[JUMP:])
            came *= LEAK
            came += similarity
            np.maximum(came, 0.0, out=came)
            scores, came = came, scores
        self._scores, self._came = scores, came

    def candidates(self, most: int) -> list[Template]:
        """The lines that scored best so far, best first."""
        best = np.argsort(-self._peaks)[:most]
        return [self._bank.templates[index] for index in best if self._peaks[index] > CANDIDATE]

    def _adopt(self, bank: Bank) -> None:
        self._bank = bank
        self._scores = np.zeros(len(bank.frames), np.float32)
        self._came = np.zeros_like(self._scores)
        self._peaks = np.zeros(len(bank.templates), np.float32)
        self._jump_cost = np.full(max(0, len(bank.frames) - JUMP), WARP, np.float32)
        for offset in range(JUMP):
            across = bank.starts + offset - JUMP
            self._jump_cost[across[(across >= 0) & (across < len(self._jump_cost))]] = np.inf

    def _move_to(self, bank: Bank) -> None:
        old = {
            template: (slice(start, start + length), peak)
            for template, start, length, peak in zip(
                self._bank.templates, self._bank.starts, self._bank.lengths, self._peaks, strict=True
            )
        }
        scores = self._scores
        self._adopt(bank)
        for index, (template, start) in enumerate(zip(bank.templates, bank.starts, strict=True)):
            if template in old:
                place, self._peaks[index] = old[template]
                self._scores[start : start + bank.lengths[index]] = scores[place]

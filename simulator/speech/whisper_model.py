"""One piece of speech through a Whisper model: its words, their times, and how sure the model is of each.

A Whisper model hears 30 s at a time, and most of the cost is to encode the silence after a short utterance. Only
the speech and a second after it are encoded here; what the encoder makes of silence follows from a store. Measured
on one thread with tiny.en: 60 instead of 800 ms, with no more words wrong. Without what follows, the model often
repeats a sentence until it is stopped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulator.audio import Samples
from simulator.speech.engine import SAMPLE_RATE, Word
from simulator.speech.word_times import placed

# Hypotheses followed at once: three cost no more than one here, and are right more often.
BEAM: Final = 3
# Before and after the speech, encoded with it; and how much the decoder is shown.
LEAD_MS: Final = 300
TRAIL_MS: Final = 1000
SHOWN_MS: Final = 20_000
LONGEST_MS: Final = 30_000
# A frame of the encoder's input and of its output.
MEL_MS: Final = 10
STEP_MS: Final = 20
# More tokens than anybody speaks, to stop a loop; and so many that they are looked at for one.
MOST_TOKENS: Final = 12
MOST_TOKENS_PER_SECOND: Final = 8
MANY_TOKENS: Final = 4
MANY_TOKENS_PER_SECOND: Final = 5
# Half of what a prompt may hold, at about four characters a token.
TERM_TOKENS: Final = 200
# How much longer or shorter words may become by a prompt.
LEAST_OF_IT: Final = 0.7
MOST_OF_IT: Final = 2.0
# No words at all: the model takes it for silence, or for silence rather and its words are improbable.
SURELY_SILENCE: Final = 0.8
PERHAPS_SILENCE: Final = 0.7
IMPROBABLE: Final = -1.0

Encoded = NDArray[np.float32]
"""Shape (1, steps of STEP_MS, width of the model)."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Words to expect: as a prompt, and as they are compared."""

    prompt: list[int]
    plain: tuple[str, ...]

    def heard_in(self, text: str, instead_of: str) -> bool:
        """Whether what was heard with the prompt is to be believed instead of what was heard without it.

        A prompt makes names come out right and other words wrong, or repeats itself in the place of them all.
        """
        spoken, length = plain(text), len(plain(instead_of))
        return LEAST_OF_IT * length <= len(spoken) <= MOST_OF_IT * length and any(
            term in spoken for term in self.plain
        )


@dataclass(frozen=True, slots=True)
class _Decoded:
    tokens: list[int]
    text: str
    score: float
    silence: float
    start: list[int]


class WhisperModel:
    """A model in memory; one decoding at a time, on one thread."""

    def __init__(self, folder: str) -> None:
        """Raises ImportError without faster-whisper, RuntimeError for a folder without a model."""
        import ctranslate2
        import faster_whisper
        from faster_whisper.tokenizer import Tokenizer

        whisper = faster_whisper.WhisperModel(
            folder, device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
        )
        self._view: Any = ctranslate2.StorageView.from_array
        self._model: Any = whisper.model
        self._mel: Any = whisper.feature_extractor
        self._bands: int = self._mel.mel_filters.shape[0]
        self._tokenizer_of: Any = lambda code: Tokenizer(
            whisper.hf_tokenizer, self._model.is_multilingual, "transcribe", code
        )
        self.languages = tuple(whisper.supported_languages)
        self._tokenizers: dict[str, Any] = {}
        self._after = self._encode(np.zeros((self._bands, LONGEST_MS // MEL_MS), np.float32))

    def terms(self, words: Sequence[str]) -> Terms | None:
        """`words` as a prompt, as many of them as fit."""
        tokenizer = self._tokenizer("en")
        room = TERM_TOKENS
        fitting: list[str] = []
        for word in filter(plain, words):
            room -= len(tokenizer.encode(f" {word},"))
            if room < 0:
                break
            fitting.append(" ".join(word.split()))
        if not fitting:
            return None
        # With a full stop: what follows then begins and ends as a sentence does.
        prompt = tokenizer.encode(f" {', '.join(fitting)}.")
        return Terms([tokenizer.sot_prev, *prompt], tuple(map(plain, fitting)))

    def decode(self, samples: Samples, language: str, terms: Terms | None) -> list[Word]:
        """The words of at most 18 s of speech at 16 kHz, in ms from its first sample.

        Empty where the model takes it for anything but speech. `language` may be empty: the model guesses it.
        """
        encoded = self._encode(self._features(samples))
        shown = self._shown(encoded)
        tokenizer = self._tokenizer(language or self._spoken(shown))
        seconds = len(samples) / SAMPLE_RATE
        heard = self._generate(shown, tokenizer, [], seconds)
        if heard.silence > SURELY_SILENCE or (heard.silence > PERHAPS_SILENCE and heard.score < IMPROBABLE):
            return []
        if terms:
            prompted = self._generate(shown, tokenizer, terms.prompt, seconds)
            if terms.heard_in(prompted.text, instead_of=heard.text) and prompted.score > heard.score:
                heard = prompted
        return self._words(samples, encoded, tokenizer, heard)

    def _features(self, samples: Samples) -> NDArray[np.float32]:
        lead = np.zeros(LEAD_MS * SAMPLE_RATE // 1000, np.float32)
        mel: NDArray[np.float32] = self._mel(np.concatenate((lead, samples.astype(np.float32) / 32768)))
        mel = np.pad(mel, ((0, 0), (0, TRAIL_MS // MEL_MS)))[:, : SHOWN_MS // MEL_MS]
        return mel[:, : mel.shape[1] // 2 * 2]

    def _encode(self, mel: NDArray[np.float32]) -> Encoded:
        return np.array(self._model.encode(self._view(np.ascontiguousarray(mel[None]))))

    def _shown(self, encoded: Encoded) -> Any:
        after = self._after[:, encoded.shape[1] : SHOWN_MS // STEP_MS]
        return self._view(np.concatenate((encoded, after), axis=1))

    def _spoken(self, shown: Any) -> str:
        if not self._model.is_multilingual:
            return "en"
        best: str = self._model.detect_language(shown)[0][0][0]
        return best.strip("<|>")

    def _tokenizer(self, language: str) -> Any:
        if language not in self._tokenizers:
            self._tokenizers[language] = self._tokenizer_of(language)
        return self._tokenizers[language]

    def _generate(self, shown: Any, tokenizer: Any, prompt: list[int], seconds: float) -> _Decoded:
        start = [*prompt, *tokenizer.sot_sequence]
        (result,) = self._model.generate(
            shown,
            [[*start, tokenizer.no_timestamps]],
            beam_size=BEAM,
            max_length=len(start) + 1 + MOST_TOKENS + int(MOST_TOKENS_PER_SECOND * seconds),
            return_scores=True,
            return_no_speech_prob=True,
        )
        tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
        if len(tokens) > MANY_TOKENS + MANY_TOKENS_PER_SECOND * seconds:
            tokens = without_loop(tokens)
        return _Decoded(tokens, tokenizer.decode(tokens), result.scores[0], result.no_speech_prob, start)

    def _words(self, samples: Samples, encoded: Encoded, tokenizer: Any, heard: _Decoded) -> list[Word]:
        if not plain(heard.text):
            return []
        frames = LEAD_MS // MEL_MS + len(samples) * 1000 // SAMPLE_RATE // MEL_MS
        (aligned,) = self._model.align(self._view(encoded), heard.start, [heard.tokens], frames)
        steps = np.array(aligned.alignments, np.intp)
        # The first step of each token, the end of the text included.
        firsts = steps[np.flatnonzero(np.diff(steps[:, 0], prepend=-1)), 1] * STEP_MS - LEAD_MS
        pieces, tokens = tokenizer.split_to_word_tokens([*heard.tokens, tokenizer.eot])
        words: list[Word] = []
        at = 0
        for piece, of_piece in zip(pieces[:-1], tokens[:-1], strict=True):
            sure = [aligned.text_token_probs[index] for index in range(at, at + len(of_piece))]
            start, end = firsts[min(at, len(firsts) - 1)], firsts[min(at + len(of_piece), len(firsts) - 1)]
            at += len(of_piece)
            mark = not plain(piece)
            if words and (mark or not piece.startswith(" ")):
                last = words[-1]
                confidence = last.confidence if mark else min(last.confidence, *sure)
                words[-1] = Word(
                    last.text + piece.strip(), last.start_ms, last.end_ms if mark else end, confidence
                )
            elif not mark:
                words.append(Word(piece.strip(), float(start), float(end), min(sure)))
        return placed(words, samples)


def plain(text: str) -> str:
    """Letters and digits alone, in small letters."""
    return re.sub(r"[\W_]", "", text).lower()


def without_loop(tokens: Sequence[int]) -> list[int]:
    """Too many `tokens` for their time, with what they repeat at their end said once."""
    length = len(tokens)
    for period in range(1, length // 2 + 1):
        start = length - period
        while start > 0 and tokens[start - 1] == tokens[start - 1 + period]:
            start -= 1
        if length - start >= 2 * period and length - start >= length // 3:
            return list(tokens[: start + period])
    return list(tokens)

"""From the beginning of speech to the end of a turn: the same audio before the matcher and the general engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from simulator.audio import Samples
from simulator.speech import engine
from simulator.speech.alignment import AlignedWord
from simulator.speech.engine import Word
from simulator.speech.features import BANDS, HOP, SAMPLE_RATE, WINDOW, Features, FeatureStream, movement
from simulator.speech.general import General
from simulator.speech.general_stream import GeneralStream
from simulator.speech.matcher import Match, Matcher
from simulator.speech.resampler import StreamResampler
from simulator.speech.vocabulary import Vocabulary
from simulator.speech.voice_activity import FRAME, FRAME_MS, Frame

SCRIPT: Final = "script"
Moment = Literal["speech", "pause", "final"]

# What the lines must explain of the speech, and their score for each frame of it. Measured through µ-law, clean,
# in noise at 10 and 15 dB, and with 10 and 20 % of packets lost: 308 of 310 trials of lines passed, and 1 of 870
# trials of sentences that were none of them, in three voices.
EXPLAINED: Final = 0.6
SCORE_PER_FRAME: Final = 0.045
# How much of that must be speech, and of each word with its two neighbours: the noise of a street around a knock
# is as like a line as any other. Measured: 0.53 to 1.0 of lines spoken in noise at 5 to 20 dB, 0.03 to 0.46 of
# streets and offices without them, 0.17 to 0.57 of music.
SPOKEN: Final = 0.4
# Speech heard before lines that explain too little give way to the general engine, and between judgements.
JUDGE_AFTER_MS: Final = 600
JUDGE_EVERY_MS: Final = 600
# Less speech than this is a click or a cough, and less movement is noise or a tone: an engine would take them for
# words.
LEAST_SPEECH_MS: Final = 160
LEAST_MOVEMENT: Final = 0.045
BATCH_MS: Final = 200
# Silence that the general engine hears after speech. More of it is kept back until somebody speaks again, so that
# the words at the end of a pause are those of its beginning.
HANGOVER_MS: Final = 160


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word, when it sounded in ms of the stream, and how sure the recogniser is (0 to 1)."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What an utterance is taken to say, and by whom: `engine` is "script" or the name of the general engine."""

    words: tuple[HeardWord, ...] = ()
    engine: str = SCRIPT

    @property
    def transcript(self) -> str:
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Bias:
    """What the general engine is told of an utterance before it: words to expect, and the language."""

    keyterms: tuple[str, ...] = ()
    language: str = ""


class Utterance:
    """One utterance that began `start_ms` into the stream."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        general: General,
        matching: Executor,
        sample_rate: int,
        start_ms: int,
        bias: Bias,
    ) -> None:
        self._start_ms = start_ms
        self._matcher = Matcher(vocabulary)
        self._matching = matching
        self._features = FeatureStream()
        self._line: list[Samples] = []
        self._voiced: list[bool] = []
        self._speech_ms = 0
        self._shapes: Features = np.zeros((0, BANDS), np.float32)
        self._general = general
        self._bias = bias
        self._stream: GeneralStream | None = None
        self._upsampler = StreamResampler(sample_rate, engine.SAMPLE_RATE)
        self._raw: list[Samples] = []
        self._silence_ms = 0
        self._pausing = False
        scripted = bool(vocabulary.bank.templates)
        self._judge_at_ms = JUDGE_AFTER_MS if scripted else LEAST_SPEECH_MS
        if not scripted:
            general.warm()

    @property
    def behind(self) -> str:
        """One sentence while the general engine cannot keep up with this utterance, else empty."""
        return self._stream.behind if self._stream else ""

    async def push(self, frames: Sequence[Frame], raw: Samples, snr_db: float) -> None:
        """Hear `frames`, and the same audio as it came (`raw`)."""
        for frame in frames:
            self._line.append(frame.samples)
            self._voiced.append(frame.voiced)
            self._speech_ms += FRAME_MS * frame.voiced
            self._silence_ms = 0 if frame.voiced else self._silence_ms + FRAME_MS
        if self._general.available:
            self._raw.append(raw)
        if len(self._line) * FRAME_MS >= BATCH_MS:
            self._follow(snr_db)
        if self._stream:
            self._let_hear(self._stream)
        elif self._general.available and self._speech_ms >= self._judge_at_ms:
            self._judge_at_ms += JUDGE_EVERY_MS
            if self._like_speech() and not self._explains(await self._match()):
                self._opened()

    async def hypothesis(self, moment: Moment, snr_db: float) -> Hypothesis:
        """What was said so far; after `final` the utterance must be closed."""
        self._follow(snr_db)
        match = await self._match()
        if self._explains(match):
            return Hypothesis(tuple(self._scripted(match)), SCRIPT)
        stream = self._stream
        if stream is None and self._general.available and moment != "speech" and self._like_speech():
            stream = self._opened()
        if stream is None:
            return Hypothesis((), self._general.facts.name)
        words = await (stream.finish() if moment == "final" else stream.words(pause=moment == "pause"))
        return Hypothesis(tuple(self._heard(words, unfinished=moment == "speech")), self._general.facts.name)

    def close(self) -> None:
        if self._stream:
            self._stream.close()

    def _opened(self) -> GeneralStream:
        self._stream = GeneralStream(self._general, self._bias.language, self._bias.keyterms)
        self._let_hear(self._stream, all_of_it=True)
        return self._stream

    def _let_hear(self, stream: GeneralStream, *, all_of_it: bool = False) -> None:
        """What is known to be speech, and a little of the silence after it."""
        if self._raw and (all_of_it or not self._pausing or self._silence_ms < HANGOVER_MS):
            stream.hear(self._upsampler.push(np.concatenate(self._raw)))
            self._raw.clear()
            self._pausing = self._silence_ms >= HANGOVER_MS
            if self._pausing:
                stream.prepare()

    def _like_speech(self) -> bool:
        speech = self._shapes[self._voiced_at(len(self._shapes))]
        return self._speech_ms >= LEAST_SPEECH_MS and movement(speech) >= LEAST_MOVEMENT

    def _voiced_at(self, count: int) -> NDArray[np.bool_]:
        """For each of `count` feature frames, whether its middle lies in speech."""
        middles = (np.arange(count) * HOP + WINDOW // 2) // FRAME
        return np.array(self._voiced, np.bool_)[np.minimum(middles, len(self._voiced) - 1)]

    def _follow(self, snr_db: float) -> None:
        if self._line:
            shapes = self._features.push(np.concatenate(self._line))
            self._line.clear()
            self._matcher.push(shapes, snr_db)
            self._shapes = np.concatenate((self._shapes, shapes))

    async def _match(self) -> Match:
        # Aligning some seconds anew takes tens of milliseconds, which the calls of this process cannot wait for.
        return await asyncio.get_running_loop().run_in_executor(self._matching, self._matcher.match)

    def _explains(self, match: Match) -> bool:
        voiced = self._voiced_at(len(match.explained))
        speech, explained = int(voiced.sum()), int((match.explained & voiced).sum())
        spoken = explained >= SPOKEN * int(match.explained.sum())
        enough = explained >= EXPLAINED * speech and match.score >= SCORE_PER_FRAME * speech
        return bool(match.words) and spoken and enough

    def _scripted(self, match: Match) -> list[HeardWord]:
        """Times from the middle of the first to the middle of the last frame, half a hop wider on both sides."""
        hop_ms = HOP * 1000 // SAMPLE_RATE
        shift = self._start_ms + (WINDOW - HOP) * 500 // SAMPLE_RATE
        return [
            HeardWord(word.text, shift + word.first * hop_ms, shift + word.end * hop_ms, word.confidence)
            for word in self._spoken(match)
        ]

    def _spoken(self, match: Match) -> list[AlignedWord]:
        """The words but those that stand in what is no speech."""
        voiced, words = self._voiced_at(len(match.explained)), match.words
        spoken: list[AlignedWord] = []
        for place, word in enumerate(words):
            around = words[max(0, place - 1) : place + 2]
            frames = sum(one.end - one.first for one in around)
            if sum(int(voiced[one.first : one.end].sum()) for one in around) >= SPOKEN * frames:
                spoken.append(word)
        return spoken

    def _heard(self, words: list[Word], *, unfinished: bool) -> list[HeardWord]:
        """On the clock of the stream; without a mark at the end of what is still being said."""
        heard = [
            HeardWord(
                word.text, self._start_ms + int(word.start_ms), self._start_ms + int(word.end_ms), word.confidence
            )
            for word in words
        ]
        if heard and unfinished:
            heard[-1] = replace(heard[-1], text=heard[-1].text.rstrip(".?!,;:…") or heard[-1].text)
        return heard

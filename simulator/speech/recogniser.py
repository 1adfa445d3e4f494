"""Speech to text for one stream: lines of running scripts by the matcher, anything else by the general engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Final

import numpy as np

from simulator.audio import Samples
from simulator.speech.features import SAMPLE_RATE
from simulator.speech.general import General
from simulator.speech.resampler import StreamResampler
from simulator.speech.utterance import Bias, Hypothesis, Moment, Utterance
from simulator.speech.vocabulary import Vocabulary
from simulator.speech.voice_activity import FRAME_MS, Frame, VoiceActivity

# Audio from before the first frame that is surely speech, which belongs to it: soft beginnings of words.
PREROLL_MS: Final = 200


class Recogniser:
    """Hears one stream. An utterance begins with speech and lasts until `end_utterance`."""

    def __init__(self, vocabulary: Vocabulary, general: General, matching: Executor, sample_rate: int) -> None:
        """`matching` runs the matcher. Raises ValueError when audio at `sample_rate` Hz cannot be resampled."""
        self._vocabulary = vocabulary
        self._general = general
        self._matching = matching
        self._sample_rate = sample_rate
        self._to_line = StreamResampler(sample_rate, SAMPLE_RATE)
        self._voice = VoiceActivity()
        self._bias = Bias()
        self._behind = ""
        self._frames_heard = 0
        self._utterance: Utterance | None = None
        self._recent: deque[Frame] = deque(maxlen=PREROLL_MS // FRAME_MS)
        self._recent_raw: Samples = np.zeros(0, np.int16)

    @property
    def engine(self) -> str:
        """The name of the engine that hears what no script holds."""
        return self._general.facts.name

    @property
    def rough(self) -> bool:
        """Whether words of `engine` are guesses rather than a transcript; a script's never are."""
        return self._general.facts.rough

    @property
    def behind(self) -> str:
        """One sentence while this machine cannot keep up with the audio, else empty."""
        return self._behind

    def bias(self, keyterms: Sequence[str], language: str) -> dict[str, str]:
        """Words to expect and the language spoken (a code such as "en", or empty), from the next utterance on.

        Gives for each of the two, by the name `keyterms` or `language`, why it changes nothing with this engine.
        """
        self._bias = Bias(tuple(keyterms), language)
        return self._general.facts.ignored(keyterms, language)

    def vad_threshold(self, value: float) -> None:
        """How sure the detector must be, 0 to 1, that 20 ms are speech; from here on."""
        self._voice.threshold = value

    async def push(self, samples: Samples) -> list[bool]:
        """Hear `samples`, best 20 ms or less. Gives for each 20 ms that they complete whether it is speech."""
        frames = self._voice.push(self._to_line.push(samples))
        if self._utterance is None and any(frame.voiced for frame in frames):
            start_ms = (self._frames_heard - len(self._recent)) * FRAME_MS
            self._utterance = Utterance(
                self._vocabulary, self._general, self._matching, self._sample_rate, start_ms, self._bias
            )
            await self._utterance.push(self._recent, self._recent_raw, self._voice.snr_db)
        self._frames_heard += len(frames)
        if self._utterance:
            await self._utterance.push(frames, samples, self._voice.snr_db)
        else:
            self._recent.extend(frames)
            raw = np.concatenate((self._recent_raw, samples))
            self._recent_raw = raw[-self._sample_rate * len(self._recent) * FRAME_MS // 1000 :]
        return [frame.voiced for frame in frames]

    async def hypothesis(self, moment: Moment) -> Hypothesis:
        """What the present utterance is taken to say: while it goes on, at a pause in it, or as it ends."""
        if self._utterance is None:
            return Hypothesis()
        hypothesis = await self._utterance.hypothesis(moment, self._voice.snr_db)
        self._behind = self._utterance.behind
        return hypothesis

    async def end_utterance(self) -> None:
        """What follows belongs to the next utterance."""
        utterance, self._utterance = self._utterance, None
        self._recent.clear()
        self._recent_raw = self._recent_raw[:0]
        if utterance:
            utterance.close()

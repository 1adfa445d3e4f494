"""Speech to text for one stream: lines of running scripts by the matcher, anything else by the general model."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Executor
from typing import Final

import numpy as np

from simulator.audio import Samples
from simulator.speech.features import SAMPLE_RATE
from simulator.speech.general import GeneralModel
from simulator.speech.resampler import StreamResampler
from simulator.speech.utterance import Hypothesis, Moment, Utterance
from simulator.speech.vocabulary import Vocabulary
from simulator.speech.voice_activity import FRAME_MS, Frame, VoiceActivity

# Audio from before the first frame that is surely speech, which belongs to it: soft beginnings of words.
PREROLL_MS: Final = 200


class Recogniser:
    """Hears one stream. An utterance begins with speech and lasts until `end_utterance`."""

    def __init__(self, vocabulary: Vocabulary, model: GeneralModel, matching: Executor, sample_rate: int) -> None:
        """`matching` runs the matcher. Raises ValueError when audio at `sample_rate` Hz cannot be resampled."""
        self._vocabulary = vocabulary
        self._model = model
        self._matching = matching
        self._sample_rate = sample_rate
        self._to_line = StreamResampler(sample_rate, SAMPLE_RATE)
        self._voice = VoiceActivity()
        self._frames_heard = 0
        self._utterance: Utterance | None = None
        self._recent: deque[Frame] = deque(maxlen=PREROLL_MS // FRAME_MS)
        self._recent_raw: Samples = np.zeros(0, np.int16)

    async def push(self, samples: Samples) -> list[bool]:
        """Hear `samples`, best 20 ms or less. Gives for each 20 ms that they complete whether it is speech."""
        frames = self._voice.push(self._to_line.push(samples))
        if self._utterance is None and any(frame.voiced for frame in frames):
            start_ms = (self._frames_heard - len(self._recent)) * FRAME_MS
            self._utterance = Utterance(self._vocabulary, self._model, self._matching, self._sample_rate, start_ms)
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
        return await self._utterance.hypothesis(moment, self._voice.snr_db)

    async def end_utterance(self) -> None:
        """What follows belongs to the next utterance."""
        utterance, self._utterance = self._utterance, None
        self._recent.clear()
        self._recent_raw = self._recent_raw[:0]
        if utterance:
            await utterance.close()

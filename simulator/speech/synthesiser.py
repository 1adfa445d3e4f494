"""Text to speech for the stand-ins and the simulated caller, spoken by espeak-ng in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import re
import struct
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.audio import Samples, resample
from simulator.speech import shaping
from simulator.speech.worker import Worker, WorkerGone

CALLER_VOICE: Final = "en-us+klatt6"
LONGEST_TEXT: Final = 2000
CACHE_SECONDS: Final = 600.0
_VOICE: Final = re.compile(r"[A-Za-z0-9_+/-]{1,40}")


class SpeechUnavailable(Exception):
    """Nothing can be spoken here; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word as written, punctuation included, and when it sounds."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """Mono int16 samples and the words in them."""

    samples: Samples
    sample_rate: int
    words: tuple[Word, ...]

    @property
    def duration_ms(self) -> int:
        return len(self.samples) * 1000 // self.sample_rate


class Synthesiser:
    """Speaks English text, about a thousand times faster than real time."""

    def __init__(self) -> None:
        self._worker = Worker("simulator.speech.espeak_worker", timeout_seconds=20)
        self._cache: OrderedDict[tuple[str, str, int, int], Speech] = OrderedDict()
        self._cached_ms = 0

    @property
    def why_not(self) -> str | None:
        """One sentence that says what to do before anything can be spoken, or None."""
        if importlib.util.find_spec("espeakng_loader") is None:
            return 'Speech needs espeak-ng: run `pip install "sidetone[speech]"`.'
        return None

    @property
    def available(self) -> bool:
        return self.why_not is None

    async def start(self) -> None:
        """Start espeak-ng ahead of the first line, where it is installed."""
        if self.available:
            await self.render("ready")

    async def close(self) -> None:
        await self._worker.close()
        self._cache.clear()
        self._cached_ms = 0

    async def speak(
        self,
        text: str,
        *,
        voice: str = CALLER_VOICE,
        words_per_minute: int = 165,
        sample_rate: int = 8000,
    ) -> Speech:
        """`render`, or what it gave for the same text, voice, speed and rate before."""
        key = (text, voice, words_per_minute, sample_rate)
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        speech = await self.render(text, voice=voice, words_per_minute=words_per_minute, sample_rate=sample_rate)
        if key not in self._cache:
            self._cache[key] = speech
            self._cached_ms += speech.duration_ms
        while self._cached_ms > CACHE_SECONDS * 1000:
            _, dropped = self._cache.popitem(last=False)
            self._cached_ms -= dropped.duration_ms
        return speech

    async def render(
        self,
        text: str,
        *,
        voice: str = CALLER_VOICE,
        words_per_minute: int = 165,
        sample_rate: int = 8000,
    ) -> Speech:
        """Speak `text` anew. No pause in it is longer than 180 ms; text without a word gives no samples.

        Raises SpeechUnavailable when espeak-ng is missing or keeps dying, ValueError for a text, voice, speed or
        rate that cannot be spoken.
        """
        text = _cleaned(text)
        if not _VOICE.fullmatch(voice):
            raise ValueError(f"{voice!r} is not a voice name such as {CALLER_VOICE!r}.")
        if not 80 <= words_per_minute <= 450:
            raise ValueError(f"The speed must be 80 to 450 words per minute, not {words_per_minute}.")
        if not 8000 <= sample_rate <= 48000:
            raise ValueError(f"The sample rate must be 8000 to 48000 Hz, not {sample_rate}.")
        if self.why_not:
            raise SpeechUnavailable(self.why_not)
        request = {"text": text, "voice": voice, "words_per_minute": words_per_minute}
        reply = await self._ask(json.dumps(request).encode())
        (size,) = struct.unpack_from("<I", reply)
        header = json.loads(reply[4 : 4 + size])
        if "error" in header:
            raise ValueError(header["error"])
        raw = np.frombuffer(reply, "<i2", offset=4 + size)
        return _shaped(text, raw, header["sample_rate"], header["words"], sample_rate)

    async def _ask(self, request: bytes) -> bytes:
        try:
            return await self._worker.request(request)
        except WorkerGone:
            pass
        try:
            return await self._worker.request(request)
        except WorkerGone as error:
            raise SpeechUnavailable(f"espeak-ng could not speak, twice in a row: {error}") from error


def _cleaned(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"A text to speak may have {LONGEST_TEXT} characters, not {len(text)}; split it.")
    # Control characters, and halves of surrogate pairs, which cannot be encoded.
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", " ", text).split())


def _shaped(text: str, raw: Samples, raw_rate: int, events: list[tuple[int, int]], sample_rate: int) -> Speech:
    frame = raw_rate * shaping.FRAME_MS // 1000
    voiced = shaping.voiced_frames(raw, raw_rate)
    keep = shaping.kept_samples(voiced, frame, len(raw))
    sounding = np.repeat(voiced, frame)
    levelled = shaping.at_level(raw, raw[: len(sounding)][sounding])
    kept_before = np.concatenate(([0], np.cumsum(keep)))
    # A word ends with its last voiced frame, not where the pause after it ends.
    last_voiced = np.maximum.accumulate(np.where(voiced, (np.arange(len(voiced)) + 1) * frame, 0))
    words: list[Word] = []
    for token, start, end in shaping.written_words(text, events, len(raw)):
        sounds_until = int(last_voiced[min(max(end - 1, 0) // frame, len(voiced) - 1)]) if len(voiced) else 0
        end = min(end, sounds_until) if sounds_until > start else end
        start_ms, end_ms = (int(kept_before[at]) * 1000 // raw_rate for at in (start, end))
        words.append(Word(token, start_ms, end_ms))
    return Speech(resample(levelled[keep], raw_rate, sample_rate), sample_rate, tuple(words))

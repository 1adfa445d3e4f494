"""The lines that running scripts may speak, as the matcher knows them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.audio import ulaw_decode, ulaw_encode
from simulator.speech.features import BANDS, HOP, SAMPLE_RATE, WINDOW, Features, features
from simulator.speech.synthesiser import CALLER_VOICE, Speech, Synthesiser

MOST_SECONDS: Final = 1200
LINGER_SECONDS: Final = 15.0
FRAMES_PER_SECOND: Final = SAMPLE_RATE // HOP


@dataclass(frozen=True, slots=True)
class TemplateWord:
    """A word as written and the frames of its template in which it sounds."""

    text: str
    first: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """What one line sounds like on a telephone line."""

    text: str
    voice: str
    features: Features
    words: tuple[TemplateWord, ...]


class Bank:
    """All templates at one moment, every `STRIDE`th of their frames stacked for one multiplication."""

    STRIDE: Final = 2

    def __init__(self, templates: tuple[Template, ...]) -> None:
        self.templates = templates
        parts = [template.features[:: self.STRIDE] for template in templates]
        self.lengths = [len(part) for part in parts]
        self.starts: NDArray[np.intp] = np.concatenate(([0], np.cumsum(self.lengths)[:-1])).astype(np.intp)
        self.frames: Features = np.concatenate(parts) if parts else np.zeros((0, BANDS), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Handle:
    """What `Vocabulary.add` gives and `Vocabulary.remove` takes."""

    keys: tuple[tuple[str, str, int], ...]


@dataclass(slots=True)
class _Entry:
    template: Template
    users: int = 0
    unused_since: float = 0.0


class Vocabulary:
    """Lines in use, counted: a line that ten calls may speak is kept once, until the tenth call has ended.

    It is kept for LINGER_SECONDS more, because the last words of a call are still on their way when it ends.
    """

    def __init__(self, synthesiser: Synthesiser) -> None:
        self._synthesiser = synthesiser
        self._entries: dict[tuple[str, str, int], _Entry] = {}
        self._unused: set[tuple[str, str, int]] = set()
        self._handles: set[Handle] = set()
        self._building = asyncio.Lock()
        self._bank: Bank | None = None

    @property
    def bank(self) -> Bank:
        """The templates now in use. A change makes a new bank and leaves this one as it is."""
        self._forget_unused()
        if self._bank is None:
            spoken = (entry.template for entry in self._entries.values())
            self._bank = Bank(tuple(template for template in spoken if template.words))
        return self._bank

    async def add(self, lines: Iterable[str], *, voice: str = CALLER_VOICE, words_per_minute: int = 165) -> Handle:
        """Make `lines` recognisable until `remove`.

        Raises SpeechUnavailable without espeak-ng, ValueError for a line that cannot be spoken or when the lines
        in use would exceed 20 minutes of speech.
        """
        handle = Handle(tuple(dict.fromkeys((line, voice, words_per_minute) for line in lines)))
        async with self._building:
            entries = {key: self._entries.get(key) or _Entry(await self._template(*key)) for key in handle.keys}
            new = [entry for key, entry in entries.items() if key not in self._entries]
            frames = sum(len(entry.template.features) for entry in (*self._entries.values(), *new))
            if frames > MOST_SECONDS * FRAMES_PER_SECOND:
                raise ValueError(
                    f"The scripts in use hold more than {MOST_SECONDS // 60} minutes of speech; "
                    "run fewer different scripts at once."
                )
            self._entries.update(entries)
            self._unused.difference_update(entries)
            for entry in entries.values():
                entry.users += 1
            if new:
                self._bank = None
        self._handles.add(handle)
        return handle

    def remove(self, handle: Handle) -> None:
        """Give up the lines of `handle`; a second time changes nothing."""
        if handle not in self._handles:
            return
        self._handles.discard(handle)
        for key in handle.keys:
            entry = self._entries[key]
            entry.users -= 1
            if not entry.users:
                entry.unused_since = time.monotonic()
                self._unused.add(key)

    def _forget_unused(self) -> None:
        now = time.monotonic()
        for key in [key for key in self._unused if now - self._entries[key].unused_since >= LINGER_SECONDS]:
            self._unused.discard(key)
            del self._entries[key]
            self._bank = None

    async def _template(self, line: str, voice: str, words_per_minute: int) -> Template:
        # Spoken anew, not taken from the cache: the caller's own samples are never the template.
        speech = await self._synthesiser.render(
            line, voice=voice, words_per_minute=words_per_minute, sample_rate=SAMPLE_RATE
        )
        return await asyncio.to_thread(template, line, voice, speech)


def template(line: str, voice: str, speech: Speech) -> Template:
    """The template of a line from its speech at 8 kHz, which is passed through µ-law first."""
    if speech.sample_rate != SAMPLE_RATE:
        raise ValueError(f"A template is made of speech at {SAMPLE_RATE} Hz, not {speech.sample_rate}.")
    line_features = features(ulaw_decode(ulaw_encode(speech.samples)))
    texts = as_a_sentence([word.text for word in speech.words])
    words = (
        TemplateWord(text, *_frames(word.start_ms, word.end_ms, len(line_features)))
        for text, word in zip(texts, speech.words, strict=True)
    )
    return Template(line, voice, line_features, tuple(word for word in words if word.first < word.end))


def as_a_sentence(words: list[str]) -> list[str]:
    """The words with a capital at the beginning and a full stop at the end, as the service writes what it heard.

    A line that ends with another mark keeps it: "I need to…" or "and then," is a speaker who has not finished.
    """
    if not words:
        return words
    written = [words[0][:1].upper() + words[0][1:], *words[1:]]
    if written[-1][-1:].isalnum():
        written[-1] += "."
    return written


def _frames(start_ms: int, end_ms: int, count: int) -> tuple[int, int]:
    """The frames whose middle lies within the time, at least one."""
    middle_ms = WINDOW * 500 / SAMPLE_RATE
    hop_ms = HOP * 1000 / SAMPLE_RATE
    first = min(max(0, round((start_ms - middle_ms) / hop_ms)), max(count - 1, 0))
    return first, min(max(first + 1, round((end_ms - middle_ms) / hop_ms)), count)

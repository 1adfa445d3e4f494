"""A party that plays a recording into the call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from simulator.audio import FRAME_MS, Samples
from simulator.caller.hearing import Hearing, is_voiced
from simulator.caller.party import HANG_UP, SILENCE, Said, cut, rate_of
from simulator.caller.sound_file import read_sound
from simulator.caller.voice import through_codec
from simulator.telnyx.media.options import Codec

_PATIENCE_MS: Final = 2000
"""Quiet of the agent, after it answered the file, before the party hangs up."""
_ANSWER_MS: Final = 12_000


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A recording of any rate and of any format that libsndfile reads, played from the answer on, once or over and
    over.

    Played once, the party hangs up (`hang_up`) when the agent has answered and been quiet for 2 s, or when there
    was no answer within 12 s; at the latest `max_seconds` after the answer.
    """

    path: Path
    loop: bool = False
    hang_up: bool = True
    max_seconds: int = 600


class FileParty:
    beep_at_ms: int | None = None

    def __init__(self, file: AudioFile, codec: Codec = "PCMU") -> None:
        self.codec: Codec = codec
        self.rate = rate_of(codec)
        self.warnings: list[str] = []
        self.greeting_end_ms: int | None = None
        self._file = file
        self._frames: list[Said] = []
        self._hearing = Hearing()
        self._most_ticks = file.max_seconds * 1000 // FRAME_MS
        self._done = False

    async def prepare(self) -> None:
        """Raises ValueError in one sentence for a file that cannot be read."""
        self._frames = await asyncio.to_thread(self._read)
        self.greeting_end_ms = len(self._frames) * FRAME_MS

    def prepared(self) -> Iterable[Said]:
        return self._frames

    def tick(self, heard: Samples | None) -> Said:
        hearing = self._hearing
        hearing.tick(heard is not None and is_voiced(heard))
        now = hearing.now
        if self._done:
            return SILENCE
        if now >= self._most_ticks:
            return self._leave()
        if self._file.loop:
            return self._frames[now % len(self._frames)]
        if now < len(self._frames):
            return self._frames[now]
        return self._leave() if self._file.hang_up and self._is_answered(now) else SILENCE

    def press(self, digit: str) -> None:
        """A recording does not mind keys."""

    def close(self) -> None:
        self._done = True
        self._frames = []

    def report(self) -> dict[str, Any]:
        return {"lines": [], "heard_ms": self._hearing.voiced_ticks * FRAME_MS, "file": self._file.path.name}

    def _is_answered(self, now: int) -> bool:
        """Whether the agent answered the file and is done, or does not answer."""
        played = len(self._frames)
        quiet_ms = self._hearing.quiet_ticks() * FRAME_MS
        last = self._hearing.last_voiced
        answered = last is not None and last >= played
        return quiet_ms >= _PATIENCE_MS if answered else (now - played) * FRAME_MS >= _ANSWER_MS

    def _leave(self) -> Said:
        self._done = True
        return HANG_UP

    def _read(self) -> list[Said]:
        file = self._file
        return cut(through_codec(read_sound(file.path, self.rate, file.max_seconds), self.codec), self.rate)

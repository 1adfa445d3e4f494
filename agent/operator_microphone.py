"""One operator's microphone in one call: to the caller, to the agent as a whisper, or to nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, Literal

from agent.assemblyai_upstream import Failure
from agent.operator_ear import OperatorEar

Target = Literal["nobody", "caller", "agent"]
Words = Callable[[Target, str, int], object]
_AGAIN_S: Final = 5.0
"""After a recogniser failed, another is tried no sooner."""


class Microphone:
    """Has what is said understood, each stretch by an ear of its own, since words to the caller and words to the
    agent must not be mixed up.

    Args:
        listen: makes an ear.
        words: given the target that was spoken to, each final text, and when it had been said.
        failed: given a recogniser's failure.
    """

    def __init__(
        self,
        listen: Callable[[Callable[[str, int], object], Callable[[Failure], object]], OperatorEar],
        words: Words,
        failed: Callable[[Failure], object],
    ) -> None:
        self._listen, self._words, self._failed = listen, words, failed
        self.target: Target = "nobody"
        self._ear: OperatorEar | None = None
        self._finishing: set[asyncio.Task[None]] = set()
        self._not_before = 0.0

    def point(self, target: Target) -> None:
        """Say where it goes from now on; what was said so far is still understood."""
        if target != self.target:
            self.target = target
            self._end_stretch()

    def hear(self, audio: bytes | memoryview) -> None:
        """Have audio understood, as what is said to the target."""
        if (self._ear is None or self._ear.over) and time.monotonic() >= self._not_before:
            target = self.target
            self._ear = self._listen(lambda text, at: self._words(target, text, at), self._ear_failed)
        if self._ear is not None:
            self._ear.hear(audio)

    async def settle(self) -> None:
        """Wait until what was said so far has been understood, as far as it will be."""
        self._end_stretch()
        if self._finishing:
            await asyncio.wait(self._finishing)

    def _end_stretch(self) -> None:
        ear, self._ear = self._ear, None
        if ear is not None and not ear.over:
            task = asyncio.create_task(ear.finish())
            self._finishing.add(task)
            task.add_done_callback(self._finishing.discard)

    def _ear_failed(self, failure: Failure) -> None:
        self._not_before = float("inf") if failure.permanent else time.monotonic() + _AGAIN_S
        self._failed(failure)

"""One utterance before the general engine, on a machine that may be too slow for it.

Audio is kept here until the engine is free, so that nothing waits for it but the words of a pause and of the end.
Words while somebody speaks are the first to be left out, those of the end the last.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final

import numpy as np

from simulator.audio import Samples
from simulator.speech.engine import SAMPLE_RATE, Word
from simulator.speech.general import EngineFailed, General

# Audio between two looks at words while somebody speaks, before and after the first word; and how much longer than
# the last look itself it must be, so that one call never takes more than a third of a core.
FIRST_PARTIAL_MS: Final = 400
PARTIAL_EVERY_MS: Final = 700
PARTIAL_PAUSE: Final = 3
# How long words are waited for: at each such look, at a pause, at the end; and for the first answer, since the
# engine may have to be loaded.
PARTIAL_SECONDS: Final = 0.5
PAUSE_SECONDS: Final = 3.0
FINAL_SECONDS: Final = 6.0
LOAD_SECONDS: Final = 10.0
# An answer so late, or words left out for so much speech, and the machine is behind.
LATE_SECONDS: Final = 1.5
MOST_UNHEARD_MS: Final = 4000
LONGEST_MS: Final = 90_000

logger = logging.getLogger(__name__)


class GeneralStream:
    """The words of one utterance, as they become known. Audio is mono int16 at 16 kHz."""

    def __init__(self, general: General, language: str, keyterms: Sequence[str]) -> None:
        self._general = general
        self._bias = language, tuple(keyterms)
        self._number: int | None = None
        self._unheard: list[Samples] = []
        self._unheard_samples = 0
        self._words: list[Word] = []
        self._asking: asyncio.Task[object] | None = None
        self._look_again = False
        self._took_ms = 0
        self._failed = ""
        self._answered = False
        self._ended = False
        self.behind = ""
        """One sentence while the words come late or not at all, else empty."""

    @property
    def _unheard_ms(self) -> int:
        return self._unheard_samples * 1000 // SAMPLE_RATE

    def hear(self, samples: Samples) -> None:
        """More of the utterance, to be looked at when there is time and need."""
        if self._failed or self._ended or not len(samples):
            return
        self._unheard.append(samples)
        self._unheard_samples += len(samples)
        if self._unheard_ms > LONGEST_MS:
            self._fail(f"{self._general.facts.name} is more than {LONGEST_MS // 1000} s behind the call.")

    def prepare(self) -> None:
        """A pause begins, so the words will soon be asked for: look now if nobody else is being heard."""
        self._look_again = self._asking is not None
        if self._unheard and self._free:
            self._look()

    async def words(self, *, pause: bool) -> list[Word]:
        """What is known by now; at a `pause` all of what was said, unless that takes too long."""
        if pause:
            await self._settled(PAUSE_SECONDS)
        elif self._asking or (self._unheard_ms >= self._every_ms and self._free):
            await _done(self._asking or self._look(), PARTIAL_SECONDS)
        elif self._unheard_ms > MOST_UNHEARD_MS and self._answered:
            self._late("leaves out words that are still being spoken")
        return self._words

    async def finish(self) -> list[Word]:
        """The words of the whole utterance, as far as they can be had in time; ends it."""
        deadline = time.monotonic() + self._patience(FINAL_SECONDS)
        if not await self._settled(FINAL_SECONDS) or self._failed:
            self.close()
            return self._words
        self._ended = True
        if self._number is not None:
            finishing = self._general.run(self._finish(self._number))
            if not await _done(finishing, max(deadline - time.monotonic(), 0.1)):
                self._late("gave the last words too late")
        return self._words

    def close(self) -> None:
        """End the utterance, whose words nobody wants any more. Waits for nothing."""
        if self._ended:
            return
        self._ended = True
        self._unheard.clear()
        self._unheard_samples = 0
        self._general.run(self._drop(self._asking))

    @property
    def _every_ms(self) -> int:
        return max(PARTIAL_EVERY_MS if self._words else FIRST_PARTIAL_MS, PARTIAL_PAUSE * self._took_ms)

    @property
    def _free(self) -> bool:
        return self._asking is None and not self._general.busy and not self._failed and not self._ended

    def _patience(self, seconds: float) -> float:
        return seconds if self._answered else LOAD_SECONDS

    async def _settled(self, seconds: float) -> bool:
        """Whether all audio was looked at within `seconds`."""
        deadline = time.monotonic() + self._patience(seconds)
        while (self._asking or self._unheard) and not self._failed and not self._ended:
            if not await _done(self._asking or self._look(), deadline - time.monotonic()):
                self._late("takes too long over what was just said")
                return False
        return True

    def _look(self) -> asyncio.Task[object]:
        samples = np.concatenate(self._unheard)
        self._unheard.clear()
        self._unheard_samples = 0
        asking = self._asking = self._general.run(self._ask(samples))
        asking.add_done_callback(self._asked)
        return asking

    def _asked(self, asking: asyncio.Task[object]) -> None:
        self._asking = None
        # Cancelled: everything is being closed.
        self._ended |= asking.cancelled()
        again, self._look_again = self._look_again, False
        if again and self._unheard and not self._ended:
            self._look()

    async def _ask(self, samples: Samples) -> None:
        began = time.monotonic()
        try:
            if self._number is None:
                self._number = await self._general.open(*self._bias)
                began = time.monotonic()
            self._words = await self._general.hear(self._number, samples.tobytes())
        except EngineFailed as error:
            self._fail(str(error))
        else:
            self._timed(began)

    async def _finish(self, number: int) -> None:
        began = time.monotonic()
        try:
            self._words = await self._general.finish(number, b"")
        except EngineFailed as error:
            self._fail(str(error))
        else:
            self._timed(began)

    async def _drop(self, asking: asyncio.Task[object] | None) -> None:
        if asking:
            await asyncio.wait({asking})
        if self._number is not None:
            await self._general.drop(self._number)

    def _timed(self, began: float) -> None:
        self._answered = True
        took = time.monotonic() - began
        self._took_ms = int(took * 1000)
        if took > LATE_SECONDS:
            self._late(f"is {took:.1f} s behind what is being said")
        elif self._unheard_ms <= MOST_UNHEARD_MS:
            self.behind = ""

    def _late(self, how: str) -> None:
        calls = self._general.open_streams
        at_once = f" with {calls} calls at once" if calls > 1 else ""
        self.behind = f"This machine cannot keep up{at_once}: {self._general.facts.name} {how}."

    def _fail(self, why: str) -> None:
        logger.warning("No words for what was just said: %s", why)
        self._failed = self.behind = f"No words for what was just said: {why.rstrip('.')}."
        self._unheard.clear()
        self._unheard_samples = 0


async def _done(task: asyncio.Task[object], seconds: float) -> bool:
    """Whether `task` ended within `seconds`; it goes on either way."""
    done, _ = await asyncio.wait({task}, timeout=max(seconds, 0))
    return bool(done)

"""The general engine, which hears what no script holds: the simulator's side of its worker process."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from simulator.speech.engine import EngineFacts, Word
from simulator.speech.engine_choice import INSTALL_WHISPER, EngineChoice, Engines, engines
from simulator.speech.engine_worker import HEADER
from simulator.speech.worker import Worker, WorkerGone

MOST_STREAMS: Final = 32
# A worker that has said nothing for so long hangs, and is ended; large models load and decode slowly.
HUNG_SECONDS: Final = 60.0
# A worker that dies this often without hearing anything between is given up.
MOST_DEATHS: Final = 3

logger = logging.getLogger(__name__)


class EngineFailed(Exception):
    """The engine gave no words; the message says why in one sentence."""


class General:
    """One engine in one worker process, which starts at the first need, for several streams at once.

    The engine is the first of `engines` that can be loaded.
    """

    def __init__(self, among: Engines | None = None) -> None:
        among = among or engines()
        self._choices: list[EngineChoice] = list(among.choices)
        self._asked_for = among.asked_for
        self.problems: list[str] = list(among.problems)
        """What is wrong with the settings, or with the engine that they name; one sentence each."""
        self._facts: EngineFacts | None = None
        self._loading = asyncio.Lock()
        self._worker: Worker | None = None
        self._streams: set[int] = set()
        self._numbers = itertools.count(1)
        self._asking = 0
        self._deaths = 0
        self._tasks: set[asyncio.Task[object]] = set()

    @property
    def facts(self) -> EngineFacts:
        """What is known of the engine by now; it says more of itself once it is loaded."""
        return self._facts or (self._choices[0].facts if self._choices else EngineFacts("script", languages=()))

    @property
    def available(self) -> bool:
        return bool(self._choices)

    @property
    def why_not(self) -> str | None:
        """One sentence when only lines of scripts are heard, else None."""
        if self.available:
            return None
        return "Speech outside scripts is not heard here; docs/recognisers.md says what would hear it."

    @property
    def description(self) -> str:
        """What hears speech outside scripts, and what is wrong with the settings, for people."""
        facts = self.facts
        how = f"roughly, by {facts.name}; {INSTALL_WHISPER} hears better." if facts.rough else f"by {facts.name}."
        return " ".join([self.why_not or f"Other speech is heard {how}", *self.problems])

    @property
    def busy(self) -> bool:
        """Whether a question now would have to wait for the answer to another."""
        return self._asking > 0

    @property
    def open_streams(self) -> int:
        return len(self._streams)

    def start(self) -> None:
        """Say what is wrong with the settings, and load the engine if the user named it, without waiting."""
        for problem in self.problems:
            logger.warning("%s", problem)
        if self._asked_for:
            self.warm()

    def warm(self) -> None:
        """Load the engine without waiting, so that it is there when somebody has spoken."""
        if self._facts is None and self._choices and not self._loading.locked():
            self.run(self._warm())

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._worker:
            await self._worker.close()

    def run(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
        """Do `work`, which raises nothing, without waiting for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def open(self, language: str, keyterms: Sequence[str]) -> int:
        """A new utterance's number. Raises EngineFailed."""
        if len(self._streams) >= MOST_STREAMS:
            raise EngineFailed(f"{MOST_STREAMS} calls are being heard by {self.facts.name} already.")
        number = next(self._numbers)
        # Counted before it is open, so that many at once cannot all pass.
        self._streams.add(number)
        try:
            await self._load()
            opening = json.dumps({"language": language, "keyterms": list(keyterms)}).encode()
            await self._ask(b"o", number, opening)
        except BaseException:
            self._streams.discard(number)
            raise
        return number

    async def hear(self, number: int, samples: bytes) -> list[Word]:
        """The words so far. Raises EngineFailed, after which the stream is gone."""
        return await self._words(b"h", number, samples)

    async def finish(self, number: int, samples: bytes) -> list[Word]:
        """The words of the whole utterance, which ends. Raises EngineFailed."""
        try:
            return await self._words(b"f", number, samples)
        finally:
            self._streams.discard(number)

    async def drop(self, number: int) -> None:
        """End an utterance unheard, unless it has ended. Raises nothing."""
        if number not in self._streams:
            return
        # Makes room at once, although the worker hears of it only after what it was asked before.
        self._streams.discard(number)
        try:
            await self._ask(b"d", number)
        except EngineFailed as error:
            logger.debug("%s", error)

    async def _words(self, action: bytes, number: int, samples: bytes) -> list[Word]:
        try:
            words = [Word(*word) for word in await self._ask(action, number, samples)]
            self._deaths = 0
            return words
        except EngineFailed:
            self._streams.discard(number)
            raise

    async def _warm(self) -> None:
        try:
            await self._load()
        except EngineFailed as error:
            logger.warning("%s", error)

    async def _load(self) -> None:
        """Have an engine that can be loaded, the first of the rest. Raises EngineFailed when none is left."""
        async with self._loading:
            while self._facts is None:
                if not self._choices:
                    raise EngineFailed(self.why_not or "")
                choice = self._choices[0]
                self._worker = Worker(
                    "simulator.speech.engine_worker", choice.target, choice.folder, timeout_seconds=HUNG_SECONDS
                )
                try:
                    facts = await self._ask(b"l", 0)
                except EngineFailed as error:
                    await self._give_up(str(error))
                else:
                    self._facts = EngineFacts(**facts | {"languages": tuple(facts["languages"])})
                    logger.info("Speech outside scripts is heard by %s.", self._facts.name)

    async def _give_up(self, why: str) -> None:
        """Go on with the next engine, or with none."""
        failed = self._choices.pop(0)
        worker, self._worker = self._worker, None
        self._facts = None
        self._deaths = 0
        self._streams.clear()
        if worker:
            await worker.close()
        after = f"{self._choices[0].facts.name} hears instead" if self._choices else "only scripts are heard"
        problem = f"The recogniser {failed.facts.name} is out of use: {why.rstrip('.')}; {after}."
        self.problems.append(problem)
        logger.error("%s", problem)

    async def _died(self) -> None:
        self._streams.clear()
        self._deaths += 1
        if self._deaths >= MOST_DEATHS and self._facts is not None:
            await self._give_up(f"its process ended {self._deaths} times in a row")

    async def _ask(self, action: bytes, number: int, payload: bytes = b"") -> Any:
        """One question of the worker's protocol and its answer. Raises EngineFailed."""
        worker = self._worker
        if worker is None:
            raise EngineFailed(self.why_not or "another engine takes over")
        self._asking += 1
        try:
            reply = json.loads(await worker.request(HEADER.pack(action, number) + payload))
        except WorkerGone as error:
            if worker is self._worker:
                await self._died()
            raise EngineFailed(f"{self.facts.name} is gone: {error}") from error
        finally:
            self._asking -= 1
        if isinstance(reply, dict) and "error" in reply:
            raise EngineFailed(str(reply["error"]))
        return reply

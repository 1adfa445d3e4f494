"""The general recogniser: rough words for speech that no script holds."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import json
import logging
import re
import struct
from dataclasses import dataclass, replace
from typing import Final

from simulator.audio import Samples
from simulator.speech.worker import Worker, WorkerGone

SAMPLE_RATE: Final = 16_000
MOST_STREAMS: Final = 4
# A live stream may wait this long for the decoder before it is given up rather than left behind.
MOST_LAG_SECONDS: Final = 3.0
# The first stream waits for the process and its model.
START_SECONDS: Final = 10.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GeneralWord:
    """A word guessed, in ms of the stream's own audio, and the decoder's posterior probability (0 to 1)."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


class Overloaded(Exception):
    """No decoder is free, or it fell behind; the message says so in one sentence."""


class GeneralModel:
    """pocketsphinx in one worker process, for a few streams at once."""

    def __init__(self) -> None:
        self._worker = Worker("simulator.speech.general_worker", timeout_seconds=20)
        self._numbers = itertools.count(1)
        self._open: set[int] = set()
        self.refused = 0
        """Streams that were given up for want of a decoder."""

    @property
    def why_not(self) -> str | None:
        """One sentence, or None where pocketsphinx is installed."""
        if importlib.util.find_spec("pocketsphinx") is None:
            return "Speech outside scripts needs pocketsphinx, which exists for Python 3.11 to 3.13."
        return None

    async def open(self, samples: Samples) -> tuple[GeneralStream, list[GeneralWord]]:
        """A stream for one utterance, begun with `samples` at 16 kHz, and the words in them. Raises Overloaded."""
        if len(self._open) >= MOST_STREAMS:
            self.refused += 1
            raise Overloaded(f"{MOST_STREAMS} calls are being recognised by the general model already.")
        stream = GeneralStream(self, next(self._numbers))
        self._open.add(stream.number)
        try:
            return stream, await self.ask(b"o", stream.number, samples)
        except BaseException:
            await stream.close()
            raise

    async def close(self) -> None:
        await self._worker.close()

    async def ask(self, action: bytes, number: int, samples: Samples | None = None) -> list[GeneralWord]:
        """One request of the worker's protocol. Raises Overloaded when the answer comes late or never."""
        payload = b"" if samples is None else samples.tobytes()
        request = self._worker.request(struct.pack("<cI", action, number) + payload)
        try:
            async with asyncio.timeout(START_SECONDS if action == b"o" else MOST_LAG_SECONDS):
                reply = json.loads(await request)
        except TimeoutError:
            self.refused += 1
            raise Overloaded("The general model fell behind the call.") from None
        except WorkerGone as error:
            self.refused += 1
            raise Overloaded(f"The general model is gone: {error}") from error
        if isinstance(reply, dict):
            self.refused += 1
            raise Overloaded(f"The general model refused the call: {reply['error']}.")
        return [GeneralWord(*word) for word in reply]

    def forget(self, number: int) -> None:
        self._open.discard(number)


class GeneralStream:
    """One utterance in the general model, in samples at 16 kHz."""

    def __init__(self, model: GeneralModel, number: int) -> None:
        self._model = model
        self._ended = False
        self.number = number

    async def push(self, samples: Samples) -> list[GeneralWord]:
        """The words so far. Waits until the audio is decoded; raises Overloaded when that takes too long."""
        return await self._model.ask(b"a", self.number, samples)

    async def finish(self, samples: Samples) -> list[GeneralWord]:
        """The words of the whole utterance, after a second and better pass; ends the stream."""
        words = await self._model.ask(b"f", self.number, samples)
        self._ended = True
        self._model.forget(self.number)
        return words

    async def close(self) -> None:
        """End the stream unheard, unless it has ended."""
        if self._ended:
            return
        self._ended = True
        try:
            await self._model.ask(b"d", self.number)
        except Overloaded as error:
            logger.warning("%s", error)
        finally:
            self._model.forget(self.number)


def as_written(words: list[GeneralWord]) -> list[GeneralWord]:
    """The first letter and the word I as capitals. No mark at the end: nothing was heard of one."""
    written: list[GeneralWord] = []
    for index, word in enumerate(words):
        text = word.text
        if index == 0 or re.match(r"i(?:'|$)", text):
            text = text[:1].upper() + text[1:]
        written.append(replace(word, text=text))
    return written

"""A general engine in a process of its own: `python -m simulator.speech.engine_worker module:Class [folder]`.

Engines hold Python's lock while they decode, which the simulator's clock could not bear. Frames as in `pipes`
cross standard input and output, one reply for each request, in order; the process ends when its input does.

A request is one letter, a little-endian 32-bit stream number, and a payload: `l` asks for the facts of the engine
(`EngineFacts` as an object), `o` opens the stream with JSON `{"language": str, "keyterms": [str]}`, `h` lets it
hear mono int16 samples at 16 kHz, `f` lets it hear the last and ends it, `d` drops it. All but `l` are answered
with a list of `[word, start_ms, end_ms, confidence]` of all audio of the stream so far. Any reply may be
`{"error": str}`.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import logging
import os
import struct
import sys
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from simulator.speech.engine import Engine, EngineFacts, EngineStream, facts_of
from simulator.speech.pipes import pack, read_frame, worker_streams

HEADER: Final = struct.Struct("<cI")
LONGEST_WORD: Final = 200

logger = logging.getLogger(__name__)


class Desk:
    """The engine's streams, by number."""

    def __init__(self, target: str, folder: str) -> None:
        """An engine that cannot be made is told of in each answer."""
        self._streams: dict[int, EngineStream] = {}
        self._engine: Engine | None = None
        self._facts = EngineFacts(target)
        self._why_not = ""
        try:
            self._engine = make(target, folder)
            self._facts = facts_of(self._engine, target)
        except Exception as error:
            logger.debug("%s could not be made", target, exc_info=True)
            self._why_not = said(error)

    def answer(self, request: bytes) -> object:
        """Whatever the engine raises ends its stream, never the process."""
        if self._engine is None:
            return {"error": self._why_not}
        action, number = HEADER.unpack_from(request)
        payload = request[HEADER.size :]
        if action == b"l":
            return dataclasses.asdict(self._facts)
        try:
            if action == b"o":
                asked = json.loads(payload)
                self._streams[number] = self._engine.open(asked["language"], asked["keyterms"])
                return []
            if action == b"d":
                self._streams.pop(number, None)
                return []
            stream = self._streams.get(number)
            if stream is None:
                return {"error": f"there is no stream {number}"}
            return self._heard(stream, np.frombuffer(payload, np.int16), last=action == b"f")
        except Exception as error:
            self._streams.pop(number, None)
            logger.debug("%s failed", self._facts.name, exc_info=True)
            return {"error": said(error)}
        finally:
            if action == b"f":
                self._streams.pop(number, None)

    @staticmethod
    def _heard(stream: EngineStream, samples: Any, *, last: bool) -> list[tuple[str, int, int, float]]:
        words: Iterable[Any] = stream.hear(samples) if len(samples) or not last else ()
        return checked(stream.finish() if last else words)


def make(target: str, folder: str) -> Engine:
    """The engine that `module:Class` names. Raises whatever importing and making it raises."""
    # A user's own module may lie here, but nothing that lies here takes the place of what is installed.
    sys.path.append(os.getcwd())
    module, _, name = target.partition(":")
    engine: Engine = getattr(importlib.import_module(module), name)(folder)
    return engine


def checked(words: Iterable[Any]) -> list[tuple[str, int, int, float]]:
    """Words as they may cross the pipe, in order of time. Raises ValueError or TypeError for what is no word."""
    known: list[tuple[str, int, int, float]] = []
    latest = 0
    for text, start, end, confidence in words:
        if not isinstance(text, str) or not (text := " ".join(text.split())[:LONGEST_WORD]):
            raise ValueError(f"a word must be text, not {text!r}")
        start_ms = max(round(start), latest)
        end_ms = max(round(end), start_ms)
        known.append((text, start_ms, end_ms, min(max(float(confidence), 0.0), 1.0)))
        latest = end_ms
    return known


def said(error: Exception) -> str:
    """An error of somebody's code, in one line; a RuntimeError speaks for itself."""
    text = " ".join(str(error).split())
    return (text if text and type(error) is RuntimeError else f"{type(error).__name__}: {text}")[:400]


def main() -> None:
    if hasattr(os, "nice"):
        # Words may come late, the media of calls on a small machine may not.
        os.nice(5)
    requests, replies = worker_streams()
    desk = Desk(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")
    while (request := read_frame(requests)) is not None:
        replies.write(pack(json.dumps(desk.answer(request)).encode()))
        replies.flush()


if __name__ == "__main__":
    main()

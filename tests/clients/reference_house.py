"""The sessions of the reference, replayed at once to whoever connects, with one deviation.

The sessions are those that AssemblyAI's SDK, Pipecat and LiveKit were measured with: two turns, the second still
open when the client sends Terminate. A deviation is one thing that a server might do differently.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

Message = dict[str, Any]
SAID = ("Hi, I'm calling about my order.", "The order number is 481529.")
_PARTIALS = ("Hi, I'm calling", "The order")
REASON = "See Error message for details"
BEGIN: Message = {
    "type": "Begin",
    "id": "2b5b2fe8-dd03-4df3-a5a9-2048ce1ad7fe",
    "expires_at": 1795248017,
    "configuration": {
        "model": "universal-3-6-pro",
        "mode": "balanced",
        "api_version": "2025-05-12",
        "speaker_labels": False,
        "redact_pii": False,
        "filter_profanity": False,
        "domain": None,
        "voice_focus": None,
    },
}
TERMINATION: Message = {"type": "Termination", "audio_duration_seconds": 5, "session_duration_seconds": 0}
# Where a turn begins, from one word's start to the next, and how long a word is, in ms.
_TIMES = ((500, 300, 280), (3500, 340, 320))


def started(order: int) -> Message:
    return {"type": "SpeechStarted", "timestamp": _TIMES[order][0], "confidence": 0.96}


def turn(order: int, text: str, *, end: bool, formatted: bool = True, transcript: str | None = None) -> Message:
    """A Turn whose words are those of `text`; `transcript` differs where it lags behind them."""
    at, step, length = _TIMES[order]
    words = [
        {
            "start": at + step * place,
            "end": at + step * place + length,
            "text": word,
            "confidence": 0.95,
            "word_is_final": end,
        }
        for place, word in enumerate(text.split())
    ]
    return {
        "turn_order": order,
        "turn_is_formatted": formatted,
        "end_of_turn": end,
        "transcript": text if transcript is None else transcript,
        "end_of_turn_confidence": 1.0 if end else 0.0,
        "words": words,
        "utterance": text if end else "",
        "type": "Turn",
    }


def u3_turn(order: int) -> list[Message]:
    return [started(order), turn(order, _PARTIALS[order], end=False), turn(order, SAID[order], end=True)]


def raw(order: int) -> str:
    return SAID[order].lower().replace(",", "").rstrip(".")


def streaming_turn(order: int, *, formats: bool) -> list[Message]:
    """As Universal-Streaming sends it: immutable words, the raw final, and the formatted one if asked for."""
    words = raw(order).split()
    messages = [turn(order, " ".join(words[:2]), end=False, formatted=False, transcript=words[0])]
    messages.append(turn(order, raw(order), end=True, formatted=False))
    if formats:
        messages.append({**turn(order, SAID[order], end=True), "utterance": ""})
    return messages


@dataclass(frozen=True)
class Deviation:
    """What a server does differently; `change` gives what it sends in place of a message, None for nothing."""

    change: Callable[[Message], object] = lambda message: message
    begin_after_s: float = 0
    left_open: bool = False
    """The socket is not closed after Termination."""
    refused: HTTPStatus | None = None
    """How every upgrade is answered."""
    error: tuple[int, str] | None = None
    """The Error that comes in place of Begin, each time."""
    lost: tuple[int, str] | None = None
    """Close code and Error text, which may be empty, in the middle of the first turn of the first connection."""
    family: str = "u3"
    formats: bool | None = None
    """Whether formatted finals are sent; None where only those who ask get them."""


@dataclass
class Run:
    """One client against one deviation."""

    deviation: Deviation
    connections: int = 0
    sent: list[str] = field(default_factory=list)
    received: list[Message] = field(default_factory=list)
    said: asyncio.Event = field(default_factory=asyncio.Event)
    """All is said that is said before Terminate, on a connection that was not lost."""
    broken: bool = False
    """The connection was lost, and nobody has come back yet."""


class ReferenceService:
    """Serves `/{run}/v3/ws` for every run that was added."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def add(self, name: str, deviation: Deviation) -> Run:
        run = self._runs[name] = Run(deviation)
        return run

    def upgrade(self, connection: ServerConnection, request: Request) -> Response | None:
        refused = self._runs[_name(request)].deviation.refused
        return None if refused is None else connection.respond(refused, "refused")

    async def __call__(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        asked = parse_qs(urlsplit(connection.request.path).query)
        formats = asked.get("format_turns", ["false"])[0].lower() == "true"
        session = _Session(connection, self._runs[_name(connection.request)], formats)
        try:
            await session.serve()
        except ConnectionClosed:
            # Clients end as they like; what they made of it is what counts.
            return


class _Session:
    def __init__(self, connection: ServerConnection, run: Run, formats: bool) -> None:
        self._connection, self._run = connection, run
        self._deviation = run.deviation
        self._formats = formats if run.deviation.formats is None else run.deviation.formats
        run.connections += 1
        run.broken = False
        self._is_first = run.connections == 1

    async def serve(self) -> None:
        deviation = self._deviation
        if deviation.error is not None:
            await self._fail(*deviation.error)
            return
        await asyncio.sleep(deviation.begin_after_s)
        await self._send(BEGIN)
        first, second = self._turn(0), self._turn(1)
        speaking = False
        async for data in self._connection:
            if isinstance(data, str):
                message = json.loads(data)
                self._run.received.append(message)
                if message["type"] == "Terminate":
                    break
                continue
            if speaking:
                continue
            speaking = True
            if deviation.lost is not None and self._is_first:
                self._run.broken = True
                await self._send(*first[:2])
                await self._fail(*deviation.lost)
                return
            await self._send(*first, *second[:-1])
            self._run.said.set()
        if not speaking:
            await self._send(*first, *second[:-1])
        await self._send(second[-1], TERMINATION)
        if deviation.left_open:
            await self._connection.wait_closed()
        await self._connection.close(1000, "Session Ended")

    def _turn(self, order: int) -> list[Message]:
        if self._deviation.family == "u3":
            return u3_turn(order)
        return streaming_turn(order, formats=self._formats)

    async def _send(self, *messages: Message) -> None:
        for message in messages:
            changed = self._deviation.change(json.loads(json.dumps(message)))
            if changed is None:
                continue
            text = changed if isinstance(changed, str) else json.dumps(changed)
            await self._connection.send(text)
            self._run.sent.append(text)

    async def _fail(self, code: int, text: str) -> None:
        if text:
            await self._send({"type": "Error", "error_code": code, "error": text})
        await self._connection.close(code, REASON if text else "")


def _name(request: Request) -> str:
    return request.path.split("/", 2)[1]

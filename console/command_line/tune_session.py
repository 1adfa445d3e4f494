"""One recording through one of AssemblyAI's sessions, or its stand-in's, with what was heard of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from agent import events, turn_detection
from agent.turn_detection import Heard, Listening
from console.command_line.tune_recordings import RecordingError
from console.environment import Mode

BLOCK_MS = 100
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_OPEN_S = 10.0
_STUCK_S = 60.0
_MAX_MESSAGE = 1024 * 1024
_MAX_TEXT = 300
_UNAUTHORISED = 1008
_BUSY = "Too many"


@dataclass(frozen=True, slots=True)
class Service:
    """Where to listen; ``mode`` is SIM or LIVE. Audio goes out at most ``lead_ms`` before its time, which 0 makes
    a live call's pace. At most ``at_once`` sessions are open, and one is opened every ``every_s`` seconds."""

    mode: Mode
    url: str
    key: str = field(repr=False)
    lead_ms: int = 0
    at_once: int = 1
    every_s: float = 0.0


@dataclass(slots=True)
class Listened:
    """What a session heard. ``problem`` is one sentence when it did not come to its end; with ``hopeless`` no
    other session will either. ``warnings`` is what the service said besides."""

    mode: Mode
    listening: Listening = field(default_factory=Listening)
    heard: list[Heard] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problem: str = ""
    hopeless: bool = False


async def listen(service: Service, query: str, audio: Iterable[bytes], sent: Callable[[int], None]) -> Listened:
    """Send ``audio``, blocks of 100 ms, and end the session; ``sent`` is told of the ms that went out."""
    session = _Session(service, query, sent)
    try:
        await session.run(audio)
    except InvalidStatus as error:
        status = error.response.status_code
        session.fail(_refused(status), hopeless=status < 500 and status != 429)
    except (OSError, TimeoutError, WebSocketException) as error:
        what = str(error) or type(error).__name__
        session.fail(f"{urlsplit(service.url).netloc} cannot be reached ({what}).", hopeless=True)
    except RecordingError as error:
        session.fail(str(error))
    return session.result


class _Session:
    def __init__(self, service: Service, query: str, sent: Callable[[int], None]) -> None:
        self._service, self._query, self._tell = service, query, sent
        self._sent_ms = 0
        self._terminated = False
        self.result = Listened(service.mode)

    async def run(self, audio: Iterable[bytes]) -> None:
        self._fold(events.SttOpened(session=1, parameters=dict(parse_qsl(self._query))))
        service = self._service
        live = service.lead_ms == 0
        async with connect(
            f"{service.url}?{self._query}",
            additional_headers={"Authorization": service.key},
            open_timeout=_OPEN_S,
            # A stand-in that is given audio ahead of its time does not read a ping before all of it.
            ping_interval=20 if live else None,
            close_timeout=1,
            compression=None,
            max_size=_MAX_MESSAGE,
            proxy=None if urlsplit(service.url).hostname in LOOPBACK else True,
        ) as socket:
            hearing = asyncio.create_task(self._hear(socket))
            speaking = asyncio.create_task(self._speak(socket, audio))
            try:
                await asyncio.wait({hearing, speaking}, return_when=asyncio.FIRST_COMPLETED)
                if speaking.done():
                    speaking.result()
                if not self.result.problem:
                    async with asyncio.timeout(_STUCK_S + service.lead_ms / 1000):
                        with contextlib.suppress(ConnectionClosed):
                            await hearing
            except TimeoutError:
                self.fail("The session did not end after its last audio.")
            finally:
                for task in (hearing, speaking):
                    task.cancel()
                await asyncio.gather(hearing, speaking, return_exceptions=True)
        if not self._terminated:
            code, reason = socket.close_code, socket.close_reason
            self.fail(f"The connection closed in the middle ({reason or f'code {code}'}).")

    def fail(self, problem: str, hopeless: bool = False) -> None:
        """The first problem is the cause of what comes after it."""
        if not self.result.problem:
            self.result.problem, self.result.hopeless = problem, hopeless

    async def _speak(self, socket: ClientConnection, audio: Iterable[bytes]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            for block in audio:
                due = began + (self._sent_ms + BLOCK_MS - self._service.lead_ms) / 1000
                if (early := due - loop.time()) > 0:
                    await asyncio.sleep(early)
                async with asyncio.timeout(_STUCK_S):
                    await socket.send(block)
                self._sent_ms += BLOCK_MS
                self._tell(BLOCK_MS)
            await socket.send('{"type":"Terminate"}')
            self._fold(events.SttSent(session=1, message={"type": "Terminate"}))
        except ConnectionClosed:
            # The other task reads why.
            return
        except TimeoutError:
            self.fail(f"No audio was taken for {_STUCK_S:g} s.")

    async def _hear(self, socket: ClientConnection) -> None:
        async for data in socket:
            message = _object(data)
            kind = message.get("type")
            if kind == "Error":
                code, text = message.get("error_code"), str(message.get("error"))[:_MAX_TEXT]
                self.fail(f"{text} (code {code}).", hopeless=code == _UNAUTHORISED and _BUSY not in text)
            elif kind == "Warning":
                self._warn(str(message.get("warning"))[:_MAX_TEXT])
            elif kind == "Termination":
                self._terminated = True
                return
            elif kind == "Turn":
                self._fold(events.SttTurn(session=1, message=message, audio_ms=self._sent_ms))
            elif kind == "SpeechStarted":
                self._fold(events.SttSpeechStarted(session=1, message=message))
            elif kind == "Begin":
                self._fold(events.SttBegin(session=1, message=message))
                self._fold(events.SttIgnored(session=1, parameters=_ignored(message)))

    def _warn(self, text: str) -> None:
        if text not in self.result.warnings and len(self.result.warnings) < 10:
            self.result.warnings.append(text)

    def _fold(self, event: events.Event) -> None:
        event.mono = time.monotonic_ns()
        heard = turn_detection.hear(self.result.listening, event)
        # The fold forgets the oldest turns of a long call; all of them count here.
        if heard is not None and not any(heard is known for known in self.result.heard[-3:]):
            self.result.heard.append(heard)


def _object(data: str | bytes) -> dict[str, Any]:
    try:
        message = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return message if isinstance(message, dict) else {}


def _ignored(begin: dict[str, Any]) -> dict[str, str]:
    """What the stand-in does not play, with the reasons; AssemblyAI does not say."""
    told = begin.get("simulator")
    ignored = told.get("ignored") if isinstance(told, dict) else None
    if not isinstance(ignored, dict):
        return {}
    return {str(name): str(reason)[:_MAX_TEXT] for name, reason in ignored.items()}


def _refused(status: int) -> str:
    if status in (401, 403):
        return "AssemblyAI refused the key: check ASSEMBLYAI_API_KEY."
    return f"The connection was refused with HTTP {status}."

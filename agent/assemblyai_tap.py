"""The tap: a relay on loopback between any framework and AssemblyAI that sees every message under both.

A framework connects to ``/assemblyai/{token}/v3/ws?…`` of the agent; the tap opens the same query upstream with
the real key, so neither the framework nor its log ever holds it. Audio passes through untouched. Text is passed
on as it came and copied to the journal; close codes and reasons pass in both directions. That is the only place
where AssemblyAI's own Error texts can be seen: the frameworks drop them (pipecat 1.14
``services/assemblyai/stt.py`` knows four message types; livekit-plugins-assemblyai 1.8 raises a bare status).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from agent import events
from agent.events import Event

# Another try with the same settings cannot succeed: no authorisation, bad input, input the service refuses.
PERMANENT = frozenset({401, 403, 1008, 3006, 3007})
_TRIES_WITHOUT_WORDS = 3
_OPEN_S = 5.0
_LAST_WORDS_S = 2.0
_MAX_MESSAGE = 1024 * 1024
_KINDS: dict[str, type[Any]] = {
    "Begin": events.SttBegin,
    "SpeechStarted": events.SttSpeechStarted,
    "Turn": events.SttTurn,
    "Termination": events.SttTermination,
}


class Tap:
    """The tap of one call; a framework that reconnects comes back to the same one.

    Args:
        upstream: AssemblyAI's WebSocket address without a query, ``wss://streaming.assemblyai.com/v3/ws``.
        key: sent upstream as ``Authorization``.
        emit: takes the events.
        on_deaf: told once, in one sentence, when no further connection can bring words.
    """

    def __init__(
        self, upstream: str, key: str, emit: Callable[[Event], object], on_deaf: Callable[[str], None]
    ) -> None:
        self._upstream, self._key = upstream, key
        self._emit, self._on_deaf = emit, on_deaf
        self._failures = 0
        self._deaf = False
        self._closing = False
        self._connection: ClientConnection | None = None
        self.session = 0
        self.final_at = 0
        """When the last end-of-turn message passed, in monotonic nanoseconds."""
        self.final_confidence: float | None = None

    async def send(self, message: dict[str, Any]) -> bool:
        """Send a message of our own upstream, such as UpdateConfiguration; False when not connected."""
        if self._connection is None:
            return False
        await self._connection.send(msgspec.json.encode(message).decode())
        self._emit(events.SttSent(session=self.session, message=message))
        return True

    def close(self) -> None:
        """The call is ending: what fails from here on is not a failure."""
        self._closing = True

    async def serve(self, websocket: WebSocket) -> None:
        """Relay one connection of the framework until either side closes it."""
        self.session += 1
        session, query = self.session, websocket.url.query
        try:
            upstream = await self._open(query, websocket.headers.get("user-agent"))
        except InvalidStatus as error:
            status = error.response.status_code
            self._failed(session, status, _refusal(error))
            await websocket.send_denial_response(Response(status_code=status))
            return
        except (OSError, WebSocketException, TimeoutError) as error:
            host = urlsplit(self._upstream).netloc
            self._failed(session, 503, f"{host} cannot be reached ({error or type(error).__name__})")
            await websocket.send_denial_response(Response(status_code=503))
            return
        self._emit(events.SttOpened(session=session, parameters=dict(parse_qsl(query, keep_blank_values=True))))
        await websocket.accept()
        self._connection = upstream
        try:
            await self._relay(session, websocket, upstream)
        finally:
            self._connection = None

    async def _open(self, query: str, user_agent: str | None) -> ClientConnection:
        return await connect(
            f"{self._upstream}?{query}",
            additional_headers={"Authorization": self._key},
            user_agent_header=user_agent,
            open_timeout=_OPEN_S,
            close_timeout=1,
            compression=None,
            max_size=_MAX_MESSAGE,
            proxy=None if urlsplit(self._upstream).hostname in ("127.0.0.1", "localhost") else True,
        )

    async def _relay(self, session: int, websocket: WebSocket, upstream: ClientConnection) -> None:
        down = asyncio.create_task(self._from_service(session, upstream, websocket), name="tap-down")
        up = asyncio.create_task(self._from_framework(session, websocket, upstream), name="tap-up")
        await asyncio.wait({down, up}, return_when=asyncio.FIRST_COMPLETED)
        by = "service" if down.done() else "agent"
        if by == "agent":
            # The framework closed: the service's last words still belong in the journal.
            await asyncio.wait({down}, timeout=_LAST_WORDS_S)
        code, reason = 1011, ""
        for task in (down, up):
            task.cancel()
            try:
                closing = await task
            except asyncio.CancelledError:
                continue
            except Exception as error:
                self._failed(session, code, f"the relay failed: {error}")
                continue
            if closing is not None and task is (down if by == "service" else up):
                code, reason = closing
        self._emit(events.SttClosed(session=session, code=code, reason=reason, by=by))
        await upstream.close()
        if websocket.application_state == WebSocketState.CONNECTED:
            # The framework may close in the same moment, which is as good.
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await websocket.close(*_sendable(code, reason))

    async def _from_framework(
        self, session: int, websocket: WebSocket, upstream: ClientConnection
    ) -> tuple[int, str] | None:
        """Pass on what the framework sends; returns how it closed, None when the service closed first."""
        try:
            while True:
                message = await websocket.receive()
                if message["type"] == "websocket.disconnect":
                    closing = int(message.get("code") or 1005), str(message.get("reason") or "")
                    await upstream.close(*_sendable(*closing))
                    return closing
                audio = message.get("bytes")
                if audio is not None:
                    await upstream.send(audio)
                    continue
                text = message.get("text") or ""
                await upstream.send(text)
                self._emit(events.SttSent(session=session, message=_object(text)))
        except (ConnectionClosed, WebSocketDisconnect):
            return None

    async def _from_service(
        self, session: int, upstream: ClientConnection, websocket: WebSocket
    ) -> tuple[int, str] | None:
        """Pass on what the service sends; returns how it closed, None when the framework closed first."""
        error: tuple[int, str] | None = None
        terminated = False
        try:
            async for data in upstream:
                if isinstance(data, bytes):
                    await websocket.send_bytes(data)
                    continue
                message = _object(data)
                kind = message.get("type")
                if kind == "Error":
                    error = (_whole(message.get("error_code")), str(message.get("error")))
                elif kind == "Turn":
                    self._heard(message)
                terminated = terminated or kind == "Termination"
                await websocket.send_text(data)
                if kind != "Error":
                    self._emit(_KINDS.get(str(kind), events.SttOther)(session=session, message=message))
        except (WebSocketDisconnect, RuntimeError):
            return None
        except ConnectionClosed:
            pass
        code, reason = upstream.close_code or 1006, upstream.close_reason or ""
        if error is not None:
            self._failed(session, *error)
        elif not terminated and websocket.client_state == WebSocketState.CONNECTED:
            self._failed(session, code, reason or f"the connection closed without a word (code {code})")
        return code, reason

    def _heard(self, turn: dict[str, Any]) -> None:
        self._failures = 0
        if turn.get("end_of_turn"):
            self.final_at = time.monotonic_ns()
            confidence = turn.get("end_of_turn_confidence")
            self.final_confidence = confidence if isinstance(confidence, (int, float)) else None

    def _failed(self, session: int, code: int, text: str) -> None:
        if self._closing:
            return
        self._failures += 1
        final = code in PERMANENT or self._failures >= _TRIES_WITHOUT_WORDS
        self._emit(events.SttError(session=session, code=code, text=text, final=final))
        if final and not self._deaf:
            self._deaf = True
            self._on_deaf(f"Speech recognition is gone: {text} (code {code}).")


def _object(text: str) -> dict[str, Any]:
    try:
        message = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {"text": text[:2000]}
    return message if isinstance(message, dict) else {"value": message}


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _refusal(error: InvalidStatus) -> str:
    status = error.response.status_code
    if status in (401, 403):
        return "AssemblyAI refused the key: check ASSEMBLYAI_API_KEY"
    return f"AssemblyAI refused the connection with HTTP {status}"


def _sendable(code: int, reason: str) -> tuple[int, str]:
    """A code that may be sent: 1005 and 1006 only say that none was received."""
    return (1000 if code in (1005, 1006) else code), reason[:120]

"""One WebSocket of `/v3/ws`, once it is accepted."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final, NoReturn

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from simulator.assemblyai import errors, protocol
from simulator.assemblyai.audio_input import audio_input
from simulator.assemblyai.errors import SessionRefused
from simulator.assemblyai.limits import Limits
from simulator.assemblyai.protocol import ServerMessage
from simulator.assemblyai.session import Session
from simulator.assemblyai.settings import Settings
from simulator.assemblyai.tokens import PREFIX, Tokens
from simulator.faults import Fault, Faults
from simulator.speech.services import SpeechServices

SERVICE: Final = "assemblyai"
logger = logging.getLogger(__name__)


@dataclass
class StandIn:
    """What the connections share. `sessions` are open now."""

    speech: SpeechServices
    faults: Faults
    limits: Limits = field(default_factory=Limits)
    tokens: Tokens = field(default_factory=Tokens)
    sessions: int = 0

    @contextlib.contextmanager
    def place(self) -> Generator[None]:
        if self.sessions >= self.limits.sessions:
            raise SessionRefused(errors.TOO_MANY_SESSIONS, errors.DOCUMENTED[errors.TOO_MANY_SESSIONS])
        self.sessions += 1
        try:
            yield
        finally:
            self.sessions -= 1


class _NothingMore(Exception):
    """A fault silences the connection."""


class Connection:
    def __init__(self, socket: WebSocket, stand_in: StandIn) -> None:
        self._socket = socket
        self._stand_in = stand_in
        self._fault = stand_in.faults.take(SERVICE, "after_ms")
        self._loop = asyncio.get_running_loop()
        self._expires_at = inf
        """On the clock of the loop; then the session is refused with `_expired`."""
        self._expired = SessionRefused(errors.EXPIRED, errors.DOCUMENTED[errors.EXPIRED])

    async def serve(self) -> None:
        """Until the end of the session. Raises WebSocketDisconnect when the client hangs up without Terminate."""
        try:
            longest_seconds = self._authorise()
            with self._stand_in.place():
                await self._run(longest_seconds)
        except SessionRefused as refused:
            logger.warning("AssemblyAI session refused with %d: %r", refused.code, refused.text)
            await self._refuse(refused)
        except _NothingMore:
            await until_gone(self._socket)

    def _authorise(self) -> float:
        """Any key will do, as long as it is sent as the service wants it. Gives the seconds a session may last."""
        key = self._socket.headers.get("authorization", "").strip()
        token = self._socket.query_params.get("token", "")
        if not key and not token:
            raise SessionRefused(errors.UNAUTHORISED, errors.MISSING_KEY)
        # AssemblyAI's SDK sends a token as a key, and `None` where it has neither.
        if key == "None" or key.lower().startswith("bearer "):
            raise SessionRefused(errors.UNAUTHORISED, errors.INVALID_KEY)
        longest = self._stand_in.limits.session_seconds
        if key and not key.startswith(PREFIX):
            return longest
        return min(longest, self._stand_in.tokens.session_seconds(key or token))

    async def _run(self, longest_seconds: float) -> None:
        settings = Settings(self._socket.query_params.multi_items())
        session = await self._session(settings)
        logger.info("AssemblyAI session %s: begins, %s", session.id, settings.model.name)
        self._expires_at = self._loop.time() + longest_seconds
        fails_after = settings.model.fails_after
        if fails_after is not None and fails_after < longest_seconds:
            self._expires_at = self._loop.time() + fails_after
            self._expired = SessionRefused(errors.CANCELLED, errors.DOCUMENTED[errors.CANCELLED])
        try:
            await session.begin(longest_seconds)
            async with self._beating(session):
                while await self._receive(session, settings["inactivity_timeout"]):
                    self._fail_if_due(session.heard_ms)
            await session.terminate()
            await self._socket.close(errors.NORMAL_CLOSE, errors.ENDED_REASON)
        finally:
            await session.close()
            logger.info("AssemblyAI session %s: ended after %d ms of audio", session.id, session.heard_ms)

    async def _session(self, settings: Settings) -> Session:
        stand_in = self._stand_in
        encoding = settings["encoding"], settings["sample_rate"]
        audio = await asyncio.to_thread(audio_input, *encoding)
        try:
            recogniser = stand_in.speech.recogniser(audio.rate)
        except ValueError as error:
            raise errors.invalid("sample_rate", f"Value error, {error}") from error
        return Session(settings, recogniser, audio, stand_in.limits, self._send, self._final_delay_ms)

    async def _receive(self, session: Session, inactivity_seconds: int | None) -> bool:
        """Handle one message; False when it was Terminate."""
        message = await self._next(inactivity_seconds)
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        payload: bytes | None = message.get("bytes")
        text: str = message.get("text") or ""
        if len(payload if payload is not None else text.encode()) > self._stand_in.limits.message_bytes:
            raise SessionRefused(errors.TOO_BIG)
        if payload is not None:
            await session.audio(payload)
            return True
        action, fields = protocol.parse_client_message(text)
        if action == "ForceEndpoint":
            await session.force_endpoint()
        elif action == "UpdateConfiguration":
            await session.update(fields)
        return action != "Terminate"

    async def _next(self, inactivity_seconds: int | None) -> Any:
        now = self._loop.time()
        idle_at = inf if inactivity_seconds is None else now + inactivity_seconds
        # A message that waits already would be handed over without a look at the clock.
        if now >= self._expires_at:
            raise self._expired
        try:
            async with asyncio.timeout_at(min(idle_at, self._expires_at)):
                return await self._socket.receive()
        except TimeoutError:
            if self._expires_at <= idle_at:
                raise self._expired from None
            text = f"No messages received for {inactivity_seconds} seconds"
            raise SessionRefused(errors.INVALID_INPUT, f"Session terminated due to inactivity: {text}") from None

    @contextlib.asynccontextmanager
    async def _beating(self, session: Session) -> AsyncGenerator[None]:
        """Heartbeats for those who ask for them, on the wall's clock."""
        beating = asyncio.create_task(self._beat(session))
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.wait({beating})
            failure = None if beating.cancelled() else beating.exception()
            # Of a client that is gone the reader is told as well.
            if failure and not isinstance(failure, WebSocketDisconnect):
                raise failure

    async def _beat(self, session: Session) -> NoReturn:
        before = self._loop.time()
        while True:
            heard_ms = session.heard_ms
            await asyncio.sleep(self._stand_in.limits.heartbeat_seconds)
            now = self._loop.time()
            await session.heartbeat(heard_ms, now - before)
            before = now

    def _fail_if_due(self, heard_ms: int) -> None:
        """Show the fault once its time has come: an Error where there is a text for it, else a bare close."""
        fault = self._fault
        if fault is None or heard_ms < fault.after_ms:
            return
        if fault.code == 0:
            raise _NothingMore
        raise SessionRefused(fault.code, text_of(fault))

    def _final_delay_ms(self) -> int:
        fault = self._stand_in.faults.take(SERVICE, "final")
        return 0 if fault is None else fault.after_ms

    async def _send(self, message: ServerMessage) -> None:
        await self._socket.send_text(protocol.encode(message))

    async def _refuse(self, refused: SessionRefused) -> None:
        if self._socket.application_state is WebSocketState.CONNECTED:
            await refuse(self._socket, refused)


async def refuse(socket: WebSocket, refused: SessionRefused) -> None:
    """Close with an Error where there is something to say."""
    if refused.text:
        await socket.send_text(protocol.encode(protocol.Error(refused.code, refused.text)))
    await socket.close(refused.code, errors.ERROR_REASON if refused.text else None)


def text_of(fault: Fault) -> str | None:
    """What the service says with a fault's code."""
    return fault.text or errors.DOCUMENTED.get(fault.code)


async def until_gone(socket: WebSocket) -> NoReturn:
    """Say nothing more. Raises WebSocketDisconnect when the client gives up."""
    while (message := await socket.receive())["type"] != "websocket.disconnect":
        pass
    raise WebSocketDisconnect(message.get("code", 1005))

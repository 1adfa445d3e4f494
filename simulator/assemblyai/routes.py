"""The WebSocket that AssemblyAI's clients open: `/v3/ws`."""

from __future__ import annotations

import asyncio
import logging
from typing import NoReturn

from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from simulator.assemblyai import protocol
from simulator.assemblyai.parameters import Settings
from simulator.assemblyai.protocol import ServerMessage, SessionRefused
from simulator.assemblyai.session import Session, listed
from simulator.faults import Fault, Faults
from simulator.speech.services import SpeechServices

SERVICE = "assemblyai"
logger = logging.getLogger(__name__)


def routes(speech: SpeechServices, faults: Faults) -> list[BaseRoute]:
    """The v3 streaming API, hearing by `speech` and failing by `faults` of the service `assemblyai`."""

    async def stream(socket: WebSocket) -> None:
        fault = faults.take(SERVICE, "connect")
        try:
            if fault and not await _passes(socket, fault):
                return
            await socket.accept()
            await _Connection(socket, speech, faults.take(SERVICE, "after_ms")).serve()
        except WebSocketDisconnect:
            logger.info("AssemblyAI session: the client hung up without Terminate")

    return [WebSocketRoute("/v3/ws", stream)]


class _Hangup(Exception):
    """A fault ends the connection without a word."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class _Connection:
    """One accepted WebSocket."""

    def __init__(self, socket: WebSocket, speech: SpeechServices, fault: Fault | None) -> None:
        self._socket = socket
        self._speech = speech
        self._fault = fault

    async def serve(self) -> None:
        try:
            await self._run()
        except SessionRefused as refused:
            logger.warning("AssemblyAI session refused with %d: %r", refused.code, refused.text)
            await self._refuse(refused)
        except _Hangup as hangup:
            await self._socket.close(hangup.code)

    async def _run(self) -> None:
        _authorise(self._socket)
        settings = Settings(self._socket.query_params.multi_items())
        try:
            recogniser = self._speech.recogniser(settings["sample_rate"])
        except ValueError as error:
            text = f"User Input Validation Error: Invalid 'sample_rate': Value error, {error}"
            raise SessionRefused(protocol.INVALID_INPUT, text) from error
        session = Session(settings, recogniser, self._send)
        if settings.ignored:
            logger.info("AssemblyAI session %s: ignored %s", session.id, listed(settings.ignored))
        logger.info("AssemblyAI session %s: begins, %s", session.id, settings.model)
        try:
            await session.begin()
            while await self._receive(session, settings["inactivity_timeout"]):
                await self._fail_if_due(session.heard_ms)
            await session.terminate()
            await self._socket.close(protocol.NORMAL_CLOSE, protocol.ENDED_REASON)
        finally:
            await session.close()
            logger.info("AssemblyAI session %s: ended after %d ms of audio", session.id, session.heard_ms)

    async def _receive(self, session: Session, inactivity_seconds: int | None) -> bool:
        """Handle one message; False when it was Terminate."""
        try:
            async with asyncio.timeout(inactivity_seconds):
                message = await self._socket.receive()
        except TimeoutError:
            text = f"No messages received for {inactivity_seconds} seconds"
            raise SessionRefused(protocol.INVALID_INPUT, f"Session terminated due to inactivity: {text}") from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        if (payload := message.get("bytes")) is not None:
            await session.audio(payload)
            return True
        action, fields = protocol.parse_client_message(message["text"])
        if action == "ForceEndpoint":
            await session.force_endpoint()
        elif action == "UpdateConfiguration":
            await session.update(fields)
        return action != "Terminate"

    async def _fail_if_due(self, heard_ms: int) -> None:
        """Show the fault once its time has come: an Error where there is a text for it, else a bare close."""
        fault = self._fault
        if fault is None or heard_ms < fault.after_ms:
            return
        if fault.code == 0:
            await _until_gone(self._socket)
        elif text := _text(fault):
            raise SessionRefused(fault.code, text)
        raise _Hangup(fault.code)

    async def _send(self, message: ServerMessage) -> None:
        await self._socket.send_text(protocol.encode(message))

    async def _refuse(self, refused: SessionRefused) -> None:
        if self._socket.application_state is WebSocketState.CONNECTED:
            await self._send(protocol.Error(refused.code, refused.text))
            await self._socket.close(refused.code, protocol.ERROR_REASON)


def _authorise(socket: WebSocket) -> None:
    """Any key will do, as long as it is sent the way that the service wants it."""
    key = socket.headers.get("authorization", "").strip()
    if not key and not socket.query_params.get("token"):
        text = "Unauthorized Connection: Missing Authorization header"
        raise SessionRefused(protocol.UNAUTHORISED, text)
    if key.lower().startswith("bearer "):
        raise SessionRefused(protocol.UNAUTHORISED, protocol.DOCUMENTED[protocol.UNAUTHORISED])


async def _passes(socket: WebSocket, fault: Fault) -> bool:
    """Show a fault at connect; whether the connection is then served as usual."""
    await asyncio.sleep(fault.after_ms / 1000)
    if fault.code == 200:
        return True
    if fault.code == 0:
        await _until_gone(socket)
    elif fault.code < 1000:
        body = {"error": fault.text or "Refused by the simulator"}
        await socket.send_denial_response(JSONResponse(body, fault.code))
    else:
        await socket.accept()
        if text := _text(fault):
            await socket.send_text(protocol.encode(protocol.Error(fault.code, text)))
        await socket.close(fault.code, protocol.ERROR_REASON if text else None)
    return False


def _text(fault: Fault) -> str | None:
    return fault.text or protocol.DOCUMENTED.get(fault.code)


async def _until_gone(socket: WebSocket) -> NoReturn:
    """Say nothing more. Raises WebSocketDisconnect when the client gives up."""
    while (message := await socket.receive())["type"] != "websocket.disconnect":
        pass
    raise WebSocketDisconnect(message.get("code", 1005))

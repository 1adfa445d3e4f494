"""Deepgram's WebSocket route `/v1/speak`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from typing import Final

from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from simulator.deepgram.session import Closed, SpeakSession
from simulator.deepgram.wire import Refused, metadata, parse_parameters
from simulator.faults import Fault, Faults
from simulator.speech.services import SpeechServices

log = logging.getLogger(__name__)

_BAD_KEY: Final = "Invalid credentials."


def routes(speech: SpeechServices, faults: Faults) -> list[BaseRoute]:
    async def speak(socket: WebSocket) -> None:
        request_id = str(uuid.uuid4())
        scheme, _, key = socket.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("token", "bearer") or not key.strip():
            return await _refuse(socket, request_id, 401, "INVALID_AUTH", _BAD_KEY)
        try:
            parameters = parse_parameters(socket.query_params)
        except Refused as refused:
            return await _refuse(socket, request_id, 400, "Bad Request", str(refused))
        fault = faults.take("deepgram", "connect")
        if fault is not None and not await _passes(socket, request_id, fault):
            return None
        await socket.accept(headers=[(b"dg-request-id", request_id.encode())])

        async def send(message: str | bytes) -> None:
            await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_text(message))

        session = SpeakSession(parameters, speech.synthesiser, send, faults.take("deepgram", "after_ms"))
        await _serve(socket, session, metadata(request_id, parameters.model))
        return None

    return [WebSocketRoute("/v1/speak", speak)]


async def _serve(socket: WebSocket, session: SpeakSession, opening: str) -> None:
    """Say `opening` and carry one session until either side closes it."""
    tasks: set[asyncio.Task[None]] = set()
    try:
        await socket.send_text(opening)
        tasks = {asyncio.create_task(session.run()), asyncio.create_task(_receive(socket, session))}
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    except Closed as closed:
        # A client that says Close often closes the socket itself without waiting.
        with contextlib.suppress(WebSocketDisconnect):
            await socket.close(closed.code, _reason(closed.reason))
    except WebSocketDisconnect:
        log.debug("A text to speech client is gone.")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _receive(socket: WebSocket, session: SpeakSession) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        await session.receive(message.get("text") or "")


async def _passes(socket: WebSocket, request_id: str, fault: Fault) -> bool:
    """Show the fault; whether the connection is then accepted as usual."""
    await asyncio.sleep(fault.after_ms / 1000)
    if fault.code == 200:
        return True
    if fault.code == 0:
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass
    elif fault.code >= 1000:
        await socket.accept()
        await socket.close(fault.code, _reason(fault.text))
    else:
        await _refuse(socket, request_id, fault.code, "Service Unavailable", fault.text or "Service unavailable.")
    return False


def _reason(text: str) -> str:
    """A close reason holds 123 bytes of UTF-8."""
    return text.encode()[:123].decode(errors="ignore")


async def _refuse(socket: WebSocket, request_id: str, status: int, code: str, text: str) -> None:
    """An HTTP answer instead of the upgrade; Deepgram gives the reason in `dg-error` as well."""
    body = {"err_code": code, "err_msg": text, "request_id": request_id}
    header = text.encode("ascii", "replace").decode().replace("\n", " ")
    response = JSONResponse(body, status, headers={"dg-error": header, "dg-request-id": request_id})
    await socket.send_denial_response(response)

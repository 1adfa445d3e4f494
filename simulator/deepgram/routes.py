"""Deepgram's WebSocket route `/v1/speak`."""

from __future__ import annotations

import uuid
from typing import Final

from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from simulator.deepgram.session import SpeakSession
from simulator.deepgram.wire import Refused, metadata, parse_parameters
from simulator.faults import Faults
from simulator.speech.services import SpeechServices
from simulator.voice_socket import passes, sender, serve

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

        async def unavailable(status: int, text: str) -> None:
            await _refuse(socket, request_id, status, "Service Unavailable", text or "Service unavailable.")

        if not await passes(socket, faults.take("deepgram", "connect"), unavailable):
            return None
        await socket.accept(headers=[(b"dg-request-id", request_id.encode())])
        send = sender(socket)
        session = SpeakSession(parameters, speech.synthesiser, send, faults.take("deepgram", "after_ms"))

        async def run() -> None:
            await send(metadata(request_id, parameters.model))
            await session.run()

        await serve(socket, session.receive, run())
        return None

    return [WebSocketRoute("/v1/speak", speak)]


async def _refuse(socket: WebSocket, request_id: str, status: int, code: str, text: str) -> None:
    """An HTTP answer instead of the upgrade; Deepgram gives the reason in `dg-error` as well."""
    body = {"err_code": code, "err_msg": text, "request_id": request_id}
    header = text.encode("ascii", "replace").decode().replace("\n", " ")
    response = JSONResponse(body, status, headers={"dg-error": header, "dg-request-id": request_id})
    await socket.send_denial_response(response)

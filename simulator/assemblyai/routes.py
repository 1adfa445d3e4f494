"""What AssemblyAI's clients open: `/v3/ws`, `/v3/token`, and the retired `/v2/realtime/ws`."""

from __future__ import annotations

import asyncio
import logging

from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from simulator.assemblyai.connection import SERVICE, Connection, StandIn, refuse, text_of, until_gone
from simulator.assemblyai.errors import RETIRED, SessionRefused
from simulator.assemblyai.limits import Limits
from simulator.faults import Fault, Faults
from simulator.settings import SettingsError
from simulator.speech.services import SpeechServices

logger = logging.getLogger(__name__)


def routes(speech: SpeechServices, faults: Faults, limits: Limits | None = None) -> list[BaseRoute]:
    """The v3 streaming API, hearing by `speech` and failing by `faults` of the service `assemblyai`.

    Raises SettingsError when the environment sets limits that make no sense.
    """
    try:
        stand_in = StandIn(speech, faults, limits or Limits.from_environment())
    except ValueError as error:
        raise SettingsError(str(error)) from error

    async def stream(socket: WebSocket) -> None:
        fault = faults.take(SERVICE, "connect")
        try:
            if fault and not await _passes(socket, fault):
                return
            await socket.accept()
            await Connection(socket, stand_in).serve()
        except WebSocketDisconnect:
            logger.info("AssemblyAI session: the client hung up without Terminate")

    async def retired(socket: WebSocket) -> None:
        await socket.send_denial_response(JSONResponse({"error": RETIRED}, 410))

    return [
        WebSocketRoute("/v3/ws", stream),
        Route("/v3/token", stand_in.tokens.endpoint),
        WebSocketRoute("/v2/realtime/ws", retired),
    ]


async def _passes(socket: WebSocket, fault: Fault) -> bool:
    """Show a fault at connect; whether the connection is then served as usual."""
    await asyncio.sleep(fault.after_ms / 1000)
    if fault.code == 200:
        return True
    if fault.code == 0:
        await until_gone(socket)
    elif fault.code < 1000:
        body = {"error": fault.text or "Refused by the simulator"}
        await socket.send_denial_response(JSONResponse(body, fault.code))
    else:
        await socket.accept()
        await refuse(socket, SessionRefused(fault.code, text_of(fault)))
    return False

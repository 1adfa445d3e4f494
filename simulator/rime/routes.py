"""Rime's addresses: `/ws3`, `/ws2`, `/ws` and `/v1/rime-tts`.

`/ws` is two things at Rime, on different hosts: plain text, whose query names the voice, and WebSocket v1, whose
envelopes do.
"""

from __future__ import annotations

import asyncio
import importlib

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from simulator.faults import Faults
from simulator.rime.doors import check_key, refuse, text_for
from simulator.rime.http import synthesise
from simulator.rime.parameters import Refused, of_query, segment_of
from simulator.rime.session import RimeSession
from simulator.rime.speaking import Speaker
from simulator.speech.services import SpeechServices
from simulator.voice_socket import passes, sender, serve

_V1 = ("rime.v1.binary", "rime.v1.json")
_ONLY_MIST = "Model {} is not served at /ws2: use /ws3"


def routes(speech: SpeechServices, faults: Faults) -> list[BaseRoute]:
    async def json_socket(socket: WebSocket) -> None:
        await _voice(socket, plain=False)

    async def plain_socket(socket: WebSocket) -> None:
        offered = socket.scope.get("subprotocols") or []
        named = any(name in socket.query_params for name in ("speaker", "modelId", "audioFormat"))
        if any(name in _V1 for name in offered) or not named:
            await _v1(socket, offered)
        else:
            await _voice(socket, plain=True)

    async def _voice(socket: WebSocket, *, plain: bool) -> None:
        query = socket.query_params
        try:
            check_key(socket.headers)
            voicing = of_query(query)
            if socket.url.path.endswith("/ws2") and not voicing.model.startswith("mist"):
                raise Refused(400, _ONLY_MIST.format(voicing.model))
        except Refused as refused:
            return await refuse(socket, refused.status, str(refused))
        if not await connects(socket):
            return None
        await socket.accept()
        speaker = Speaker(speech.synthesiser, faults.take("rime", "after_ms"))
        session = RimeSession(voicing, segment_of(query), speaker, sender(socket), plain=plain)
        await serve(socket, session.receive, session.run())
        return None

    async def _v1(socket: WebSocket, offered: list[str]) -> None:
        try:
            check_key(socket.headers)
        except Refused as refused:
            return await refuse(socket, refused.status, str(refused))
        if not await connects(socket):
            return None
        chosen = next((name for name in offered if name in _V1), None)
        await asyncio.to_thread(importlib.import_module, "simulator.rime.v1_wire")
        from simulator.rime.v1_session import V1Session
        from simulator.rime.v1_wire import BINARY, Envelopes

        await socket.accept(subprotocol=chosen)
        speaker = Speaker(speech.synthesiser, faults.take("rime", "after_ms"))
        session = V1Session(Envelopes(binary=chosen == BINARY), speaker, sender(socket))
        await serve(socket, session.receive, session.run())
        return None

    async def connects(socket: WebSocket) -> bool:
        async def refuse_with(status: int, text: str) -> None:
            await refuse(socket, status, text or text_for(status))

        return await passes(socket, faults.take("rime", "connect"), refuse_with)

    async def over_http(request: Request) -> Response:
        return await synthesise(request, speech.synthesiser, faults)

    return [
        WebSocketRoute("/ws3", json_socket),
        WebSocketRoute("/ws2", json_socket),
        WebSocketRoute("/ws", plain_socket),
        Route("/v1/rime-tts", over_http, methods=["POST"]),
    ]

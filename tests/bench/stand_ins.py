"""Instant stand-ins for comparing agents: no thinking time, so that what is left is the agent's own.

AssemblyAI ends a turn 200 ms of audio after the last loud chunk; the LLM answers two fixed sentences at once; the
TTS gives a second of a tone at once for whatever it gets before a flush. Every time is taken in this one process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

_LOUD = 1000
_ENDS_MS = 200
_SENTENCE = "Sure, I can help you with that. What time?"


class StandIns:
    """One application for all of them; ``finals`` holds when each final Turn was sent (monotonic seconds)."""

    def __init__(self) -> None:
        self.finals: list[float] = []
        self.hang_ups = 0
        self.app = Starlette(
            routes=[
                WebSocketRoute("/v3/ws", self._assemblyai),
                WebSocketRoute("/v1/speak", self._deepgram),
                Route("/v1/chat/completions", self._openai, methods=["POST"]),
                Route("/v1/models", self._models),
                Route("/v2/calls/{call}/actions/hangup", self._hang_up, methods=["POST"]),
            ]
        )

    async def _assemblyai(self, websocket: WebSocket) -> None:
        rate = int(parse_qs(urlsplit(str(websocket.url)).query)["sample_rate"][0])
        await websocket.accept()
        await websocket.send_text(
            '{"type":"Begin","id":"00000000-0000-4000-8000-000000000000","expires_at":4000000000}'
        )
        quiet, turn, speaking = 0.0, 0, False
        with contextlib.suppress(WebSocketDisconnect):
            while (message := await websocket.receive())["type"] == "websocket.receive":
                audio = message.get("bytes")
                if audio is None:
                    if "Terminate" in (message.get("text") or ""):
                        await websocket.send_text(
                            '{"type":"Termination","audio_duration_seconds":1,"session_duration_seconds":1}'
                        )
                        await websocket.close(1000)
                        return
                    continue
                loud = np.abs(np.frombuffer(audio, np.int16)).max(initial=0) > _LOUD
                quiet = 0.0 if loud else quiet + len(audio) / 2 / rate * 1000
                if loud and not speaking:
                    speaking = True
                    await websocket.send_text('{"type":"SpeechStarted","timestamp":0,"confidence":0.9}')
                    await websocket.send_text(_turn(turn, final=False))
                elif speaking and quiet >= _ENDS_MS:
                    speaking = False
                    self.finals.append(time.monotonic())
                    await websocket.send_text(_turn(turn, final=True))
                    turn += 1

    async def _openai(self, request: Request) -> StreamingResponse:
        await request.body()
        return StreamingResponse(_tokens(), media_type="text/event-stream")

    async def _models(self, _request: Request) -> JSONResponse:
        return JSONResponse({"object": "list", "data": []})

    async def _hang_up(self, _request: Request) -> JSONResponse:
        self.hang_ups += 1
        return JSONResponse({"data": {"result": "ok"}})

    async def _deepgram(self, websocket: WebSocket) -> None:
        rate = int(parse_qs(urlsplit(str(websocket.url)).query)["sample_rate"][0])
        tone = (6000 * np.sin(np.arange(rate) * 2 * np.pi * 440 / rate)).astype(np.int16).tobytes()
        await websocket.accept()
        begun = False
        with contextlib.suppress(WebSocketDisconnect):
            while (message := await websocket.receive())["type"] == "websocket.receive":
                kind = json.loads(message.get("text") or "{}").get("type")
                if kind == "Speak":
                    # Some clients give sentences, some words.
                    if not begun:
                        await websocket.send_bytes(tone)
                    begun = True
                elif kind == "Flush":
                    begun = False
                    await websocket.send_text('{"type":"Flushed","sequence_id":0}')
                elif kind == "Clear":
                    await websocket.send_text('{"type":"Cleared","sequence_id":0}')
                elif kind == "Close":
                    await websocket.close(1000)
                    return


def _turn(order: int, *, final: bool) -> str:
    words = [{"start": 0, "end": 500, "text": "Hello.", "confidence": 0.9, "word_is_final": final}]
    return json.dumps(
        {
            "turn_order": order,
            "turn_is_formatted": final,
            "end_of_turn": final,
            "transcript": "Hello.",
            "end_of_turn_confidence": 1.0 if final else 0.0,
            "words": words,
            "utterance": "Hello." if final else "",
            "type": "Turn",
        }
    )


async def _tokens() -> AsyncIterator[str]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        body = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        return f"data: {json.dumps(body)}\n\n"

    yield chunk({"role": "assistant", "content": ""})
    for word in _SENTENCE.split(" "):
        yield chunk({"content": word + " "})
    yield chunk({}, "stop")
    yield "data: [DONE]\n\n"


@contextlib.asynccontextmanager
async def serving(app: Any) -> AsyncIterator[int]:
    """An application on a free port of this machine."""
    import socket

    import uvicorn

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, ws="websockets-sansio", lifespan="off", log_config=None))
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await task

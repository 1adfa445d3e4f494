"""The agent's routes, and nothing else: each checks who asks, reads the request and calls the agent.

A bearer token guards everything but ``/texml``, ``/webhooks`` and ``/media``, which prove themselves by
Telnyx's signature or a one-time token, and the tap, whose address is a secret of the call.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from agent import api, recordings
from agent.agent import Agent
from agent.call_state import CallState
from agent.carriers import texml
from agent.carriers.telnyx import BadWebhook, parse_webhook
from agent.limits import Refused
from agent.stream import Reader

MAX_BODY = 256 * 1024
UNAUTHORISED = 4401
_NO_TOKEN = "The token is missing or wrong: it is in agent.json in the data folder."
_LONGEST_NAME = 40
_WAV = "audio/wav"


def routes(agent: Agent) -> Starlette:
    """The ASGI application."""
    faces = _Faces(agent)
    return Starlette(
        routes=[
            Route("/health", faces.guarded(faces.health)),
            Route("/calls", faces.guarded(faces.calls)),
            Route("/calls", faces.guarded(faces.dial), methods=["POST"]),
            Route("/calls/{call}", faces.guarded(faces.call)),
            Route("/calls/{call}/hangup", faces.guarded(faces.hang_up), methods=["POST"]),
            Route("/calls/{call}/stt", faces.guarded(faces.tune), methods=["POST"]),
            Route("/calls/{call}/stt/save", faces.guarded(faces.save_tuning), methods=["POST"]),
            Route("/calls/{call}/operator", faces.guarded(faces.step_in), methods=["POST"]),
            Route("/calls/{call}/room", faces.guarded(faces.room), methods=["POST"]),
            Route("/calls/{call}/recording", faces.guarded(faces.recording)),
            Route("/calls/{call}/recording", faces.guarded(faces.record), methods=["POST"]),
            Route("/texml", faces.carrier(faces.texml), methods=["POST"]),
            Route("/texml/status", faces.carrier(faces.texml_status), methods=["POST"]),
            Route("/webhooks/telnyx", faces.carrier(faces.webhook), methods=["POST"]),
            WebSocketRoute("/events", faces.events),
            WebSocketRoute("/calls/{call}/audio", faces.audio),
            WebSocketRoute("/media/{token}", faces.media),
            WebSocketRoute("/assemblyai/{token}/v3/ws", faces.tap),
        ],
        exception_handlers={404: faces.not_found, 405: faces.not_found},
    )


def _json(body: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")


def _error(text: str, status: int) -> Response:
    return _json(api.ErrorBody(text), status)


class _Faces:
    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def guarded(self, face: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """A face for clients that hold the token; refusals and bad bodies become their answers here."""

        async def guard(request: Request) -> Response:
            if not self._allowed(request):
                return _error(_NO_TOKEN, 401)
            try:
                return await face(request)
            except Refused as refused:
                return _error(str(refused), refused.status)
            except msgspec.DecodeError as error:
                return _error(f"The request's body is wrong: {error}.", 400)

        return guard

    def carrier(
        self, face: Callable[[bytes, int, Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """A face for Telnyx: nothing is read before its signature was checked."""

        async def check(request: Request) -> Response:
            try:
                body = await _body(request)
                await self._agent.calls.opened()
                if not self._texml_token(request):
                    age_ms = self._agent.check(request.url.path, body, dict(request.headers))
                else:
                    age_ms = 0
                return await face(body, age_ms, request)
            except BadWebhook as error:
                return _error(f"Refused: {error}.", 403)
            except Refused as refused:
                return _error(str(refused), refused.status)

        return check

    def _allowed(self, connection: HTTPConnection) -> bool:
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        right = self._agent.settings.token.encode()
        return scheme.lower() == "bearer" and secrets.compare_digest(token.strip().encode(), right)

    def _texml_token(self, request: Request) -> bool:
        """Whether the carrier proved itself by the secret in its TeXML address instead of a signature."""
        right = self._agent.settings.texml_token
        given = request.query_params.get("token", "")
        is_texml = request.url.path.startswith("/texml")
        return bool(right) and is_texml and secrets.compare_digest(given.encode(), right.encode())

    async def not_found(self, request: HTTPConnection, _error_: Exception) -> Response:
        return _error(f"There is no {request.url.path} here.", 404)

    async def health(self, _request: Request) -> Response:
        return _json(self._agent.health())

    async def calls(self, _request: Request) -> Response:
        return _json(list(self._agent.stream.calls.values()))

    async def call(self, request: Request) -> Response:
        return _json(self._state(request))

    def _state(self, request: Request) -> CallState:
        state = self._agent.stream.calls.get(request.path_params["call"])
        if state is None:
            raise Refused(f"There is no call {request.path_params['call']}.", 404)
        return state

    async def dial(self, request: Request) -> Response:
        wanted = msgspec.json.decode(await _body(request), type=api.DialRequest)
        wanted.who = _client(wanted.who)
        call = await self._agent.dial(wanted)
        return _json(api.DialAnswer(call.id), 201)

    async def hang_up(self, request: Request) -> Response:
        body = await _body(request) or b"{}"
        who = msgspec.json.decode(body, type=api.HangupRequest).who
        await self._agent.calls.hang_up(request.path_params["call"], _client(who))
        return _json({})

    async def tune(self, request: Request) -> Response:
        wanted = msgspec.json.decode(await _body(request), type=api.TuneRequest)
        calls = self._agent.calls
        return _json(await calls.tuning.tune(calls.live(request.path_params["call"]), wanted, _client(wanted.who)))

    async def save_tuning(self, request: Request) -> Response:
        who = msgspec.json.decode(await _body(request) or b"{}", type=api.SaveRequest).who
        return _json(await self._agent.calls.tuning.save(self._state(request), _client(who)))

    async def step_in(self, request: Request) -> Response:
        wanted = msgspec.json.decode(await _body(request), type=api.StepInRequest)
        calls = self._agent.calls
        await calls.step_in.do(calls.live(request.path_params["call"]), wanted, _client(wanted.who))
        return _json({})

    async def room(self, request: Request) -> Response:
        wanted = msgspec.json.decode(await _body(request), type=api.RoomPassRequest)
        wanted.who = _client(wanted.who)
        call = self._agent.calls.live(request.path_params["call"])
        if self._agent.rooms is None:
            raise Refused("The agent takes no calls in rooms: start it with --rooms.", 409)
        return _json(self._agent.rooms.let_in(call, wanted))

    async def record(self, request: Request) -> Response:
        wanted = msgspec.json.decode(await _body(request), type=api.RecordingRequest)
        calls = self._agent.calls
        calls.recorders.do(calls.live(request.path_params["call"]), wanted, _client(wanted.who))
        return _json({})

    async def recording(self, request: Request) -> Response:
        call, files = request.path_params["call"], self._agent.recordings
        path = await asyncio.to_thread(files.find, call)
        if path is None:
            days = self._agent.settings.record_days
            why = f"it was not recorded, or was, more than {days:g} days ago"
            raise Refused(f"There is no recording of {call[:64]}: {why}.", 404)
        if files.is_open(call):
            await files.flush()
        if not files.is_open(call):
            return FileResponse(path, media_type=_WAV)
        size, content = await asyncio.to_thread(recordings.so_far, path)
        return StreamingResponse(content, media_type=_WAV, headers={"Content-Length": str(size)})

    async def texml(self, body: bytes, _age_ms: int, request: Request) -> Response:
        document = await self._agent.telnyx.answer(_form(body), request.query_params.get("band", "").lower())
        return Response(document, media_type=texml.CONTENT_TYPE)

    async def texml_status(self, body: bytes, age_ms: int, _request: Request) -> Response:
        self._agent.telnyx.texml_status(_form(body), age_ms)
        return _json({})

    async def webhook(self, body: bytes, age_ms: int, request: Request) -> Response:
        try:
            hook = parse_webhook(body)
        except BadWebhook as error:
            return _error(f"Refused: {error}.", 400)
        self._agent.telnyx.webhook(hook, age_ms)
        return _json({})

    async def events(self, websocket: WebSocket) -> None:
        if not self._allowed(websocket):
            await websocket.close(UNAUTHORISED)
            return
        after = websocket.query_params.get("from", "")
        who = websocket.query_params.get("who", "")
        await websocket.accept()
        reader = self._agent.stream.read(int(after) if after.isdecimal() and len(after) < 19 else None)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError), self._present(_client(who) if who else ""):
            leaving = asyncio.create_task(_end_with(websocket, reader))
            try:
                async for data in reader:
                    await websocket.send_text(data.decode())
                await websocket.close(1001)
            finally:
                leaving.cancel()
                reader.close()

    @contextlib.contextmanager
    def _present(self, who: str) -> Iterator[None]:
        step_in = self._agent.calls.step_in
        if not who:
            yield
            return
        step_in.present(who)
        try:
            yield
        finally:
            step_in.gone(who)

    async def audio(self, websocket: WebSocket) -> None:
        calls = self._agent.calls
        if not self._allowed(websocket):
            await websocket.send_denial_response(_error(_NO_TOKEN, 401))
            return
        try:
            call = calls.live(websocket.path_params["call"])
            await calls.listeners.serve(call, _client(websocket.query_params.get("who", "")), websocket)
        except Refused as refused:
            await websocket.send_denial_response(_error(str(refused), refused.status))

    async def media(self, websocket: WebSocket) -> None:
        await self._agent.telnyx.media(websocket.path_params["token"], websocket)

    async def tap(self, websocket: WebSocket) -> None:
        await self._agent.calls.serve_tap(websocket.path_params["token"], websocket)


async def _end_with(websocket: WebSocket, reader: Reader) -> None:
    """Close the reader when its client goes, which nothing that is sent would tell while nothing happens."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
    reader.close()


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > MAX_BODY:
                raise Refused(f"The request's body is larger than {MAX_BODY} bytes.", 413)
            parts.append(part)
    except ClientDisconnect as error:
        raise Refused("The request ended in the middle of its body.", 400) from error
    return b"".join(parts)


def _client(who: str) -> str:
    """The name of a client, fit for one line of a screen; what the agent does by itself is told from it."""
    name = "".join(letter for letter in who if letter.isprintable()).strip()[:_LONGEST_NAME]
    return name if name not in ("", "agent") else "api"


def _form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))

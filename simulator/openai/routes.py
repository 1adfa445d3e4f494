"""OpenAI's HTTP routes: `/v1/chat/completions` and `/v1/models`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from simulator.faults import Faults
from simulator.http_body import BodyError, read_body
from simulator.http_fault import show
from simulator.openai.dialogue import reply
from simulator.openai.wire import Completion, OpenAIError, parse_request

_MAX_BODY_BYTES: Final = 8 * 1024 * 1024
_MODELS: Final = ("gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini")
_SERVER_ERROR: Final = "The server had an error while processing your request. Sorry about that!"

Handler = Callable[[Request], Awaitable[Response]]


def routes(faults: Faults) -> list[BaseRoute]:
    async def chat(request: Request) -> Response:
        _authenticate(request)
        body = await _body(request)
        await show(faults.take("openai", "request"), request, _failure)
        asked = parse_request(body)
        completion = Completion(asked, reply(asked.messages, asked.tools, date.today()), int(time.time()))
        if asked.stream:
            return StreamingResponse(completion.chunks(), media_type="text/event-stream")
        return JSONResponse(completion.whole())

    async def models(request: Request) -> Response:
        _authenticate(request)
        return JSONResponse({"object": "list", "data": [_model(name) for name in _MODELS]})

    return [
        Route("/v1/chat/completions", _answering(chat), methods=["POST"]),
        Route("/v1/models", _answering(models), methods=["GET"]),
    ]


def _answering(handler: Handler) -> Handler:
    """Put refusals in OpenAI's shape."""

    async def endpoint(request: Request) -> Response:
        try:
            return await handler(request)
        except OpenAIError as error:
            return JSONResponse(error.body(), error.status)

    return endpoint


def _authenticate(request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        detail = "You didn't provide an API key: send it in an Authorization header as `Bearer YOUR_KEY`."
        raise OpenAIError(401, detail, code="invalid_api_key")


async def _body(request: Request) -> bytes:
    try:
        return await read_body(request, _MAX_BODY_BYTES)
    except BodyError as error:
        raise OpenAIError(400, str(error)) from None


def _failure(status: int, text: str) -> OpenAIError:
    kind = {401: "invalid_request_error", 429: "rate_limit_error"}.get(status, "server_error")
    return OpenAIError(status, text or _SERVER_ERROR, kind=kind)


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 1_744_000_000, "owned_by": "simulator"}

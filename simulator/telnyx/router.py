"""One REST path: the key, the method, the body, and refusals in Telnyx's shape."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.http_body import BodyError, read_body
from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.requests.body import decode_object

log = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 1_048_576
METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]

Handler = Callable[[Request], Awaitable[Any]]
"""Takes a request, returns what is sent as JSON with status 200, or a Response."""


class Router:
    """Makes routes below `/v2` that all check the same key."""

    def __init__(self, api_key: str | None) -> None:
        """`api_key` None: any key will do, but there must be one."""
        self._api_key = api_key

    def route(self, path: str, **handlers: Handler) -> Route:
        """`handlers` by method, such as `GET=read, POST=create`; another method is refused with 405."""
        # Without methods of its own a route gets every request, so that each refusal is Telnyx's.
        return Route(path, self._answering(handlers), methods=[])

    def _answering(self, handlers: dict[str, Handler]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                self._authenticate(request)
                handler = handlers.get("GET" if request.method == "HEAD" else request.method)
                if handler is None:
                    raise TelnyxError(Code.METHOD_NOT_ALLOWED, f"{request.method} is not allowed here.")
                answer = await handler(request)
            except TelnyxError as error:
                return JSONResponse(error.body(), error.code.status, headers=error.headers)
            except Exception as error:
                log.exception("%s %s failed.", request.method, request.url.path)
                unexpected = TelnyxError(Code.INTERNAL_ERROR, f"The simulator failed: {type(error).__name__}.")
                return JSONResponse(unexpected.body(), unexpected.code.status)
            return answer if isinstance(answer, Response) else JSONResponse(answer)

        return endpoint

    def _authenticate(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip()
        good = scheme.lower() == "bearer" and bool(key)
        if good and self._api_key is not None:
            good = hmac.compare_digest(key.encode(), self._api_key.encode())
        if not good:
            raise TelnyxError(
                Code.AUTHENTICATION_FAILED, "No key found matching the ID: send Authorization: Bearer <key>."
            )


async def raw_body(request: Request) -> bytes:
    try:
        return await read_body(request, MAX_BODY_BYTES)
    except BodyError as error:
        raise TelnyxError(Code.BAD_REQUEST, str(error)) from None


async def json_body(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises TelnyxError."""
    return decode_object(await raw_body(request))

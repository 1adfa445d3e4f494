"""`/sim`: what tests and the console ask of the simulator itself. Every request needs the bearer token."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from simulator.addresses import is_url
from simulator.caller.demo import DEMO
from simulator.caller.script import ScriptError, parse_script
from simulator.faults import Fault, Faults
from simulator.http_body import BodyError, read_body
from simulator.speech.services import SpeechServices
from simulator.telnyx.calls.exchange import Exchange, ExchangeFull, IncomingCall
from simulator.telnyx.requests.calls import is_e164

_MAX_BODY_BYTES: Final = 262_144
_MAX_WAIT_MS: Final = 600_000
_SERVICES: Final = ("assemblyai", "openai", "deepgram")

Handler = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class CallOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A caller who is to dial in: POST /sim/calls. `script` None leaves it to the demo's caller."""

    texml_url: str
    from_number: str = msgspec.field(name="from")
    to_number: str = msgspec.field(name="to")
    texml_method: Literal["GET", "POST"] = "POST"
    status_callback: str | None = None
    script: dict[str, Any] | None = None


class FaultOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault to show: POST /sim/faults."""

    service: str
    fault: Fault


def routes(
    *,
    token: str,
    version: str,
    environment: Callable[[], Mapping[str, str]],
    exchange: Exchange,
    speech: SpeechServices,
    faults: Faults,
) -> list[BaseRoute]:
    async def health(request: Request) -> Response:
        return JSONResponse(
            {
                "status": "ok",
                "pid": os.getpid(),
                "version": version,
                "speech": _speech(speech),
                "calls": exchange.live,
            }
        )

    async def read_environment(request: Request) -> Response:
        return JSONResponse(dict(environment()))

    async def put_number(request: Request) -> Response:
        number = request.path_params["number"]
        if not is_e164(number):
            raise _Refused(422, f"{number[:40]!r} is not a phone number in +E164 format.")
        order = await _body(request, dict[str, Any])
        keep = order.pop("keep", False)
        if not isinstance(keep, bool):
            raise _Refused(422, "keep must be true or false.")
        exchange.answer_at(number, parse_script(order), keep)
        return Response(status_code=204)

    async def post_call(request: Request) -> Response:
        call = exchange.dial_in(_incoming(await _body(request, CallOrder)))
        return JSONResponse({"call_control_id": call.id}, 201)

    async def get_call(request: Request) -> Response:
        call = exchange.find(request.path_params["call_control_id"])
        if call is None:
            raise _Refused(404, "There is no such call; the last 200 are kept.")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_wait_ms(request) / 1000):
                await call.over.wait()
        return JSONResponse(call.report())

    async def post_fault(request: Request) -> Response:
        order = await _body(request, FaultOrder)
        if order.service not in _SERVICES:
            raise _Refused(422, f"service must be one of {', '.join(_SERVICES)}, not {order.service[:40]!r}.")
        faults.set(order.service, order.fault)
        return Response(status_code=204)

    async def delete_faults(request: Request) -> Response:
        faults.clear()
        return Response(status_code=204)

    def route(path: str, handlers: dict[str, Handler]) -> Route:
        return Route(path, _answering(token, handlers), methods=["GET", "POST", "PUT", "PATCH", "DELETE"])

    return [
        Mount(
            "/sim",
            routes=[
                route("/health", {"GET": health}),
                route("/environment", {"GET": read_environment}),
                route("/numbers/{number}", {"PUT": put_number}),
                route("/calls", {"POST": post_call}),
                route("/calls/{call_control_id}", {"GET": get_call}),
                route("/faults", {"POST": post_fault, "DELETE": delete_faults}),
                route("/{rest:path}", {}),
            ],
        )
    ]


def _answering(token: str, handlers: dict[str, Handler]) -> Handler:
    """One path: check the token, pick the handler by method, and put refusals in one shape."""

    async def endpoint(request: Request) -> Response:
        try:
            _authenticate(request, token)
            handler = handlers.get(request.method)
            if handler is None:
                raise _Refused(404, f"The simulator has no {request.method} {request.url.path}.")
            return await handler(request)
        except _Refused as refused:
            return _error(refused.status, str(refused))
        except ScriptError as error:
            return _error(422, str(error))
        except ExchangeFull as full:
            return _error(503, str(full))

    return endpoint


def _speech(speech: SpeechServices) -> dict[str, str | None]:
    rough = speech.general.why_not or "Other speech is heard roughly, by pocketsphinx."
    return {
        "voice": "espeak-ng" if speech.synthesiser.available else None,
        "why_not": speech.synthesiser.why_not,
        "recogniser": f"Lines of running scripts are recognised from their audio. {rough}",
    }


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": {"message": message}}, status)


def _authenticate(request: Request, token: str) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), token.encode()):
        raise _Refused(401, "Send the token of simulator.json as Authorization: Bearer <token>.")


async def _body(request: Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await read_body(request, _MAX_BODY_BYTES), type=kind)
    except BodyError as error:
        raise _Refused(413, str(error)) from None
    except msgspec.ValidationError as error:
        raise _Refused(422, f"The request is not valid: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Refused(400, f"The request body is not valid JSON: {error}.") from None


def _wait_ms(request: Request) -> int:
    value = request.query_params.get("wait_ms", "0")
    if len(value) > 6 or not (value.isascii() and value.isdigit()) or int(value) > _MAX_WAIT_MS:
        raise _Refused(422, f"wait_ms must be a number of milliseconds up to {_MAX_WAIT_MS}.")
    return int(value)


def _incoming(order: CallOrder) -> IncomingCall:
    for name, number in (("from", order.from_number), ("to", order.to_number)):
        if not is_e164(number):
            raise _Refused(422, f"{name} must be a phone number in +E164 format, not {number[:40]!r}.")
    for name, url in (("texml_url", order.texml_url), ("status_callback", order.status_callback)):
        if url is not None and not is_url(url, ("http", "https")):
            raise _Refused(422, f"{name} must be an http(s) address, not {url[:80]!r}.")
    return IncomingCall(
        from_number=order.from_number,
        to_number=order.to_number,
        texml_url=order.texml_url,
        texml_method=order.texml_method,
        status_callback=order.status_callback,
        script=DEMO if order.script is None else parse_script(order.script),
    )

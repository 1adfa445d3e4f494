"""The routes of `/sim`. Every request needs the bearer token."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from simulator.caller.presets import PRESETS
from simulator.caller.script import ScriptError
from simulator.control.orders import SERVICES, CallOrder, FaultOrder, OrderError, check_number, number_order
from simulator.control.probes import Probes
from simulator.control.token import NO_TOKEN, bears
from simulator.faults import Faults
from simulator.http_body import BodyError, read_body
from simulator.speech.services import SpeechServices
from simulator.telnyx.calls.exchange import Exchange, ExchangeFull, Waiting
from simulator.telnyx.calls.incoming import NoSuchConnection, Reception
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.webhooks.delivery import Webhooks
from simulator.telnyx.webhooks.disorder import Disorder

_MAX_BODY_BYTES: Final = 262_144
_MAX_WAIT_MS: Final = 600_000

Handler = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Controlled:
    """What `/sim` controls."""

    token: str
    version: str
    environment: Callable[[], Mapping[str, str]]
    exchange: Exchange
    reception: Reception
    webhooks: Webhooks
    speech: SpeechServices
    faults: Faults
    probes: Probes


def routes(controlled: Controlled) -> list[BaseRoute]:
    exchange, faults, probes = controlled.exchange, controlled.faults, controlled.probes

    async def health(request: Request) -> Response:
        return JSONResponse(
            {
                "status": "ok",
                "pid": os.getpid(),
                "version": controlled.version,
                "speech": _speech(controlled.speech),
                "calls": exchange.live,
                "punctuality": msgspec.to_builtins(exchange.facilities.wheel.punctuality),
            }
        )

    async def read_environment(request: Request) -> Response:
        return JSONResponse(dict(controlled.environment()))

    async def presets(request: Request) -> Response:
        return JSONResponse(
            [{"name": one.name, "number": one.number, "summary": one.summary} for one in PRESETS.values()]
        )

    async def put_number(request: Request) -> Response:
        number = request.path_params["number"]
        check_number("number", number)
        order = number_order(await _body(request, dict[str, Any]))
        exchange.answer_at(number, Waiting(order.who(), order.faults, order.record_to, order.keep, order.noise))
        return Response(status_code=204)

    async def post_call(request: Request) -> Response:
        order = await _body(request, CallOrder)
        order.check()
        answerer = exchange.answerer(order.who(), order.faults, codec=order.telephone(), noise=order.noise)
        leg = controlled.reception.dial_in(order.placed(answerer))
        if order.probe:
            probes.start(leg, order.texml_url, order.connection_id)
        return JSONResponse({"call_control_id": leg.id}, 201)

    async def list_calls(request: Request) -> Response:
        return JSONResponse([leg.report() for leg in exchange.all_legs()])

    async def get_call(request: Request) -> Response:
        leg = exchange.find(request.path_params["call_control_id"])
        if leg is None:
            raise _Refused(404, "There is no such call; the last 200 are kept.")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_wait_ms(request) / 1000):
                await _settled(leg, probes)
        return JSONResponse(leg.report())

    async def delete_call(request: Request) -> Response:
        """The person at the simulated telephone hangs up."""
        leg = exchange.find(request.path_params["call_control_id"])
        if leg is None:
            raise _Refused(404, "There is no such call; the last 200 are kept.")
        leg.party_hangs_up()
        return Response(status_code=204)

    async def post_fault(request: Request) -> Response:
        order = await _body(request, FaultOrder)
        if order.service not in SERVICES:
            raise _Refused(422, f"service must be one of {', '.join(SERVICES)}, not {order.service[:40]!r}.")
        faults.set(order.service, order.fault)
        return Response(status_code=204)

    async def delete_faults(request: Request) -> Response:
        faults.clear()
        return Response(status_code=204)

    async def put_disorder(request: Request) -> Response:
        controlled.webhooks.disturb(await _body(request, Disorder))
        return Response(status_code=204)

    async def delete_disorder(request: Request) -> Response:
        controlled.webhooks.disturb(Disorder())
        return Response(status_code=204)

    def route(path: str, **handlers: Handler) -> Route:
        return Route(
            path, _answering(controlled.token, handlers), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]
        )

    return [
        Mount(
            "/sim",
            routes=[
                route("/health", GET=health),
                route("/environment", GET=read_environment),
                route("/presets", GET=presets),
                route("/numbers/{number}", PUT=put_number),
                route("/calls", POST=post_call, GET=list_calls),
                route("/calls/{call_control_id}", GET=get_call, DELETE=delete_call),
                route("/faults", POST=post_fault, DELETE=delete_faults),
                route("/webhooks/disorder", PUT=put_disorder, DELETE=delete_disorder),
                route("/{rest:path}"),
            ],
        )
    ]


async def _settled(leg: CallLeg, probes: Probes) -> None:
    await leg.over.wait()
    await probes.finished(leg)


def _answering(token: str, handlers: dict[str, Handler]) -> Handler:
    """One path: check the token, pick the handler by method, and put refusals in one shape."""

    async def endpoint(request: Request) -> Response:
        try:
            if not bears(request, token):
                raise _Refused(401, NO_TOKEN)
            handler = handlers.get(request.method)
            if handler is None:
                raise _Refused(404, f"The simulator has no {request.method} {request.url.path}.")
            return await handler(request)
        except _Refused as refused:
            return _error(refused.status, str(refused))
        except (ScriptError, OrderError, NoSuchConnection) as error:
            return _error(422, str(error))
        except ExchangeFull as full:
            return _error(503, str(full))

    return endpoint


def _speech(speech: SpeechServices) -> dict[str, str | None]:
    return {
        "voice": "espeak-ng" if speech.synthesiser.available else None,
        "why_not": speech.synthesiser.why_not,
        "recogniser": f"Lines of running scripts are recognised from their audio. {speech.general.description}",
    }


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": {"message": message}}, status)


async def _body(request: Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await read_body(request, _MAX_BODY_BYTES), type=kind)
    except BodyError as error:
        raise _Refused(413, str(error)) from None
    except msgspec.ValidationError as error:
        raise _Refused(422, f"The request is not valid: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _Refused(400, f"The request body is not valid JSON: {error}.") from None


def _wait_ms(request: Request) -> int:
    value = request.query_params.get("wait_ms", "0")
    if len(value) > 6 or not (value.isascii() and value.isdigit()) or int(value) > _MAX_WAIT_MS:
        raise _Refused(422, f"wait_ms must be a number of milliseconds up to {_MAX_WAIT_MS}.")
    return int(value)

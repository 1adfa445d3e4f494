"""Telnyx's REST routes below `/v2`, so that `TELNYX_BASE_URL=http://127.0.0.1:PORT/v2` is all a client needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from simulator.http_body import BodyError, read_body
from simulator.telnyx.calls.exchange import Exchange, ExchangeFull
from simulator.telnyx.calls.leg import Call
from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.identifiers import timestamp
from simulator.telnyx.requests.calls import (
    COMMAND_ACCEPTED,
    call_resource,
    check_call_control_id,
    decode_object,
    parse_command,
    parse_dial,
)

_MAX_BODY_BYTES: Final = 262_144
_KEPT_SECONDS: Final = 600
"""A call can be read for 10 minutes after its end (Telnyx API reference, "Retrieve a call status")."""

Handler = Callable[[Request], Awaitable[dict[str, Any]]]


def routes(exchange: Exchange) -> list[BaseRoute]:
    async def dial(request: Request) -> dict[str, Any]:
        dialled = parse_dial(decode_object(await _body(request)))
        try:
            call = exchange.dial(dialled)
        except ExchangeFull as full:
            raise TelnyxError(Code.USER_CHANNEL_LIMIT, f"User channel limit exceeded D1. {full}") from None
        return _dialled(call)

    async def retrieve(request: Request) -> dict[str, Any]:
        return _resource(_known(exchange, request))

    async def hang_up(request: Request) -> dict[str, Any]:
        command = parse_command(decode_object(await _body(request)))
        if exchange.recent(command.command_id) is not None:
            return COMMAND_ACCEPTED
        call = _known(exchange, request)
        if call.hangup is not None:
            raise TelnyxError(Code.CALL_ENDED, "The call is no longer active and can not receive commands.")
        if command.client_state is not None:
            call.set_client_state(command.client_state)
        exchange.remember(command.command_id, call)
        call.application_hangs_up()
        return COMMAND_ACCEPTED

    async def unknown(request: Request) -> dict[str, Any]:
        detail = f"The simulator does not play {request.method} {request.url.path}."
        raise TelnyxError(Code.NOT_FOUND, detail)

    everything = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return [
        Mount(
            "/v2",
            routes=[
                Route("/calls", _answering({"POST": dial}), methods=everything),
                Route("/calls/{call_control_id}", _answering({"GET": retrieve}), methods=everything),
                Route(
                    "/calls/{call_control_id}/actions/hangup", _answering({"POST": hang_up}), methods=everything
                ),
                Route("/{rest:path}", _answering(dict.fromkeys(everything, unknown)), methods=everything),
            ],
        )
    ]


def _answering(handlers: dict[str, Handler]) -> Callable[[Request], Awaitable[Response]]:
    """One path: check the key, pick the handler by method, and put refusals in Telnyx's shape."""

    async def endpoint(request: Request) -> Response:
        try:
            _authenticate(request)
            handler = handlers.get(request.method)
            if handler is None:
                raise TelnyxError(Code.METHOD_NOT_ALLOWED, f"{request.method} is not allowed here.")
            return JSONResponse(await handler(request))
        except TelnyxError as error:
            return JSONResponse(error.body(), error.code.status)

    return endpoint


def _authenticate(request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise TelnyxError(
            Code.AUTHENTICATION_FAILED, "No key found matching the ID: send Authorization: Bearer <key>."
        )


async def _body(request: Request) -> bytes:
    try:
        return await read_body(request, _MAX_BODY_BYTES)
    except BodyError as error:
        raise TelnyxError(Code.BAD_REQUEST, str(error)) from None


def _known(exchange: Exchange, request: Request) -> Call:
    call_control_id = request.path_params["call_control_id"]
    check_call_control_id(call_control_id)
    call = exchange.find(call_control_id)
    if call is None or _forgotten(call):
        raise TelnyxError(Code.NOT_FOUND, "The requested call could not be found.")
    return call


def _forgotten(call: Call) -> bool:
    return call.ended_at is not None and (datetime.now(UTC) - call.ended_at).total_seconds() > _KEPT_SECONDS


def _dialled(call: Call) -> dict[str, Any]:
    """Dialling is asynchronous, so the call is never alive yet."""
    return call_resource(call.facts.ids, client_state=call.facts.client_state, is_alive=False)


def _resource(call: Call) -> dict[str, Any]:
    until = call.ended_at or datetime.now(UTC)
    return call_resource(
        call.facts.ids,
        client_state=call.facts.client_state,
        is_alive=call.hangup is None,
        call_duration=int((until - (call.answered_at or until)).total_seconds()),
        start_time=timestamp(call.facts.started_at),
        end_time=None if call.ended_at is None else timestamp(call.ended_at),
    )

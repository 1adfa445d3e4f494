"""Calls: dial, look, command."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.routing import BaseRoute

from simulator.telnyx.calls.exchange import Exchange, ExchangeFull
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.calls.outgoing import Originator
from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.identifiers import timestamp
from simulator.telnyx.paging import cursor_paged
from simulator.telnyx.requests.answers import COMMAND_ACCEPTED, call_resource
from simulator.telnyx.requests.commands import COMMANDS, check_call_control_id, parse_action
from simulator.telnyx.requests.dial import parse_dial
from simulator.telnyx.rest.actions import perform
from simulator.telnyx.router import Router, json_body

_KEPT_SECONDS: Final = 600
"""A call can be read for 10 minutes after its end (Telnyx API reference, "Retrieve a call status")."""


def routes(router: Router, exchange: Exchange) -> list[BaseRoute]:
    originator = Originator(exchange)
    history = exchange.facilities.webhooks.history

    async def dial(request: Request) -> dict[str, Any]:
        dialled = parse_dial(await json_body(request))
        try:
            leg = originator.dial(dialled)
        except ExchangeFull as full:
            raise TelnyxError(Code.USER_CHANNEL_LIMIT, f"User channel limit exceeded D1. {full}") from None
        history.command(leg.facts, "call.dial", {})
        # Dialling is asynchronous, so the call is never alive yet.
        return call_resource(
            leg.facts.ids,
            client_state=leg.facts.client_state,
            is_alive=False,
            recording_id=leg.recording_id,
        )

    async def retrieve(request: Request) -> dict[str, Any]:
        return _resource(known(exchange, request.path_params["call_control_id"]))

    async def command(request: Request) -> dict[str, Any]:
        name = request.path_params["name"]
        spec = COMMANDS.get(name)
        if spec is not None and spec.method != request.method:
            raise TelnyxError(Code.METHOD_NOT_ALLOWED, f"{request.method} is not allowed here.")
        call_control_id = request.path_params["call_control_id"]
        check_call_control_id(call_control_id)
        parsed = parse_action(name, await json_body(request))
        leg = known(exchange, call_control_id)
        key = None if parsed.command_id is None else f"{leg.id}/{parsed.command_id}"
        if exchange.recent(key) is not None:
            return COMMAND_ACCEPTED
        more = perform(exchange, leg, parsed)
        exchange.remember(key, leg)
        history.command(leg.facts, f"call.{name}", {})
        return {"data": {"result": "ok", **more}}

    async def active_calls(request: Request) -> dict[str, Any]:
        legs = exchange.legs_of(request.path_params["connection_id"])
        items = [_active(leg) for leg in legs]
        return cursor_paged(items, request.query_params.multi_items(), _control_id, request.url.path)

    return [
        router.route("/calls", POST=dial),
        router.route("/calls/{call_control_id}", GET=retrieve),
        router.route("/calls/{call_control_id}/actions/{name}", POST=command, PUT=command),
        router.route("/connections/{connection_id}/active_calls", GET=active_calls),
    ]


def known(exchange: Exchange, call_control_id: str) -> CallLeg:
    """A call that can still be read. Raises TelnyxError."""
    check_call_control_id(call_control_id)
    leg = exchange.find(call_control_id)
    if leg is None or _forgotten(leg):
        raise TelnyxError(Code.NOT_FOUND, "The requested call could not be found.")
    return leg


def _forgotten(leg: CallLeg) -> bool:
    return leg.ended_at is not None and (datetime.now(UTC) - leg.ended_at).total_seconds() > _KEPT_SECONDS


def _seconds(leg: CallLeg) -> int:
    until = leg.ended_at or datetime.now(UTC)
    return int((until - (leg.answered_at or until)).total_seconds())


def _resource(leg: CallLeg) -> dict[str, Any]:
    return call_resource(
        leg.facts.ids,
        client_state=leg.facts.client_state,
        is_alive=leg.hangup is None,
        call_duration=_seconds(leg),
        start_time=timestamp(leg.facts.started_at),
        end_time=None if leg.ended_at is None else timestamp(leg.ended_at),
    )


def _control_id(item: dict[str, Any]) -> str:
    return item["call_control_id"]


def _active(leg: CallLeg) -> dict[str, Any]:
    ids = leg.facts.ids
    return {
        "record_type": "call",
        "call_control_id": ids.call_control_id,
        "call_leg_id": ids.call_leg_id,
        "call_session_id": ids.call_session_id,
        "client_state": leg.facts.client_state or "",
        "call_duration": _seconds(leg),
    }

"""TeXML's REST paths below `/v2/texml`.

Source: Telnyx API reference, "TeXML REST Commands"; paths of the telnyx package 4.189 (`resources/texml`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.routing import BaseRoute

from simulator.telnyx.calls import commands
from simulator.telnyx.calls.exchange import Exchange, ExchangeFull
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.calls.texml_calls import TexmlOriginator
from simulator.telnyx.errors import Code, TelnyxError, TexmlNotFound
from simulator.telnyx.paging import query_error
from simulator.telnyx.requests import texml_calls, texml_updates
from simulator.telnyx.requests.body import decode_body
from simulator.telnyx.requests.fields import Object
from simulator.telnyx.rest import texml_recordings
from simulator.telnyx.rest.texml_query import asked_page, moment
from simulator.telnyx.rest.texml_resources import (
    call_resource,
    status,
    stream_resource,
)
from simulator.telnyx.router import Router, raw_body

_STATUSES: Final = ("ringing", "in-progress", "canceled", "completed", "failed", "busy", "no-answer")
_TIMES: Final = {"StartTime": "answered_at", "EndTime": "ended_at"}


def routes(router: Router, exchange: Exchange) -> list[BaseRoute]:
    originator = TexmlOriginator(exchange)

    def place(dialled: texml_calls.TexmlDial) -> CallLeg:
        try:
            return originator.dial(dialled)
        except ExchangeFull as full:
            raise TelnyxError(Code.USER_CHANNEL_LIMIT, f"User channel limit exceeded D1. {full}") from None

    async def dial(request: Request) -> dict[str, Any]:
        leg = place(texml_calls.parse_texml_call(await _body(request, texml_calls.CALL)))
        return _queued(leg) | {"call_sid": leg.id}

    async def dial_connection(request: Request) -> dict[str, Any]:
        body = await _body(request, texml_calls.CONNECTION_CALL)
        leg = place(texml_calls.parse_connection_call(body, request.path_params["connection_id"]))
        return _queued(leg) | {"call_sid": leg.id}

    async def list_calls(request: Request) -> dict[str, Any]:
        path = f"/v2/texml/Accounts/{_account(request)}/Calls.json"
        shown, page = asked_page(request, _chosen(exchange.all_legs(), request), path)
        return page | {"calls": [call_resource(leg, _account(request)) for leg in shown]}

    async def retrieve(request: Request) -> dict[str, Any]:
        return call_resource(_leg(exchange, request), _account(request))

    async def update(request: Request) -> dict[str, Any]:
        wanted = texml_updates.parse_update(await _body(request, texml_updates.UPDATE))
        leg = _leg(exchange, request)
        originator.update(leg, wanted)
        return call_resource(leg, _account(request))

    async def start_stream(request: Request) -> dict[str, Any]:
        options = texml_updates.parse_stream(await _body(request, texml_updates.STREAM))
        leg = _leg(exchange, request)
        sid = commands.start_stream(leg, options)
        return stream_resource(leg, _account(request), sid, options.name, "in-progress", datetime.now(UTC))

    async def stop_stream(request: Request) -> dict[str, Any]:
        texml_updates.parse_stream_update(await _body(request, texml_updates.STREAM_UPDATE))
        leg = _leg(exchange, request)
        sid, name = request.path_params["stream_sid"], leg.stream.name
        if leg.stream.stream_id != sid:
            raise TexmlNotFound()
        commands.stop_stream(leg, sid)
        return stream_resource(leg, _account(request), sid, name, "stopped", datetime.now(UTC))

    one = "/texml/Accounts/{account_sid}/Calls/{call_sid}"
    return [
        router.route("/texml/calls/{connection_id}", POST=dial_connection),
        router.route("/texml/Accounts/{account_sid}/Calls", POST=dial, GET=list_calls),
        router.route("/texml/Accounts/{account_sid}/Calls.json", POST=dial, GET=list_calls),
        router.route(f"{one}/Streams.json", POST=start_stream),
        router.route(f"{one}/Streams/{{stream_sid}}.json", POST=stop_stream),
        *texml_recordings.routes(router, exchange.facilities.recordings, partial(_leg, exchange), _body),
        router.route(one, GET=retrieve, POST=update),
    ]


async def _body(request: Request, table: Object) -> dict[str, Any]:
    return decode_body(await raw_body(request), request.headers.get("content-type", ""), table)


def _queued(leg: CallLeg) -> dict[str, Any]:
    return {"from": leg.facts.from_number, "to": leg.facts.to_number, "status": "queued"}


def _account(request: Request) -> str:
    return request.path_params["account_sid"]


def _leg(exchange: Exchange, request: Request) -> CallLeg:
    """Any account will do: the simulated one has the calls of all. Raises TexmlNotFound."""
    leg = exchange.find(request.path_params["call_sid"].removesuffix(".json"))
    if leg is None:
        raise TexmlNotFound()
    return leg


def _chosen(legs: list[CallLeg], request: Request) -> list[CallLeg]:
    """The newest first, filtered as the query says."""
    query = request.query_params
    wanted = query.get("Status")
    if wanted is not None and wanted not in _STATUSES:
        raise query_error(f"Status must be one of {', '.join(_STATUSES)}.", "Status")
    checks: list[Callable[[CallLeg], bool]] = []
    if wanted is not None:
        checks.append(lambda leg: status(leg) == wanted)
    for name in ("To", "From"):
        number = query.get(name)
        if number is not None:
            attribute = f"{name.lower()}_number"
            checks.append(lambda leg, attribute=attribute, number=number: getattr(leg.facts, attribute) == number)
    for name in _TIMES:
        for suffix in ("", "_gt", "_lt"):
            text = query.get(name + suffix)
            if text is not None:
                checks.append(_time_check(_TIMES[name], suffix, moment(text, name + suffix)))
    return [leg for leg in reversed(legs) if all(check(leg) for check in checks)]


def _time_check(attribute: str, suffix: str, wanted: datetime) -> Callable[[CallLeg], bool]:
    def check(leg: CallLeg) -> bool:
        at: datetime | None = getattr(leg, attribute)
        if at is None:
            return False
        if suffix == "_gt":
            return at > wanted
        if suffix == "_lt":
            return at < wanted
        return at.date() == wanted.date()

    return check

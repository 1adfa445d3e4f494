"""Somebody dials the application: by TeXML, straight to a media WebSocket, or at a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, cast

from simulator.line.plan import LineFaultPlan
from simulator.telnyx.account.records.connections import FqdnConnection, IpConnection
from simulator.telnyx.account.views import Application
from simulator.telnyx.calls.answerers import Answerer, drop_later
from simulator.telnyx.calls.exchange import Exchange, Order
from simulator.telnyx.calls.leg import CallLeg, Flow
from simulator.telnyx.calls.line import Line
from simulator.telnyx.calls.sip_target import NoSipTarget, SipTarget, target_of
from simulator.telnyx.calls.stream import LegStream
from simulator.telnyx.calls.texml_leg import TexmlCallLeg
from simulator.telnyx.facts import Hangup
from simulator.telnyx.findings import Findings
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.routing import STATUS_EVENTS, ApiVersion, Callback, Method, Routing
from simulator.telnyx.texml import interpreter
from simulator.telnyx.texml.source import Fetch, Source
from simulator.telnyx.webhooks.announce import Announcer, ControlAnnouncer, TexmlAnnouncer
from simulator.telnyx.webhooks.conformance import noting

PATIENCE_SECONDS: Final = 60.0
"""How long a caller lets it ring at a parked call that nobody answers."""
_GAVE_UP: Final = Hangup("originator_cancel", "caller", "487")
_UNCLAIMED: Final = Hangup("unspecified", "unknown", "480")


class NoSuchConnection(Exception):
    """The connection cannot take this call; the text says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """Exactly one of `texml`, `stream`, `connection_id` and `sip` says where the call goes."""

    from_number: str
    to_number: str
    answerer: Answerer
    texml: Source | None = None
    status_callback: str | None = None
    stream: StreamOptions | None = None
    connection_id: str | None = None
    sip: SipTarget | None = None
    faults: LineFaultPlan | None = None
    record_to: Path | None = None
    findings: Findings = field(default_factory=Findings)


class SipDoor(Protocol):
    """What takes calls to SIP addresses."""

    @property
    def media(self) -> Callable[[CallLeg, Line], LegStream]:
        """Makes the audio of such legs."""
        ...

    def calling(self, target: SipTarget) -> Flow:
        """What happens on such a leg."""
        ...


class Reception:
    """Takes incoming calls to their applications. `trunk` None: there is no SIP."""

    trunk: SipDoor | None = None

    def __init__(self, exchange: Exchange, texml_connection_id: str) -> None:
        """`texml_connection_id`: the application that calls without one are said to belong to."""
        self._exchange = exchange
        self._texml_connection_id = texml_connection_id

    def dial_in(self, call: IncomingCall) -> CallLeg:
        """Raises ExchangeFull, NoSuchConnection."""
        webhooks = self._exchange.facilities.webhooks
        if call.connection_id is not None:
            application = self._exchange.facilities.account.application(call.connection_id)
            if application is None:
                raise NoSuchConnection(
                    f"There is no connection {call.connection_id[:40]!r}; create an application first."
                )
            return self._at_application(call, application)
        if call.sip is not None:
            return self._by_sip(call, call.sip, self._texml_connection_id, Routing())
        status = None if call.status_callback is None else Callback(call.status_callback, "POST", STATUS_EVENTS)
        announcer = TexmlAnnouncer(webhooks, status, on_answer=noting(call.findings))
        if call.texml is not None:
            flow = texml_flow(self._exchange, call.texml)
        elif call.stream is not None:
            flow = _straight_to(call.stream)
        else:
            raise NoSuchConnection("Say where the call goes: a TeXML address, a stream address or a connection.")
        return self._start(call, self._texml_connection_id, announcer, flow)

    def _at_application(self, call: IncomingCall, application: Application) -> CallLeg:
        webhooks = self._exchange.facilities.webhooks
        if application.kind == "texml":
            if application.voice_url is None:
                raise NoSuchConnection(f"The TeXML application {application.id} has no voice_url.")
            announcer: Announcer = TexmlAnnouncer(
                webhooks, status_of(application), on_answer=noting(call.findings)
            )
            flow = texml_flow(self._exchange, source_of(application))
            return self._start(call, application.id, announcer, flow)
        connection = self._exchange.facilities.account.connection(application.id)
        if isinstance(connection, FqdnConnection | IpConnection):
            try:
                target = target_of(self._exchange.facilities.account, connection)
            except NoSipTarget as error:
                raise NoSuchConnection(str(error)) from None
            return self._by_sip(call, target, application.id, routing_of(application))
        if application.webhook_event_url is None:
            raise NoSuchConnection(f"The connection {application.id} has no webhook_event_url.")
        announcer = ControlAnnouncer(
            webhooks, routing_of(application), application.call_cost_in_webhooks, noting(call.findings)
        )
        return self._start(call, application.id, announcer, _parked(application))

    def _by_sip(self, call: IncomingCall, target: SipTarget, connection_id: str, routing: Routing) -> CallLeg:
        trunk = self.trunk
        if trunk is None:
            raise NoSuchConnection("The simulator has no SIP trunk: start it with --sip-port.")
        announcer = ControlAnnouncer(self._exchange.facilities.webhooks, routing, on_answer=noting(call.findings))
        return self._start(call, connection_id, announcer, trunk.calling(target), trunk.media)

    def _start(
        self,
        call: IncomingCall,
        connection_id: str,
        announcer: Announcer,
        flow: Flow,
        media: Callable[[CallLeg, Line], LegStream] = LegStream,
    ) -> CallLeg:
        answerer = call.answerer

        async def whole(leg: CallLeg) -> None:
            if await leg.prepare():
                leg.spawn(_drop_after_answer(leg, answerer))
                await flow(leg)

        order = Order(
            direction="incoming",
            connection_id=connection_id,
            from_number=call.from_number,
            to_number=call.to_number,
            faults=call.faults or answerer.faults,
            record_to=call.record_to,
            findings=call.findings,
            media=media,
        )
        return self._exchange.start(order, answerer.party, announcer, whole)


def routing_of(application: Application) -> Routing:
    """Where an application's webhooks go when a command does not say otherwise."""
    return Routing(
        url=application.webhook_event_url,
        failover_url=application.webhook_event_failover_url,
        timeout_seconds=application.webhook_timeout_secs,
        api_version=cast("ApiVersion", application.webhook_api_version),
    )


def source_of(application: Application) -> Fetch:
    """Where a TeXML application's instructions are; it must have a `voice_url`."""
    method = _method(application.voice_method)
    return Fetch(application.voice_url or "", method, application.voice_fallback_url, method)


def status_of(application: Application) -> Callback | None:
    """Whom a TeXML application wants told of every step of its calls."""
    url = application.status_callback
    return None if url is None else Callback(url, _method(application.status_callback_method), STATUS_EVENTS)


def texml_flow(exchange: Exchange, source: Source) -> Flow:
    async def flow(leg: CallLeg) -> None:
        await interpreter.run(TexmlCallLeg(leg, exchange), source, exchange.facilities.webhooks)

    return flow


def _straight_to(stream: StreamOptions) -> Flow:
    async def flow(leg: CallLeg) -> None:
        leg.answer()
        await leg.stream.run(stream)
        leg.application_hangs_up()

    return flow


def _parked(application: Application) -> Flow:
    """Wait for a command: Telnyx hangs up when the first one is late, and the caller when there is no answer."""

    async def flow(leg: CallLeg) -> None:
        patience, end = PATIENCE_SECONDS, _GAVE_UP
        if application.first_command_timeout and application.first_command_timeout_secs < patience:
            patience, end = float(application.first_command_timeout_secs), _UNCLAIMED
        try:
            async with asyncio.timeout(patience):
                await leg.answered.wait()
        except TimeoutError:
            leg.hang_up(end)

    return flow


def _method(method: str) -> Method:
    return "GET" if method == "get" else "POST"


async def _drop_after_answer(leg: CallLeg, answerer: Answerer) -> None:
    await leg.answered.wait()
    await drop_later(leg, answerer)

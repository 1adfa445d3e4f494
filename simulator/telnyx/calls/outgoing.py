"""Calls that an application places by Call Control."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import asdict
from typing import Final

from simulator.telnyx.account.store import Account
from simulator.telnyx.account.views import Application
from simulator.telnyx.calls import commands, sounds
from simulator.telnyx.calls.answerers import GAVE_UP, TIMED_OUT, Answerer, drop_later, ring
from simulator.telnyx.calls.bridge import Bridge
from simulator.telnyx.calls.detection import start_detection
from simulator.telnyx.calls.digits import send_digits
from simulator.telnyx.calls.exchange import Exchange, Order
from simulator.telnyx.calls.incoming import routing_of
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.facts import Hangup
from simulator.telnyx.findings import Findings
from simulator.telnyx.requests.dial import DialRequest, unknown_connection
from simulator.telnyx.requests.numbers import Destination
from simulator.telnyx.routing import Routing
from simulator.telnyx.webhooks.announce import ControlAnnouncer
from simulator.telnyx.webhooks.conformance import noting

_CONNECTION_DIGITS: Final = range(10, 26)
_TIME_LIMIT: Final = Hangup("time_limit", "unknown")


class Originator:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def dial(self, request: DialRequest) -> CallLeg:
        """Ring every destination at once; the first that answers is the call, and the one returned is the first.

        The same `command_id` within a minute gives the call it made before. Raises TelnyxError and ExchangeFull.
        """
        exchange = self._exchange
        repeated = exchange.recent(request.command_id)
        if repeated is not None:
            return repeated
        application = connection_of(exchange.facilities.account, request.connection_id)
        linked = self._linked(request)
        for destination in request.to:
            preset = exchange.preset_at(destination.address)
            if preset is not None and preset.refusal is not None:
                raise preset.refusal.error()
        exchange.check_room()
        taken: asyncio.Future[CallLeg] = asyncio.get_running_loop().create_future()
        legs: list[CallLeg] = []
        for destination in request.to:
            session = legs[0].facts.ids.call_session_id if legs else _session_of(linked)
            legs.append(self._place(request, destination, application, session, linked, taken))
        exchange.remember(request.command_id, legs[0])
        return legs[0]

    def _place(
        self,
        request: DialRequest,
        destination: Destination,
        application: Application | None,
        session_id: str | None,
        linked: CallLeg | None,
        taken: asyncio.Future[CallLeg],
    ) -> CallLeg:
        exchange = self._exchange
        answerer = exchange.answerer_at(
            destination.address, "PCMU" if request.stream is None else request.stream.telephone
        )
        findings = Findings()
        base = Routing() if application is None else routing_of(application)
        announcer = ControlAnnouncer(
            exchange.facilities.webhooks,
            base.overridden(**asdict(request.webhooks)),
            application is not None and application.call_cost_in_webhooks,
            noting(findings),
        )
        order = Order(
            direction="outgoing",
            connection_id=request.connection_id,
            from_number=request.from_number,
            to_number=destination.address,
            client_state=request.client_state,
            session_id=session_id,
            caller_name=request.from_display_name,
            tags=() if application is None else application.tags,
            custom_headers=request.custom_headers,
            sip_headers=request.sip_headers,
            faults=answerer.faults,
            record_to=answerer.record_to,
            findings=findings,
        )

        async def flow(leg: CallLeg) -> None:
            await _live(leg, request, answerer, linked, taken)

        leg = exchange.start(order, answerer.party, announcer, flow)
        if request.record is not None:
            leg.recording_id = str(uuid.uuid4())
        if request.unknown:
            leg.warn(f"Telnyx does not know these dial parameters: {', '.join(request.unknown)}.")
        if request.ignored:
            leg.warn(f"The simulator ignores these dial parameters: {', '.join(request.ignored)}.")
        if application is None:
            leg.warn(
                f"No application {request.connection_id} was created here; it was taken as one without webhooks."
            )
        return leg

    def _linked(self, request: DialRequest) -> CallLeg | None:
        if request.link_to is None:
            return None
        linked = self._exchange.find(request.link_to)
        if linked is None:
            raise TelnyxError(Code.NOT_FOUND, "The call of link_to could not be found.", "/link_to")
        if request.bridge_intent or request.bridge_on_answer:
            commands.check_alive(linked)
        return linked


def connection_of(account: Account, connection_id: str, pointer: str = "/connection_id") -> Application | None:
    """The application of that id; None for one that exists elsewhere, so that a bot keeps its own settings.

    Raises TelnyxError for what is no id, and for an application that may not dial.
    """
    application = account.application(connection_id)
    if application is None:
        if connection_id.isascii() and connection_id.isdigit() and len(connection_id) in _CONNECTION_DIGITS:
            return None
        raise unknown_connection(pointer)
    if not application.active:
        detail = "The connection is not active; activate it first."
        raise TelnyxError(Code.INVALID_CONNECTION_ID, detail, pointer)
    return application


async def _live(
    leg: CallLeg,
    request: DialRequest,
    answerer: Answerer,
    linked: CallLeg | None,
    taken: asyncio.Future[CallLeg],
) -> None:
    """Ring, answer, and do what the dial asked for. Call Control has no next verb: the call then stays up."""
    if request.stream is not None and request.stream_before_ringing:
        leg.spawn(leg.stream.run(request.stream))
    cancelling = leg.spawn(_give_way(leg, taken))
    unanswered = TIMED_OUT if request.retry_on_timeout else GAVE_UP
    if not await ring(leg, answerer, request.timeout_secs, unanswered):
        return
    if taken.done():
        leg.application_hangs_up()
        return
    taken.set_result(leg)
    cancelling.cancel()
    leg.answer(request.stream)
    leg.spawn(drop_later(leg, answerer))
    if request.record is not None:
        leg.recordings.start(request.record.rules, "OutboundAPI", leg.recording_id)
    if request.amd is not None:
        start_detection(leg, request.amd, answerer.kind)
    if linked is not None and request.bridge_on_answer and linked.hangup is None:
        Bridge(linked, leg, park=request.park_after_unbridge)
    if request.audio_url is not None:
        sounds.start_playback(leg, sounds.fetched(leg, request.audio_url), media_url=request.audio_url)
    if request.send_digits:
        leg.spawn(send_digits(leg, request.send_digits))
    if request.stream is not None and not leg.stream.active:
        leg.spawn(leg.stream.run(request.stream))
    await asyncio.sleep(request.time_limit_secs)
    leg.hang_up(_TIME_LIMIT)


async def _give_way(leg: CallLeg, taken: asyncio.Future[CallLeg]) -> None:
    """Stop ringing when another destination of the same dial was quicker."""
    winner = await asyncio.shield(taken)
    if winner is not leg:
        leg.application_hangs_up()


def _session_of(linked: CallLeg | None) -> str | None:
    return None if linked is None else linked.facts.ids.call_session_id

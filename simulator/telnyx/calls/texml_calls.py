"""Calls that an application places by TeXML's REST interface."""

from __future__ import annotations

import asyncio
from typing import Final

from simulator.telnyx.account.views import Application
from simulator.telnyx.calls.answerers import Answerer, drop_later, ring
from simulator.telnyx.calls.detection import start_detection
from simulator.telnyx.calls.exchange import Exchange, Order
from simulator.telnyx.calls.incoming import source_of, status_of, texml_flow
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.calls.outgoing import amd_config, connection_of
from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.facts import Hangup
from simulator.telnyx.findings import Findings
from simulator.telnyx.requests.texml_callbacks import CallbackRules
from simulator.telnyx.requests.texml_calls import TexmlDial
from simulator.telnyx.requests.texml_updates import TexmlUpdate
from simulator.telnyx.texml.source import Fetch, Inline, Source
from simulator.telnyx.webhooks.announce import TexmlAnnouncer
from simulator.telnyx.webhooks.conformance import noting
from simulator.telnyx.webhooks.routing import STATUS_EVENTS, Callback

_TIME_LIMIT: Final = Hangup("time_limit", "unknown")


class TexmlOriginator:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def dial(self, request: TexmlDial) -> CallLeg:
        """Ring, and run the instructions once there is an answer. Raises TelnyxError and ExchangeFull."""
        exchange = self._exchange
        application = connection_of(exchange.facilities.account, request.application_sid, "/ApplicationSid")
        source = _source(request, application)
        preset = exchange.preset_at(request.to.address)
        if preset is not None and preset.refusal is not None:
            raise preset.refusal.error()
        exchange.check_room()
        answerer = exchange.answerer_at(request.to.address)
        findings = Findings()
        order = Order(
            direction="outgoing",
            connection_id=request.application_sid,
            from_number=request.from_number,
            to_number=request.to.address,
            caller_name=request.caller_id,
            tags=() if application is None else application.tags,
            custom_headers=request.custom_headers,
            faults=answerer.faults,
            record_to=answerer.record_to,
            findings=findings,
        )

        async def flow(leg: CallLeg) -> None:
            await _live(exchange, leg, request, answerer, source)

        leg = exchange.start(order, answerer.party, self._announcer(request, application, findings), flow)
        if request.unknown:
            leg.warn(f"Telnyx does not know these parameters: {', '.join(request.unknown)}.")
        if request.ignored:
            leg.warn(f"The simulator ignores these parameters: {', '.join(request.ignored)}.")
        return leg

    def update(self, leg: CallLeg, update: TexmlUpdate) -> None:
        """End a call, or have it run other instructions from now on. Raises TelnyxError."""
        if leg.hangup is not None:
            raise TelnyxError(Code.CALL_ENDED, "This call is no longer active and can't receive commands.")
        announcer = leg.announcer
        if update.status_callback is not None and isinstance(announcer, TexmlAnnouncer):
            announcer.status = Callback(update.status_callback, update.status_callback_method, STATUS_EVENTS)
        if update.ends:
            leg.application_hangs_up()
        elif update.texml is not None:
            leg.follow(texml_flow(self._exchange, Inline(update.texml.encode())))
        elif update.url is not None:
            source = Fetch(update.url, update.method, update.fallback_url, update.fallback_method)
            leg.follow(texml_flow(self._exchange, source))

    def _announcer(
        self, request: TexmlDial, application: Application | None, findings: Findings
    ) -> TexmlAnnouncer:
        inherited = None if application is None else status_of(application)
        amd = None if request.amd_callback is None else Callback(request.amd_callback, request.amd_callback_method)
        return TexmlAnnouncer(
            self._exchange.facilities.webhooks,
            status=_callback(request.status) or inherited,
            amd=amd,
            recording=_callback(request.recording),
            on_answer=noting(findings),
        )


def _source(request: TexmlDial, application: Application | None) -> Source:
    if request.texml is not None:
        return Inline(request.texml.encode())
    method = request.url_method or "POST"
    if request.url is not None:
        return Fetch(request.url, method, request.fallback_url)
    if application is None or application.voice_url is None:
        detail = "Give Url or Texml: the application has no voice_url of its own."
        raise TelnyxError(Code.MISSING_PARAMETER, detail, "/Url")
    return source_of(application)


def _callback(rules: CallbackRules) -> Callback | None:
    return None if rules.url is None else Callback(rules.url, rules.method, rules.events)


async def _live(exchange: Exchange, leg: CallLeg, request: TexmlDial, answerer: Answerer, source: Source) -> None:
    if not await ring(leg, answerer, request.timeout_secs):
        return
    leg.answer()
    leg.spawn(drop_later(leg, answerer))
    leg.spawn(_limit(leg, request.time_limit_secs))
    if request.record is not None:
        leg.recordings.start(request.record.rules, "OutboundAPI")
    if request.amd is not None:
        detecting = start_detection(leg, request.amd.mode, amd_config(request.amd), answerer.kind)
        if not request.detect_async:
            # Telnyx holds the instructions back until it knows who answered.
            await asyncio.wait({detecting})
    await texml_flow(exchange, source)(leg)


async def _limit(leg: CallLeg, seconds: int) -> None:
    await asyncio.sleep(seconds)
    leg.hang_up(_TIME_LIMIT)

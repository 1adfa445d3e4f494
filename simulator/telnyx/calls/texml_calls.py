"""Calls that an application places by TeXML's REST interface."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final
from weakref import WeakKeyDictionary

from simulator.telnyx.account.views import Application
from simulator.telnyx.calls.answerers import Answerer, drop_later, ring
from simulator.telnyx.calls.detection import start_detection
from simulator.telnyx.calls.dialling import limit_time
from simulator.telnyx.calls.exchange import Exchange, Order
from simulator.telnyx.calls.incoming import source_of, status_of, texml_flow
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.calls.outgoing import connection_of
from simulator.telnyx.calls.texml_leg import TexmlCallLeg
from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.findings import Findings
from simulator.telnyx.requests.amd import AmdRules
from simulator.telnyx.requests.texml_callbacks import CallbackRules
from simulator.telnyx.requests.texml_calls import TexmlDial
from simulator.telnyx.requests.texml_updates import TexmlUpdate
from simulator.telnyx.routing import STATUS_EVENTS, Callback
from simulator.telnyx.texml import interpreter
from simulator.telnyx.texml.source import Fetch, Inline, Source
from simulator.telnyx.webhooks.announce import TexmlAnnouncer
from simulator.telnyx.webhooks.conformance import noting

_NO_INSTRUCTIONS: Final = "Give Url or Texml: the application has no voice_url of its own."


class TexmlOriginator:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._sources: WeakKeyDictionary[CallLeg, Source] = WeakKeyDictionary()
        """The instructions of calls that ring."""

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
        announcer = self._announcer(request, application, findings)
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
            await self._live(leg, request, answerer, announcer)

        leg = exchange.start(order, answerer.party, announcer, flow)
        self._sources[leg] = source
        _warn_of_parameters(leg, request)
        return leg

    def update(self, leg: CallLeg, update: TexmlUpdate) -> None:
        """End a call, or have it run other instructions: now, or from the answer on. Raises TelnyxError."""
        if leg.hangup is not None:
            raise TelnyxError(Code.CALL_ENDED, "This call is no longer active and can't receive commands.")
        announcer = leg.announcer
        if update.status_callback is not None and isinstance(announcer, TexmlAnnouncer):
            events = STATUS_EVENTS if announcer.status is None else announcer.status.events
            announcer.status = Callback(update.status_callback, update.status_callback_method, events)
        if update.ends:
            leg.application_hangs_up()
        elif update.texml is not None:
            self._redirect(leg, Inline(update.texml.encode()))
        elif update.url is not None:
            self._redirect(leg, Fetch(update.url, update.method, update.fallback_url, update.fallback_method))

    def _redirect(self, leg: CallLeg, source: Source) -> None:
        if leg.is_answered or leg.facts.direction == "incoming":
            leg.follow(texml_flow(self._exchange, source))
        elif leg in self._sources:
            self._sources[leg] = source
        else:
            raise TelnyxError(Code.CALL_NOT_ANSWERED, "This call is not answered yet and runs no instructions.")

    def _announcer(
        self, request: TexmlDial, application: Application | None, findings: Findings
    ) -> TexmlAnnouncer:
        inherited = None if application is None else status_of(application)
        amd = None if request.amd_callback is None else Callback(request.amd_callback, request.amd_callback_method)
        return TexmlAnnouncer(
            self._exchange.facilities.webhooks,
            status=callback_of(request.status) or inherited,
            amd=amd,
            on_answer=noting(findings),
            amd_at_message_end=request.detect_message_end,
        )

    async def _live(self, leg: CallLeg, request: TexmlDial, answerer: Answerer, announcer: TexmlAnnouncer) -> None:
        if not await ring(leg, answerer, request.timeout_secs):
            return
        leg.answer()
        leg.spawn(drop_later(leg, answerer))
        leg.spawn(limit_time(leg, request.time_limit_secs))
        if request.record is not None:
            rules = replace(request.record.rules, callback=callback_of(request.recording))
            leg.recordings.start(rules, "OutboundAPI")
        if request.amd is not None:
            await _detect(leg, request, request.amd, answerer, announcer)
        answered_by = None if request.detect_async else announcer.answered_by
        seen = TexmlCallLeg(leg, self._exchange, answered_by)
        await interpreter.run(seen, self._sources.pop(leg), self._exchange.facilities.webhooks)


async def _detect(
    leg: CallLeg, request: TexmlDial, rules: AmdRules, answerer: Answerer, announcer: TexmlAnnouncer
) -> None:
    """Returns when the instructions may begin: Telnyx holds them back until it knows who answered, or not."""
    detecting = start_detection(leg, rules, answerer.kind)
    if request.detect_async:
        leg.spawn(_cut_playback(leg, request, announcer))
        return
    found = leg.spawn(_wait(announcer.detected))
    await asyncio.wait({detecting, found}, return_when=asyncio.FIRST_COMPLETED)
    found.cancel()


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


async def _cut_playback(leg: CallLeg, request: TexmlDial, announcer: TexmlAnnouncer) -> None:
    """What is being played stops when a machine was found, unless the application wants it to go on."""
    await announcer.detected.wait()
    at_end = request.detect_message_end
    wanted = request.cancel_playback_on_greeting_end if at_end else request.cancel_playback_on_machine
    if wanted and (announcer.answered_by or "").startswith("machine"):
        leg.player.stop("all", "cancelled_amd")


def callback_of(rules: CallbackRules) -> Callback | None:
    return None if rules.url is None else Callback(rules.url, rules.method, rules.events)


def _source(request: TexmlDial, application: Application | None) -> Source:
    if request.texml is not None:
        return Inline(request.texml.encode())
    if request.url is not None:
        return Fetch(request.url, request.url_method or "POST", request.fallback_url)
    if application is None or application.voice_url is None:
        raise TelnyxError(Code.MISSING_PARAMETER, _NO_INSTRUCTIONS, "/Url")
    own = source_of(application)
    return replace(
        own, method=request.url_method or own.method, fallback_url=request.fallback_url or own.fallback_url
    )


def _warn_of_parameters(leg: CallLeg, request: TexmlDial) -> None:
    if request.unknown:
        leg.warn(f"Telnyx does not know these parameters: {', '.join(request.unknown)}.")
    if request.ignored:
        leg.warn(f"The simulator ignores these parameters: {', '.join(request.ignored)}.")
    if request.supervise_call_sid is not None:
        leg.warn("The simulator has no supervisors, so SuperviseCallSid had no effect.")

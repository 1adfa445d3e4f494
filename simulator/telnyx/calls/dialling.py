"""Other parties called from a leg and bridged with it: TeXML's <Dial>, and Call Control's transfer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from simulator.telnyx.calls.answerers import ring
from simulator.telnyx.calls.bridge import Bridge
from simulator.telnyx.calls.detection import start_detection
from simulator.telnyx.calls.digits import send_digits
from simulator.telnyx.calls.exchange import Exchange, ExchangeFull, Order
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.facts import CallFacts, Hangup, Header
from simulator.telnyx.texml.port import DialOrder, DialResult, RecordRules
from simulator.telnyx.webhooks.announce import Announcer, TexmlAnnouncer
from simulator.telnyx.webhooks.routing import Callback

DialStatus = Literal["completed", "busy", "no-answer", "canceled", "failed"]

_STATUS: Final[dict[str, DialStatus]] = {
    "user_busy": "busy",
    "timeout": "no-answer",
    "no_answer": "no-answer",
    "originator_cancel": "canceled",
}


@dataclass(frozen=True, slots=True)
class Transfer:
    """`park`: the leg left behind stays when the other one ends. `audio` is heard until there is an answer."""

    to: str
    from_number: str
    timeout_seconds: int = 30
    time_limit_seconds: int = 14_400
    send_digits: str = ""
    client_state: str | None = None
    caller_name: str | None = None
    custom_headers: tuple[Header, ...] = ()
    sip_headers: tuple[Header, ...] = ()
    park: bool = False
    muted_keys: str = "none"
    record: RecordRules | None = None
    amd: tuple[str, Mapping[str, Any]] | None = None


def transfer(exchange: Exchange, leg: CallLeg, order: Transfer, announcer: Announcer) -> CallLeg:
    """A new outgoing leg in the session of `leg`, bridged with it when it is answered. Raises ExchangeFull."""
    answerer = exchange.answerer_at(order.to)

    async def flow(other: CallLeg) -> None:
        if not await ring(other, answerer, order.timeout_seconds):
            return
        other.answer()
        if leg.bridge is not None:
            leg.bridge.part()
        Bridge(leg, other, park=order.park, muted_keys=order.muted_keys)
        if order.record is not None:
            other.recordings.start(order.record, "OutboundAPI")
        if order.amd is not None:
            start_detection(other, *order.amd, answerer.kind)
        await send_digits(other, order.send_digits)
        await _time_limit(other, order.time_limit_seconds)

    made = Order(
        direction="outgoing",
        connection_id=leg.facts.connection_id,
        from_number=order.from_number,
        to_number=order.to,
        client_state=order.client_state,
        session_id=leg.facts.ids.call_session_id,
        caller_name=order.caller_name,
        custom_headers=order.custom_headers,
        sip_headers=order.sip_headers,
        faults=answerer.faults,
        record_to=answerer.record_to,
        findings=leg.findings,
    )
    return exchange.start(made, answerer.party, announcer, flow)


async def dial_from(exchange: Exchange, leg: CallLeg, order: DialOrder) -> DialResult:
    """Call the parties at once or in turn, bridge the first that answers, and wait until that is over."""
    if not order.answer_on_bridge:
        leg.answer()
    callbacks = order.callbacks or (None,) * len(order.to)
    targets = list(zip(order.to, callbacks, strict=False))
    rounds = [[target] for target in targets] if order.sequential else [targets]
    result = DialResult("failed", "", 0, None)
    for some in rounds:
        try:
            result = await _dial_round(exchange, leg, order, some)
        except ExchangeFull as full:
            leg.warn(str(full))
        if result.status == "completed":
            break
    return result


async def _dial_round(
    exchange: Exchange, leg: CallLeg, order: DialOrder, targets: list[tuple[str, Callback | None]]
) -> DialResult:
    answered: asyncio.Future[CallLeg] = asyncio.get_running_loop().create_future()
    others: list[CallLeg] = []
    try:
        for to, callback in targets:
            others.append(_party(exchange, leg, order, to, callback, answered))
        endings = [asyncio.ensure_future(other.hung_up.wait()) for other in others]
        ending = asyncio.gather(*endings)
        await asyncio.wait({answered, ending}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ending
        if not answered.done():
            return await _result(others[-1])
        winner = answered.result()
        for other in others:
            if other is not winner:
                other.application_hangs_up()
        await winner.hung_up.wait()
        return await _result(winner)
    finally:
        answered.cancel()
        for other in others:
            other.application_hangs_up()


def _party(
    exchange: Exchange,
    leg: CallLeg,
    order: DialOrder,
    to: str,
    callback: Callback | None,
    answered: asyncio.Future[CallLeg],
) -> CallLeg:
    answerer = exchange.answerer_at(to)

    async def flow(other: CallLeg) -> None:
        if not await ring(other, answerer, order.timeout_seconds):
            return
        if answered.done():
            other.application_hangs_up()
            return
        leg.answer()
        other.answer()
        answered.set_result(other)
        Bridge(leg, other, park=True)
        if order.record or order.recording is not None:
            other.recordings.start(order.recording or RecordRules(), "DialVerb")
        if order.hang_up_on_star:
            leg.spawn(_hang_up_on_star(leg, other))
        await send_digits(other, order.send_digits)
        await _time_limit(other, order.time_limit_seconds)

    made = Order(
        direction="outgoing",
        connection_id=leg.facts.connection_id,
        from_number=order.from_number,
        to_number=to,
        session_id=leg.facts.ids.call_session_id,
        faults=answerer.faults,
        record_to=answerer.record_to,
        findings=leg.findings,
    )
    webhooks = exchange.facilities.webhooks
    announcer: Announcer = _Silent() if callback is None else TexmlAnnouncer(webhooks, callback)
    return exchange.start(made, answerer.party, announcer, flow)


async def _result(other: CallLeg) -> DialResult:
    await other.over.wait()
    hangup = other.hangup
    until = other.ended_at or datetime.now(UTC)
    seconds = round((until - (other.answered_at or until)).total_seconds())
    cause = "" if hangup is None else hangup.cause
    status: DialStatus = "completed" if other.is_answered else _STATUS.get(cause, "failed")
    return DialResult(status, other.id, seconds, hangup, other.recordings.last_saved)


async def _time_limit(leg: CallLeg, seconds: int) -> None:
    await asyncio.sleep(seconds)
    leg.hang_up(Hangup("time_limit", "unknown"))


async def _hang_up_on_star(leg: CallLeg, other: CallLeg) -> None:
    await leg.star.wait()
    other.application_hangs_up()


class _Silent:
    """Nobody is told of a leg that TeXML dialled without callbacks."""

    def tell(self, facts: CallFacts, happening: object) -> None:
        pass

    def close(self) -> None:
        pass

"""Call Control's transfer: another party called from a leg and bridged with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from simulator.telnyx.call_rules import RecordRules
from simulator.telnyx.calls.answerers import ring
from simulator.telnyx.calls.bridge import Bridge
from simulator.telnyx.calls.detection import start_detection
from simulator.telnyx.calls.digits import send_digits
from simulator.telnyx.calls.exchange import Exchange, Order
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.facts import Hangup, Header
from simulator.telnyx.requests.amd import AmdRules
from simulator.telnyx.webhooks.announce import Announcer


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
    amd: AmdRules | None = None


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
            start_detection(other, order.amd, answerer.kind)
        await send_digits(other, order.send_digits)
        await limit_time(other, order.time_limit_seconds)

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


async def limit_time(leg: CallLeg, seconds: int) -> None:
    await asyncio.sleep(seconds)
    leg.hang_up(Hangup("time_limit", "unknown"))

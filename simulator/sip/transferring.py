"""A call that the far end hands over by REFER (RFC 3515), as LiveKit does for TransferSIPParticipant."""

from __future__ import annotations

import asyncio

from aiosipua import IncomingCall, notify_refer, parse_uri

from simulator.sip.answers import reason_of, status_of
from simulator.sip.sip_call import GONE, SipCall
from simulator.telnyx.calls.dialling import Transfer, transfer
from simulator.telnyx.calls.exchange import Exchange, ExchangeFull
from simulator.telnyx.requests.numbers import is_e164
from simulator.telnyx.routing import Routing
from simulator.telnyx.webhooks.announce import ControlAnnouncer


async def hand_over(exchange: Exchange, call: SipCall, referred: IncomingCall, refer_to: str) -> None:
    """Ring the number of `refer_to` and tell the far end what became of it; once answered, the two telephones hear
    each other and the far end may leave."""
    leg = call.leg
    number = _number(refer_to)
    if leg is None or not leg.is_answered or leg.bridge is not None or not is_e164(number):
        notify_refer(referred, 404, reason_of(404))
        return
    if call.handing_over:
        notify_refer(referred, 491, reason_of(491))
        return
    own = leg.facts.to_number if leg.facts.direction == "incoming" else leg.facts.from_number
    announcer = ControlAnnouncer(exchange.facilities.webhooks, Routing())
    try:
        other = transfer(exchange, leg, Transfer(number, own), announcer)
    except ExchangeFull:
        notify_refer(referred, 503, reason_of(503))
        return
    call.stream_of(leg).facts["transferred_to"] = number
    call.handing_over = True
    answered = asyncio.create_task(other.answered.wait())
    over = asyncio.create_task(other.hung_up.wait())
    try:
        await asyncio.wait({answered, over}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        call.handing_over = False
        answered.cancel()
        over.cancel()
    if not other.is_answered:
        status = status_of(other.hangup or GONE)
        notify_refer(referred, status, reason_of(status))
    elif leg.hangup is None:
        call.handed_over = True
        notify_refer(referred, 200, "OK")


def _number(refer_to: str) -> str:
    """Of a sip: or tel: address; aiosipua takes the latter for a host `tel` with the number as its port."""
    tel = refer_to.removeprefix("sip:").partition(";")[0]
    if tel.startswith("tel:"):
        return "+" + tel.removeprefix("tel:").removeprefix("+")
    return parse_uri(refer_to).user or ""

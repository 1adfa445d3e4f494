"""TeXML's <Dial>: other parties called from a leg, the first to answer bridged with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from simulator.recording.call_files import CallRecording
from simulator.telnyx.call_rules import RecordRules
from simulator.telnyx.calls.answerers import drop_later, ring
from simulator.telnyx.calls.bridge import Bridge
from simulator.telnyx.calls.dialling import limit_time
from simulator.telnyx.calls.digits import send_digits
from simulator.telnyx.calls.exchange import Exchange, ExchangeFull, Order
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.calls.recordings import TooManyRecordings
from simulator.telnyx.happenings import RecordingSaved
from simulator.telnyx.texml.port import DialOrder, DialResult, DialTarget
from simulator.telnyx.webhooks.announce import TexmlAnnouncer

DialStatus = Literal["completed", "busy", "no-answer", "canceled", "failed"]

_STATUS: Final[dict[str, DialStatus]] = {
    "user_busy": "busy",
    "timeout": "no-answer",
    "no_answer": "no-answer",
    "originator_cancel": "canceled",
}
_NOBODY: Final = DialResult("failed", "", 0, None)


async def dial_from(exchange: Exchange, leg: CallLeg, order: DialOrder) -> DialResult:
    """Call the parties at once or in turn, bridge the first that answers, and wait until that is over."""
    if not order.answer_on_bridge:
        leg.answer()
    targets = [target for target in order.targets if _may_be_called(exchange, leg, target)]
    rounds = [[target] for target in targets] if order.sequential else [targets]
    result = _NOBODY
    for some in rounds:
        result = await _Round(exchange, leg, order).dial(some)
        if result.status == "completed":
            break
    return result


def _may_be_called(exchange: Exchange, leg: CallLeg, target: DialTarget) -> bool:
    preset = exchange.preset_at(target.to)
    if preset is None or preset.refusal is None:
        return True
    leg.warn(f"<Dial> of {target.to} was refused: {preset.refusal.detail}.")
    return False


class _Round:
    """Parties that ring at the same time."""

    def __init__(self, exchange: Exchange, leg: CallLeg, order: DialOrder) -> None:
        self._exchange, self._leg, self._order = exchange, leg, order
        self._answered: asyncio.Future[CallLeg] = asyncio.get_running_loop().create_future()

    async def dial(self, targets: Sequence[DialTarget]) -> DialResult:
        others: list[CallLeg] = []
        try:
            for target in targets:
                try:
                    others.append(self._call(target))
                except ExchangeFull as full:
                    self._leg.warn(str(full))
            if not others:
                return _NOBODY
            await self._until_answered(others)
            if not self._answered.done():
                return await _result(others[-1])
            winner = self._answered.result()
            for other in others:
                if other is not winner:
                    other.application_hangs_up()
            return await _result(winner, await self._until_over(winner))
        finally:
            self._answered.cancel()
            for other in others:
                other.application_hangs_up()

    def _call(self, target: DialTarget) -> CallLeg:
        exchange, leg, order = self._exchange, self._leg, self._order
        answerer = exchange.answerer_at(target.to)

        async def flow(other: CallLeg) -> None:
            if not await ring(other, answerer, order.timeout_seconds):
                return
            if self._answered.done():
                other.application_hangs_up()
                return
            leg.answer()
            other.answer()
            self._answered.set_result(other)
            Bridge(leg, other, park=True)
            other.spawn(drop_later(other, answerer))
            if order.hang_up_on_star:
                other.spawn(_hang_up_on_star(leg, other))
            await send_digits(other, target.send_digits)
            await limit_time(other, order.time_limit_seconds)

        made = Order(
            direction="outgoing",
            connection_id=leg.facts.connection_id,
            from_number=order.from_number,
            to_number=target.to,
            session_id=leg.facts.ids.call_session_id,
            faults=answerer.faults,
            record_to=answerer.record_to,
            findings=leg.findings,
        )
        announcer = TexmlAnnouncer(exchange.facilities.webhooks, target.callback, parent_sid=leg.id)
        return exchange.start(made, answerer.party, announcer, flow)

    async def _until_answered(self, others: Sequence[CallLeg]) -> None:
        """Or until nobody is left who could answer."""
        ending = asyncio.gather(*(other.hung_up.wait() for other in others))
        try:
            await asyncio.wait({self._answered, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ending

    async def _until_over(self, winner: CallLeg) -> RecordingSaved | None:
        """Wait for the end of the bridged call, and record it if that was asked for."""
        recordings, rules = self._leg.recordings, self._order.recording
        recording = None if rules is None else self._record(rules)
        if recording is None:
            await winner.hung_up.wait()
            return None
        saved = recordings.saved(recording)
        try:
            await winner.hung_up.wait()
        finally:
            recordings.stop(recording)
        return await asyncio.shield(saved)

    def _record(self, rules: RecordRules) -> CallRecording | None:
        # The leg that dials is recorded, for Telnyx puts it on channel A and the others on B.
        try:
            return self._leg.recordings.start(rules, "DialVerb")
        except TooManyRecordings as error:
            self._leg.warn(str(error))
            return None


async def _result(other: CallLeg, recording: RecordingSaved | None = None) -> DialResult:
    await other.over.wait()
    hangup = other.hangup
    until = other.ended_at or datetime.now(UTC)
    seconds = round((until - (other.answered_at or until)).total_seconds())
    cause = "" if hangup is None else hangup.cause
    status: DialStatus = "completed" if other.is_answered else _STATUS.get(cause, "failed")
    return DialResult(status, other.id, seconds, hangup, recording)


async def _hang_up_on_star(leg: CallLeg, other: CallLeg) -> None:
    # A key pressed before the dial was not meant for it.
    leg.star.clear()
    await leg.star.wait()
    other.application_hangs_up()

"""Who is at the other end of a number, and what happens until there is an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.caller.party import Party
from simulator.caller.presets import Kind
from simulator.line.plan import LineFaultPlan
from simulator.telnyx.facts import Hangup
from simulator.telnyx.happenings import Ringing

if TYPE_CHECKING:
    from simulator.telnyx.calls.leg import CallLeg

CARRIER_DROP = Hangup("unspecified", "unknown", "503")
"""What a leg ends with when the network loses it in the middle of a call."""


Decide = Callable[["CallLeg"], Awaitable[Hangup | None]]
"""Asks a person whether to answer a leg that rings: None is yes, else how the leg ends. Cancelled when the ringing
ends otherwise."""


@dataclass(frozen=True, slots=True)
class Answerer:
    """`ring_ms` None: it rings for ever. `outcome`: how it ends after ringing when nobody answers.

    `decide`: somebody decides that, in place of both. `drop_after_ms`: the network loses the call so long after
    the answer.
    """

    party: Party
    ring_ms: int | None
    outcome: Hangup | None = None
    decide: Decide | None = None
    kind: Kind = "human_residence"
    faults: LineFaultPlan | None = None
    drop_after_ms: int | None = None
    record_to: Path | None = None


TIMED_OUT = Hangup("timeout", "caller", "487")
GAVE_UP = Hangup("no_answer", "caller", "487")
"""What a dial with `retry_on_timeout` false ends with instead."""


async def ring(leg: CallLeg, answerer: Answerer, timeout_seconds: float, unanswered: Hangup = TIMED_OUT) -> bool:
    """Ring until somebody would answer; False when that never comes, and the leg is then hung up."""
    leg.tell(Ringing())
    if answerer.decide is not None:
        return await _ask(leg, answerer.decide, timeout_seconds, unanswered)
    ring_ms = answerer.ring_ms
    if ring_ms is None or ring_ms > timeout_seconds * 1000:
        await asyncio.sleep(timeout_seconds)
        leg.hang_up(unanswered)
        return False
    if answerer.outcome is not None:
        await asyncio.sleep(ring_ms / 1000)
        leg.hang_up(answerer.outcome)
        return False
    prepared, _ = await asyncio.gather(leg.prepare(), asyncio.sleep(ring_ms / 1000))
    return prepared


async def _ask(leg: CallLeg, decide: Decide, timeout_seconds: float, unanswered: Hangup) -> bool:
    try:
        async with asyncio.timeout(timeout_seconds):
            prepared, declined = await asyncio.gather(leg.prepare(), decide(leg))
    except TimeoutError:
        leg.hang_up(unanswered)
        return False
    if declined is not None:
        leg.hang_up(declined)
    return prepared and declined is None


async def drop_later(leg: CallLeg, answerer: Answerer) -> None:
    if answerer.drop_after_ms is not None:
        await asyncio.sleep(answerer.drop_after_ms / 1000)
        leg.hang_up(CARRIER_DROP)

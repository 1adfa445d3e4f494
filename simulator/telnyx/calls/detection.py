"""Answering machine detection on a leg: what answered is known, when Telnyx would know it is acted out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from simulator.caller.answering_machine import Answered, detections
from simulator.telnyx.happenings import MachineDetected
from simulator.telnyx.requests.amd import AmdRules

if TYPE_CHECKING:
    from simulator.telnyx.calls.leg import CallLeg


def start_detection(leg: CallLeg, rules: AmdRules, kind: Answered) -> asyncio.Task[None]:
    """Detect who answered a leg that was just answered; the task ends once it is known."""
    plan = detections(rules, kind, leg.party.beep_at_ms, leg.party.greeting_end_ms)

    async def detect() -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        for after_ms, happening in plan:
            await asyncio.sleep(max(0.0, began + after_ms / 1000 - clock()))
            if isinstance(happening, MachineDetected):
                leg.detected = happening.result
            leg.tell(happening)

    return leg.spawn(detect())

"""The line from the telephone to the agent: what it does to the media frames and to their socket. Pure.

Works on ticks of 20 ms, one packet each. The frames are those of the inbound track; frames of the outbound track
have not been on the telephone's line and pass untouched.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from random import Random
from typing import Final

from simulator.audio import FRAME_MS
from simulator.line.losses import Losses
from simulator.line.plan import LineFaultPlan
from simulator.telnyx.media.faults_port import SocketAction

_OUTBOUND: Final = '"track":"outbound"'
_HEAD: Final = 400
"""Characters of a frame before its payload, at most."""


@dataclass(slots=True)
class LineFaultStats:
    """Packets from the telephone. `late` arrived at least 20 ms after their time; `jitter_ms` is the largest
    interarrival jitter (RFC 3550)."""

    packets: int = 0
    lost: int = 0
    late: int = 0
    reordered: int = 0
    duplicated: int = 0
    jitter_ms: float = 0.0


class TelephoneFaults:
    """Satisfies `simulator.telnyx.media.faults_port.StreamFaults`."""

    def __init__(self, plan: LineFaultPlan) -> None:
        self.stats = LineFaultStats()
        self._plan = plan
        self._losses = Losses(plan, "to_agent")
        self._jitter = Random(f"{plan.seed}/to_agent/jitter")
        self._reorder = Random(f"{plan.seed}/to_agent/reorder")
        self._duplicate = Random(f"{plan.seed}/to_agent/duplicate")
        self._drift = 0.0
        self._elapsed_ms = -FRAME_MS
        self._dropped = False
        self._tick = -1
        self._order = 0
        self._last_due = 0
        self._last_delay_ms = 0.0
        self._smoothed_ms = 0.0
        self._waiting: list[tuple[int, float, str]] = []

    def action(self) -> SocketAction | None:
        """What happens to the socket in the next 20 ms. It goes once: a later stream of the leg is left alone."""
        plan = self._plan
        self._elapsed_ms += FRAME_MS
        if plan.drop_at_ms is not None and not self._dropped and self._elapsed_ms >= plan.drop_at_ms:
            self._dropped = True
            return SocketAction.STOP if plan.drop_stop else SocketAction.DROP
        if plan.stall_at_ms is not None and 0 <= self._elapsed_ms - plan.stall_at_ms < plan.stall_ms:
            return SocketAction.STALL
        return None

    def pass_frames(self, frames: list[str]) -> list[str]:
        """The frames of this tick go in; those that arrive now come out."""
        self._tick += 1
        untouched: list[str] = []
        for frame in frames:
            if _OUTBOUND in frame[:_HEAD]:
                untouched.append(frame)
            else:
                self._take(frame)
        waiting = self._waiting
        arrived: list[str] = []
        while waiting and waiting[0][0] <= self._tick:
            arrived.append(heapq.heappop(waiting)[2])
        return arrived + untouched

    def _take(self, frame: str) -> None:
        plan, stats = self._plan, self.stats
        stats.packets += 1
        copies = 1 + self._drifted()
        if self._losses.next() or plan.one_way == "to_agent":
            stats.lost += 1
            return
        if plan.duplicate and self._duplicate.random() < plan.duplicate:
            stats.duplicated += 1
            copies += 1
        for _ in range(copies):
            self._send(frame)

    def _send(self, frame: str) -> None:
        plan = self._plan
        due = self._tick + self._late_by()
        order = float(self._order)
        self._order += 1
        if plan.reorder and self._reorder.random() < plan.reorder:
            # Behind the next packet, which does not wait for this one.
            self.stats.reordered += 1
            due, order = due + 1, order + 1.5
        else:
            self._last_due = due
        self.stats.late += due > self._tick
        heapq.heappush(self._waiting, (due, order, frame))

    def _late_by(self) -> int:
        """Ticks of delay. Never so short that a packet overtakes the one before it."""
        if not self._plan.jitter_ms:
            return max(0, self._last_due - self._tick)
        delay_ms = self._jitter.random() * self._plan.jitter_ms
        # Rounded at random, so that less than a tick of jitter shows as well, and the mean is kept.
        ticks = max(int(delay_ms / FRAME_MS + self._jitter.random()), self._last_due - self._tick)
        self._measure(ticks * FRAME_MS)
        return ticks

    def _measure(self, delay_ms: float) -> None:
        self._smoothed_ms += (abs(delay_ms - self._last_delay_ms) - self._smoothed_ms) / 16
        self._last_delay_ms = delay_ms
        self.stats.jitter_ms = max(self.stats.jitter_ms, self._smoothed_ms)

    def _drifted(self) -> int:
        """1 when the telephone's fast clock has made a packet too many, -1 when a slow one owes one."""
        self._drift += self._plan.drift_ppm / 1e6
        if abs(self._drift) < 1:
            return 0
        step = 1 if self._drift > 0 else -1
        self._drift -= step
        return step

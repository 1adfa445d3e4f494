"""The line of a leg: what its faults, if any, do to either direction."""

from __future__ import annotations

from dataclasses import replace

from simulator.audio import Samples
from simulator.line.faults import LineFaults
from simulator.line.plan import LineFaultPlan
from simulator.telnyx.happenings import LineStats
from simulator.telnyx.media.faults_port import StreamFaults


class Line:
    def __init__(self, plan: LineFaultPlan | None) -> None:
        self._faults = None if plan is None else LineFaults(plan)
        self.clean = plan is None
        """Whether `heard` changes nothing."""

    def heard(self, samples: Samples | None) -> Samples | None:
        """What arrives at the telephone of 20 ms sent to it."""
        return samples if self._faults is None else self._faults.heard(samples)

    def stream_faults(self) -> StreamFaults | None:
        return None if self._faults is None else self._faults.to_agent

    def count(self, stats: LineStats) -> LineStats:
        """`stats` with what the line did."""
        if self._faults is None:
            return stats
        done = self._faults.stats
        received = max(0, stats.received - done.lost)
        return replace(stats, received=received, late=done.late, lost=done.lost, jitter_ms=done.jitter_ms)

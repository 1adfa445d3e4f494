"""One line with its faults, both ways. Pure."""

from __future__ import annotations

from simulator.audio import Samples
from simulator.line.losses import Losses
from simulator.line.plan import LineFaultPlan
from simulator.line.telephone import LineFaultStats, TelephoneFaults


class LineFaults:
    """`to_agent` takes the media frames of the leg's stream, `heard` the audio for the telephone."""

    def __init__(self, plan: LineFaultPlan) -> None:
        self.plan = plan
        self.to_agent = TelephoneFaults(plan)
        self._losses = Losses(plan, "to_caller")
        self._deaf = plan.one_way == "to_caller"

    @property
    def stats(self) -> LineFaultStats:
        """Of the packets from the telephone, which are those that `call_quality_stats` calls inbound."""
        return self.to_agent.stats

    def heard(self, samples: Samples | None) -> Samples | None:
        """What the telephone plays of the next 20 ms. Its jitter buffer hides all but losses, which are gaps."""
        return None if self._losses.next() or self._deaf else samples

"""Which packets a line loses: some at random, some in bursts. Pure."""

from __future__ import annotations

from random import Random

from simulator.line.plan import LineFaultPlan


class Losses:
    """One direction of a line. Bursts follow Gilbert and Elliott: a good state, and a bad one that loses all."""

    def __init__(self, plan: LineFaultPlan, direction: str) -> None:
        self._random = Random(f"{plan.seed}/{direction}/loss")
        self._bursts = Random(f"{plan.seed}/{direction}/burst")
        self._loss = plan.loss
        self._leave = 1 / plan.burst_length
        # In the long run a share of enter / (enter + leave) of all packets is lost.
        self._enter = self._leave * plan.burst_loss / (1 - plan.burst_loss)
        self._bad = False

    def next(self) -> bool:
        """Whether the next packet is lost."""
        if self._enter:
            changes = self._bursts.random() < (self._leave if self._bad else self._enter)
            self._bad ^= changes
        # Drawn for every packet, so that one kind of loss does not move the other.
        alone = self._loss > 0 and self._random.random() < self._loss
        return alone or self._bad

"""The process's one media clock: a wheel of 20 slots of 1 ms, turning on absolute deadlines.

A task per call drifts and wakes the loop once per call and frame; here all calls of a slot share one wake-up, and
a late slot is followed at once by the next ones, so that the long-term rate of every call is exact.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from simulator.alarm import Alarm, alarm
from simulator.audio import FRAME_MS

log = logging.getLogger(__name__)

_SLOTS: Final = FRAME_MS
_STEP: Final = 0.001
_SUSPENDED: Final = 1.0
"""Seconds of lateness that mean a stopped process or a sleeping machine: the schedule starts anew."""

Tick = Callable[[], None]


@dataclass(slots=True)
class Punctuality:
    """How late the wheel's slots came, since the process started. Milliseconds where the name says so."""

    slots: int = 0
    late_over_5_ms: int = 0
    late_over_20_ms: int = 0
    latest_ms: float = 0.0
    restarts: int = 0

    def count(self, late: float) -> None:
        self.slots += 1
        self.late_over_5_ms += late > 0.005
        self.late_over_20_ms += late > 0.020
        self.latest_ms = max(self.latest_ms, late * 1000)


class Wheel:
    """Calls every added callback once per 20 ms, on the loop of its first `add`. Idle without callbacks."""

    def __init__(self) -> None:
        self.punctuality = Punctuality()
        self._slots: list[dict[int, Tick]] = [{} for _ in range(_SLOTS)]
        self._slot_of: dict[int, int] = {}
        self._handles = 0
        self._start = 0.0
        self._step = 0
        self._alarm: Alarm | None = None

    def __len__(self) -> int:
        return len(self._slot_of)

    def add(self, tick: Tick) -> int:
        """Put `tick` on the emptiest slot and return the handle for `remove`.

        A tick that raises is removed and logged; it must not stop the others.
        """
        slot = min(range(_SLOTS), key=lambda index: len(self._slots[index]))
        self._handles += 1
        self._slots[slot][self._handles] = tick
        self._slot_of[self._handles] = slot
        if self._alarm is None:
            self._alarm = alarm(self._turn)
            self._start, self._step = monotonic(), 0
        self._sleep(self._alarm)
        return self._handles

    def remove(self, handle: int) -> None:
        """Forget a callback; a handle that is already gone is fine."""
        slot = self._slot_of.pop(handle, None)
        if slot is not None:
            del self._slots[slot][handle]
        if not self._slot_of and self._alarm is not None:
            self._alarm.close()
            self._alarm = None

    def _sleep(self, alarm: Alarm) -> None:
        """Until the next slot that holds a callback."""
        ahead = next(n for n in range(_SLOTS) if self._slots[(self._step + n) % _SLOTS])
        self._step += ahead
        alarm.set(self._start + self._step * _STEP)

    def _turn(self) -> None:
        """Run the slots that are due, at most one round, so that the loop also gets its turn."""
        for _ in range(_SLOTS):
            late = monotonic() - (self._start + self._step * _STEP)
            if self._alarm is None or late < -self._alarm.early:
                break
            if late > _SUSPENDED:
                self.punctuality.restarts += 1
                self._start += late
                late = 0.0
            slot = self._slots[self._step % _SLOTS]
            if slot:
                self.punctuality.count(max(0.0, late))
                self._run(slot)
            self._step += 1
        if self._alarm is not None:
            self._sleep(self._alarm)

    def _run(self, slot: dict[int, Tick]) -> None:
        for handle, tick in list(slot.items()):
            # It may have been removed by one before it.
            if handle in slot:
                try:
                    tick()
                except Exception:
                    log.exception("A media callback failed and was taken off the wheel.")
                    self.remove(handle)

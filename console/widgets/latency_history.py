"""What callers of the selected call waited for, over its turns: the answers as bars, and the ends of turn."""

from __future__ import annotations

from itertools import groupby

from console import turn_ends, words
from console.styles import DIM, GOOD, PLAIN, WARN
from console.widgets.lines import Row
from console.widgets.panel import Panel

_FULL_MS = 2 * words.SLOW_MS


class LatencyHistory(Panel):
    """One bar per answered turn; a full bar is two seconds or more. Below it the two numbers that turn
    detection trades against each other."""

    DEFAULT_CSS = "LatencyHistory { height: 2; }"

    def body(self, width: int, height: int) -> list[Row]:
        call = self.view.call
        ends = turn_ends.across(call.state.listening.heard) if call is not None else ""
        return [
            self._bars(list(call.waits) if call is not None else []),
            Row().add(ends or "No end of turn yet.", PLAIN if ends else DIM),
        ]

    def _bars(self, waits: list[int]) -> Row:
        if not waits:
            return Row().add("No answers yet.", DIM)
        row = Row()
        for slow, group in groupby(waits, lambda wait: wait > words.SLOW_MS):
            row.add("".join(self._bar(wait) for wait in group), WARN if slow else GOOD)
        p50, p95 = (words.seconds(words.percentile(waits, share)) for share in (0.5, 0.95))
        return row.add(f"   p50 {p50}   p95 {p95} s", DIM)

    def _bar(self, wait: int) -> str:
        return self.view.symbols.bars[min(8, max(1, round(8 * wait / _FULL_MS)))]

"""Where the time of one turn went: from the caller's last word to the agent's first."""

from __future__ import annotations

from rich.style import Style

from agent.call_state import Turn
from console import words
from console.styles import CALLER, DIM, GOOD, PLAIN, TOOL, WARN, WHO
from console.text import clip
from console.widgets.lines import Row
from console.widgets.panel import Panel

_LABEL = 7
_VALUE = 6
_LEAD_SHARE = 5
"""One part in so many of the chart is for the caller's words before the wait begins."""
_LEAST_MS = 1_500
_PART_STYLES = {"end_of_turn": WARN, "llm_first_token": TOOL, "tts_first_audio": GOOD, "first_media": DIM}


class TurnInspector(Panel):
    """A chart whose zero is the end of the caller's last word."""

    DEFAULT_CSS = "TurnInspector { height: 9; }"

    def title(self) -> tuple[str, str]:
        """Title and remark for the rule above."""
        turn = self.view.shown_turn()
        if turn is None:
            return "turn", ""
        latest = "" if self.view.turn is not None else " (latest)"
        return f"turn {turn.number}{latest}", f"i {self.view.next_look()}"

    def body(self, width: int, height: int) -> list[Row]:
        turn = self.view.shown_turn()
        if turn is None:
            return [Row().add("No turn yet: the caller has not spoken.", DIM)]
        rows = [Row().add(clip(_how(turn), width, self.view.symbols.ellipsis), DIM)]
        if turn.total_ms is None:
            return [*rows, Row().add("No answer yet.", DIM)]
        return [*rows, *self._chart(turn, turn.total_ms, width), self._total(turn.total_ms, width)]

    def _chart(self, turn: Turn, total_ms: int, width: int) -> list[Row]:
        symbols = self.view.symbols
        cells = width - _LABEL - _VALUE
        zero = cells // _LEAD_SHARE
        per_cell = max(_LEAST_MS, total_ms * 1.25) / (cells - zero)
        spoken = max(1, round(turn.spoke_ms / per_cell)) if turn.spoke_ms else 0
        rows = [self._bar("caller", max(0, zero - spoken), zero, CALLER, "")]
        done = 0
        for name, short in words.PARTS.items():
            part = turn.parts.get(name, 0)
            begin, end = zero + round(done / per_cell), zero + round((done + part) / per_cell)
            rows.append(self._bar(short, begin, max(end, begin + 1), _PART_STYLES[name], str(part)))
            done += part
        begin = zero + round(done / per_cell)
        length = round(turn.answer_ms / per_cell) if turn.answer_ms else cells
        rows.append(self._bar("agent", begin, min(cells, begin + max(1, length)), WHO["agent"], ""))
        rows.append(Row().to(_LABEL).add(_axis(cells, zero, per_cell, symbols.dot), DIM))
        return rows

    def _bar(self, label: str, begin: int, end: int, style: Style, value: str) -> Row:
        row = Row().cell(label, _LABEL, DIM).to(_LABEL + begin)
        row.add(self.view.symbols.block * (end - begin), style)
        return row.add(f" {value}", PLAIN) if value else row

    def _total(self, total_ms: int, width: int) -> Row:
        symbols = self.view.symbols
        slow = total_ms > words.SLOW_MS
        row = Row().add(f"e2e {total_ms} ms of {words.SLOW_MS} ", WARN if slow else PLAIN)
        room = width - row.width - 1
        full = min(room, round(room * total_ms / words.SLOW_MS))
        row.add(symbols.block * full, WARN if slow else GOOD)
        return row.add(symbols.shade * (room - full), DIM)


def _how(turn: Turn) -> str:
    if not turn.decided_by:
        return "The caller is speaking."
    sure = f" eot {words.confidence(turn.confidence)}," if turn.confidence is not None else ""
    cut = ", answer cut off" if turn.interrupted else ""
    return f"{turn.decided_by}:{sure} {turn.silence_ms} ms of silence{cut}"


def _axis(cells: int, zero: int, per_cell: float, dot: str) -> str:
    """The seconds below the chart, as many labels as have room."""
    span_s = (cells - zero) * per_cell / 1000
    step = next((step for step in (0.5, 1, 2, 5, 10, 30) if span_s / step <= 5), 60)
    axis = list(" " * cells)
    second = 0.0
    while True:
        label = "0" if second == 0 else f"{second:g}".removeprefix("0")
        place = zero + round(second * 1000 / per_cell)
        if place + len(label) + 2 > cells:
            break
        axis[place : place + len(label)] = label
        second += step
    text = "".join(axis).rstrip()
    return f"{text} s" if text else dot

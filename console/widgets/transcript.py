"""The transcript of the selected call. Settled lines are wrapped once; only the last few are looked at again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from agent.call_state import CallState, Line, Turn
from console import words
from console.store import CallView
from console.view import View
from console.widgets.following import Following
from console.widgets.transcript_rows import ending_rows, rows_of

_OPEN_LINES = 40
"""Only lines this near to the end can still change; the fold rewrites none of the earlier ones."""


@dataclass(slots=True)
class _Block:
    """A line as it was drawn: ``print`` tells whether it has changed since."""

    line: Line
    print: tuple[object, ...]
    rows: int


class Transcript(Following):
    """Reads the selected call on every ``sync``."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._state: CallState | None = None
        self._blocks: list[_Block] = []
        self._shown: int | None = None
        self._played: Line | None = None

    def rebuild(self) -> None:
        self._blocks, self.strips = [], []

    def sync(self) -> None:
        width = self.size.width
        call = self.view.call
        if not self.display or width < 1:
            return
        if call is None:
            self.rebuild()
            return
        if call.state is not self._state:
            self._switch(call)
        keep = self._settled(call.state)
        first = sum(block.rows for block in self._blocks[:keep])
        before = self.strips[first:]
        del self._blocks[keep:], self.strips[first:]
        self._append(call, keep, width)
        after = self.strips[first:]
        if before != after:
            same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))
            self.changed_from(first + same, len(after) - len(before))

    def show_turn(self, number: int) -> None:
        """Bring the caller's words of a turn into sight."""
        row = 0
        for block in self._blocks:
            if block.line.who == "caller" and block.line.turn == number:
                self.show_row(row)
                return
            row += block.rows

    def show_line(self, line: Line) -> None:
        """Bring a line into sight, unless it is, and keep it there whatever is said meanwhile."""
        self.following, row = False, 0
        for block in self._blocks:
            if block.line is line:
                if not self._top <= row < self._top + self.size.height - block.rows + 1:
                    self.show_row(row)
                return
            row += block.rows

    def _switch(self, call: CallView) -> None:
        """Another call, or the same one from a new snapshot."""
        other = self._state is None or call.state.id != self._state.id
        self._state = call.state
        self.rebuild()
        if other:
            self.following, self.unseen = True, 0

    def _settled(self, state: CallState) -> int:
        """How many blocks at the beginning are still right."""
        lines, blocks = state.lines, self._blocks
        if blocks and (not lines or blocks[0].line is not lines[0]):
            # The fold dropped its oldest lines.
            self.rebuild()
            return 0
        turns, shown, played = _turns(state), self.view.turn, self.view.played
        same = shown == self._shown and played is self._played
        start = max(0, min(len(blocks), len(lines)) - _OPEN_LINES) if same else 0
        self._shown, self._played = shown, played
        for place in range(start, min(len(blocks), len(lines))):
            block = blocks[place]
            if block.line is not lines[place] or block.print != _print(lines[place], turns, shown, played):
                return place
        return min(len(blocks), len(lines))

    def _append(self, call: CallView, first: int, width: int) -> None:
        state, symbols = call.state, self.view.symbols
        shown, played = self.view.turn, self.view.played
        turns = _turns(state)
        explained = any(block.line.mark == "rough" for block in self._blocks)
        for line in state.lines[first:]:
            explain = line.mark == "rough" and not explained
            explained = explained or explain
            turn = turns.get(line.turn) if line.who == "caller" else None
            chosen = shown is not None and turn is not None and turn.number == shown
            rows = rows_of(line, turn, width, symbols, chosen=chosen, explain=explain, played=line is played)
            self._blocks.append(_Block(line, _print(line, turns, shown, played), len(rows)))
            self.strips.extend(rows)
        if not state.live:
            ended_at = call.began + (state.ended_mono - state.started_mono) / 1e9
            text = symbols.plain(words.ending(state))
            if totals := _totals(call):
                text = text.removesuffix(".") + totals
            self.strips.extend(ending_rows(text, ended_at, width, words.phase(state) == "failed"))


def _turns(state: CallState) -> dict[int, Turn]:
    return {turn.number: turn for turn in state.turns}


def _print(line: Line, turns: dict[int, Turn], shown: int | None, played: Line | None) -> tuple[object, ...]:
    turn = turns.get(line.turn) if line.who == "caller" and line.turn else None
    total = turn.total_ms if turn is not None else None
    chosen = turn is not None and turn.number == shown
    return line.text, line.final, line.confidence, line.took_ms, line.mark, total, chosen, line is played


def _totals(call: CallView) -> str:
    if not call.state.duration_ms:
        return ""
    turns = sum(turn.number > 0 for turn in call.state.turns)
    return f" after {words.duration(call.state.duration_ms / 1000)}, {words.plural(turns, 'turn')}"

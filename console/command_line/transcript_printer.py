"""A call as plain text, line by line as it firms up; on a terminal the line that is still open is rewritten."""

from __future__ import annotations

from typing import TextIO

from agent.call_state import CallState, Line
from console import turn_ends, words
from console.text import clean, clip

_INDENT = " " * 15
_ERASE = "\r\x1b[2K"
_COLOURS = {"caller": "36", "agent": "35", "operator": "34", "tool": "33", "note": "2"}
_DIM, _RED = "2", "31"


class TranscriptPrinter:
    """Writes to ``out``; ``width`` is the terminal's, or 0 when there is none and partials are left out."""

    def __init__(self, out: TextIO, width: int, colour: bool) -> None:
        self._out, self._width, self._colour = out, width, colour
        self._printed: set[int] = set()
        self._lines: list[Line] = []
        self._timed: set[int] = set()
        self._open = ""

    def update(self, state: CallState) -> None:
        """Print what became final since the last time."""
        for line in state.lines:
            if line.final and id(line) not in self._printed:
                self._printed.add(id(line))
                # Kept, so that no other line can get its id.
                self._lines.append(line)
                self._line(line, turn_ends.unsure_words(state.listening, line.key))
        for turn in state.turns:
            if turn.total_ms is not None and turn.number not in self._timed:
                self._timed.add(turn.number)
                self.note(words.latency(turn.total_ms, turn.parts), _DIM)
        self._show_open(state)

    def note(self, text: str, colour: str = "") -> None:
        """Print one line below the speakers' words."""
        self._write(_INDENT + self._paint(clean(text), colour))

    def say(self, text: str, colour: str = "") -> None:
        """Print one line from the margin."""
        self._write(self._paint(clean(text), colour))

    def close(self) -> None:
        """Leave the cursor on a line of its own."""
        self._erase()
        self._out.flush()

    def _line(self, line: Line, unsure: str) -> None:
        if line.who == "note":
            self.note(f"{line.mark} {line.text}".lstrip(), _RED if line.mark == "✗" else _DIM)
            return
        remarks = [text for text in (line.mark, unsure) if text]
        if line.who == "caller" and line.confidence is not None:
            remarks.append(f"eot {words.confidence(line.confidence)}")
        if line.took_ms is not None:
            remarks.append(f"{line.took_ms} ms")
        remark = f"  ({clean(', '.join(remarks))})" if remarks else ""
        self._write(self._begin(line) + clean(line.text) + self._paint(remark, _DIM))

    def _begin(self, line: Line) -> str:
        who = self._paint(f"{clip(clean(line.by or line.who), 8):<7} ", _COLOURS[line.who])
        return f" {self._paint(words.wall(words.epoch(line.at)), _DIM)} {who}"

    def _show_open(self, state: CallState) -> None:
        if not self._width:
            return
        line = next((line for line in reversed(state.lines) if not line.final), None)
        text = "" if line is None else clip(line.text, self._width - len(_INDENT) - 1)
        shown = "" if line is None else self._begin(line) + self._paint(text, _DIM)
        if shown != self._open:
            self._erase()
            self._out.write(shown)
            self._out.flush()
            self._open = shown

    def _erase(self) -> None:
        if self._open:
            self._out.write(_ERASE)
            self._open = ""

    def _write(self, text: str) -> None:
        self._erase()
        self._out.write(f"{text}\n")
        self._out.flush()

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour and colour and text else text

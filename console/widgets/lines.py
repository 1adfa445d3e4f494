"""Rows of text drawn by the line API: computed whole, sent to the terminal only where they changed."""

from __future__ import annotations

from itertools import zip_longest

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from console.styles import PLAIN
from console.text import clip, fit
from console.view import View


class Row:
    """One row under construction; ``width`` counts the cells it has so far."""

    __slots__ = ("_segments", "width")

    def __init__(self) -> None:
        self._segments: list[Segment] = []
        self.width = 0

    def add(self, text: str, style: Style = PLAIN) -> Row:
        """Append ``text``, which must be free of control characters."""
        if text:
            segments = self._segments
            if segments and segments[-1].style is style:
                # Every change of style costs some forty bytes on the way to the terminal.
                segments[-1] = Segment(segments[-1].text + text, style)
            else:
                segments.append(Segment(text, style))
            self.width += cell_len(text)
        return self

    def cell(self, text: str, width: int, style: Style = PLAIN) -> Row:
        """Append ``text`` cut or padded to ``width`` cells."""
        return self.add(fit(text, width, ""), style)

    def number(self, text: str, width: int, style: Style = PLAIN) -> Row:
        """Append ``text`` at the right of ``width`` cells."""
        return self.add(" " * max(0, width - cell_len(text)) + clip(text, width, ""), style)

    def to(self, column: int, filler: str = " ", style: Style = PLAIN) -> Row:
        """Fill up to ``column``."""
        return self.add(filler * max(0, column - self.width), style)

    def append(self, row: Row) -> Row:
        """Append another row as it is."""
        self._segments.extend(row._segments)
        self.width += row.width
        return self

    def after(self, cells: int) -> Row:
        """The row without its first ``cells``."""
        whole = Strip(self._segments, self.width).crop(cells)
        row = Row()
        row._segments, row.width = list(whole), self.width - cells
        return row

    def strip(self, width: int, over: Style | None = None) -> Strip:
        """The row in exactly ``width`` cells, with ``over`` on top of all of its styles."""
        self.to(width)
        segments = self._segments
        if over is not None:
            segments = [Segment(text, (style or PLAIN) + over) for text, style, _ in segments]
        strip = Strip(segments, self.width)
        return strip if self.width == width else strip.crop(0, width)


class Lines(Widget):
    """Shows what ``rows`` returns. ``sync`` computes it again and refreshes the rows that differ."""

    DEFAULT_CSS = "Lines { height: 1; }"

    def __init__(self, view: View) -> None:
        super().__init__()
        self.view = view
        self._strips: list[Strip] = []

    def rows(self, width: int, height: int) -> list[Strip]:
        """The rows for a widget of this size."""
        raise NotImplementedError

    def sync(self) -> None:
        """Draw what changed since the last time."""
        width, height = self.size
        if not self.display or not width or not height:
            return
        before, self._strips = self._strips, self.rows(width, height)[:height]
        changed = [y for y, (old, new) in enumerate(zip_longest(before, self._strips)) if old != new]
        if changed:
            self.refresh(*(Region(0, y, width, rows) for y, rows in _runs(changed)))

    def on_resize(self, _event: events.Resize) -> None:
        self.sync()

    def render_line(self, y: int) -> Strip:
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, PLAIN)


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Ascending numbers as (first, how many) of each unbroken run: a region costs more than the rows in it."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        first, count = runs[-1] if runs else (number, 0)
        if runs and first + count == number:
            runs[-1] = (first, count + 1)
        else:
            runs.append((number, 1))
    return runs

"""The panels of the right column, each row behind the column's edge."""

from __future__ import annotations

from textual.strip import Strip

from console.styles import RULE
from console.widgets.lines import Lines, Row


class Panel(Lines):
    """``body`` gives the rows without the edge."""

    def body(self, width: int, height: int) -> list[Row]:
        raise NotImplementedError

    def rows(self, width: int, height: int) -> list[Strip]:
        edge = Row().add(f"{self.view.symbols.edge} ", RULE).strip(2)
        body = self.body(width - 2, height)[:height]
        body += [Row() for _ in range(height - len(body))]
        return [Strip.join([edge, row.strip(width - 2)]) for row in body]

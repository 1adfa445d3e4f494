"""A horizontal line with a title at its left and a remark at its right."""

from __future__ import annotations

from collections.abc import Callable

from rich.cells import cell_len
from textual.strip import Strip

from console.styles import DIM, HEADING, RULE
from console.text import clip
from console.view import View
from console.widgets.lines import Lines, Row

Words = Callable[[], tuple[str, str | Row]]


class Rule(Lines):
    """``words`` gives title and remark. ``start`` is the first character, where a column's edge joins;
    ``joint`` is the place where one ends from above, -1 for none."""

    def __init__(self, view: View, words: Words, start: str = "", joint: Callable[[], int] = lambda: -1) -> None:
        super().__init__(view)
        self.words = words
        self.start = start
        self.joint = joint

    def rows(self, width: int, height: int) -> list[Strip]:
        line = self.view.symbols.rule
        title, remark = self.words()
        row = Row().add(self.start or line, RULE)
        if self.start:
            row.add(line, RULE)
        if title:
            row.add(f" {clip(title, width - 6, self.view.symbols.ellipsis)} ", HEADING)
        room = width - row.width - 4
        if isinstance(remark, Row):
            if 0 < remark.width <= room:
                row.to(width - remark.width - 3, line, RULE).add(" ").append(remark).add(" ").add(line, RULE)
            return [row.to(width, line, RULE).strip(width)]
        remark = clip(remark, room, self.view.symbols.ellipsis) if remark and room > 8 else ""
        row.to(width - (cell_len(remark) + 3 if remark else 0), line, RULE)
        if remark:
            row.add(f" {remark} ", DIM).add(line, RULE)
        joint = self.joint()
        if not title and not remark and 0 < joint < width:
            row = Row().to(joint, line, RULE).add(self.view.symbols.tee_up, RULE).to(width, line, RULE)
        return [row.strip(width)]

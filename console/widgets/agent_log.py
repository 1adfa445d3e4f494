"""Warnings and errors of the agent, and what became of the processes."""

from __future__ import annotations

from textual.strip import Strip

from console import words
from console.store import Notice
from console.styles import BAD, DIM, PLAIN, WARN
from console.text import wrap
from console.widgets.following import Following
from console.widgets.lines import Row

STYLES = {"info": DIM, "warn": WARN, "error": BAD}
_INDENT = 17


class AgentLog(Following):
    """The store's log, wrapped once."""

    DEFAULT_CSS = "AgentLog { display: none; }"

    _logged = 0

    def rebuild(self) -> None:
        self.strips, self._logged = [], 0

    def sync(self) -> None:
        store = self.view.store
        width = self.size.width
        new = store.logged - self._logged
        if not self.display or width < 1 or not new:
            return
        if new > len(store.log) or len(self.strips) > 4 * (store.log.maxlen or 0):
            self.rebuild()
            new = len(store.log)
        self._logged = store.logged
        first = len(self.strips)
        for line in list(store.log)[-new:]:
            self.strips.extend(_rows(line, width))
        self.changed_from(first, len(self.strips) - first)


def _rows(line: Notice, width: int) -> list[Strip]:
    rows: list[Strip] = []
    for place, part in enumerate(wrap(line.text, max(10, width - _INDENT - 1))):
        row = Row()
        if place == 0:
            row.add(f" {words.wall(line.at, '%H:%M:%S')} ", DIM).cell(line.level, 6, STYLES[line.level])
        rows.append(row.to(_INDENT).add(part, DIM if line.level == "info" else PLAIN).strip(width))
    return rows

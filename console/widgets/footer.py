"""The keys that do something right now; a click presses them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.style import Style
from textual.strip import Strip

from console.commands import BY_NAME, COMMANDS, Command, Situation, key_name
from console.styles import DIM, KEY
from console.view import View
from console.widgets.lines import Lines, Row

_LAST = BY_NAME["help"]


class Footer(Lines):
    """As many commands as fit in the order of the table, help always among them."""

    def __init__(self, view: View, situation: Callable[[], Situation]) -> None:
        super().__init__(view)
        self._situation = situation
        self.instead: Sequence[tuple[str, str]] = ()
        """Keys and what they do while a panel has them all."""

    def rows(self, width: int, height: int) -> list[Strip]:
        row = Row()
        if self.instead:
            for key, label in self.instead:
                row.add(" ").add(self.view.symbols.plain(key), KEY).add(f" {label} ", DIM)
            return [row.strip(width)]
        situation = self._situation()
        room = width - _width(_LAST)
        for command in COMMANDS:
            if not command.label or command is _LAST or command.reason(situation):
                continue
            if row.width + _width(command) <= room:
                self._put(row, command)
        self._put(row, _LAST)
        return [row.strip(width)]

    def _put(self, row: Row, command: Command) -> None:
        click = Style(meta={"@click": f"screen.command('{command.name}')"})
        row.add(" ").add(_key(command, self.view.symbols.plain), KEY + click)
        row.add(f" {command.label} ", DIM + click)


def _key(command: Command, plain: Callable[[str], str] = str) -> str:
    return plain(_both(command))


def _both(command: Command) -> str:
    """The key, or two keys for a pair of commands that share one label."""
    return "← →" if command.name == "previous-turn" else key_name(command.keys[0])


def _width(command: Command) -> int:
    return len(_both(command)) + len(command.label) + 3

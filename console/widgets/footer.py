"""The keys that do something right now; a click presses them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.style import Style
from textual.strip import Strip

from console.commands import BY_NAME, Command, Situation, for_footer, key_name
from console.styles import DIM, KEY
from console.view import View
from console.widgets.lines import Lines, Row

Keys = Callable[[], Sequence[tuple[str, str]]]

_LAST = BY_NAME["help"]


class Footer(Lines):
    """As many commands as fit, the most urgent first, help always among them."""

    def __init__(self, view: View, situation: Callable[[], Situation]) -> None:
        super().__init__(view)
        self._situation = situation
        self.instead: Keys | None = None
        """Keys and what they do while a panel or the prompt has them all."""

    def rows(self, width: int, height: int) -> list[Strip]:
        row = Row()
        if self.instead is not None:
            for key, label in self.instead():
                row.add(" ").add(self.view.symbols.plain(key), KEY).add(f" {label} ", DIM)
            return [row.strip(width)]
        situation = self._situation()
        last = _LAST.label_in(situation)
        room = width - _width(_LAST, last)
        for command in for_footer(situation):
            label = command.label_in(situation)
            if row.width + _width(command, label) <= room:
                self._put(row, command, label)
        self._put(row, _LAST, last)
        return [row.strip(width)]

    def _put(self, row: Row, command: Command, label: str) -> None:
        click = Style(meta={"@click": f"screen.command('{command.name}')"})
        row.add(" ").add(_key(command, self.view.symbols.plain), KEY + click)
        row.add(f" {label} ", DIM + click)


def _key(command: Command, plain: Callable[[str], str] = str) -> str:
    return plain(_both(command))


def _both(command: Command) -> str:
    """The key, or two keys for a pair of commands that share one label."""
    return "← →" if command.name == "previous-turn" else key_name(command.keys[0])


def _width(command: Command, label: str) -> int:
    return len(_both(command)) + len(label) + 3

"""All commands with their keys, made from the table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from console.commands import COMMANDS, Command, key_name
from console.styles import DIM, KEY
from console.symbols import Symbols
from console.widgets import phone_panel, player_panel, sound_panel, tuning_panel


class HelpScreen(ModalScreen[None]):
    """Esc, q or ? leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,question_mark", "dismiss(None)", "Leave")]
    CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen > VerticalScroll { width: 80; max-height: 100%; height: auto; padding: 0 2; background: $surface;
        border: round $panel; border-title-color: $foreground; scrollbar-size-vertical: 1; }
    """

    def __init__(self, symbols: Symbols) -> None:
        super().__init__()
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        lines = [*map(self._line, COMMANDS), Text(), *(self._panel(name, keys) for name, keys in _PANELS)]
        text = Text("\n").join(lines)
        with VerticalScroll() as box:
            box.border_title = "keys, and commands for the : prompt"
            box.border_subtitle = "Esc leaves"
            yield Static(text)

    def _panel(self, name: str, panel_keys: Iterable[tuple[str, str]]) -> Text:
        told, used = Text(f"{name:<10}", DIM), 0
        for key, label in panel_keys:
            one = Text.assemble((f"{self._symbols.plain(key)} ", KEY), f"{label}  ")
            used += len(one)
            if used > _PANEL_WIDTH:
                told.append(f"\n{'':10}")
                used = len(one)
            told.append_text(one)
        return told

    def _line(self, command: Command) -> Text:
        return Text.assemble(
            (f"{self._symbols.plain(keys(command)):<9}", KEY), f"{':' + command.usage:<18}", (command.help, DIM)
        )


_PANEL_WIDTH = 62
_PANELS = (
    ("softphone", dict.fromkeys((*phone_panel.IDLE, *phone_panel.TALKING))),
    ("recording", player_panel.KEYS),
    ("sound", sound_panel.KEYS),
    ("tuning", tuning_panel.KEYS),
)
"""The keys of the panels, which have them all while they are open."""


def keys(command: Command) -> str:
    """The keys of a command, for people."""
    return "1-9" if command.name == "select" else " ".join(key_name(key) for key in command.keys)

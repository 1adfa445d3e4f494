"""All commands with their keys, made from the table."""

from __future__ import annotations

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
        text = Text("\n").join(self._line(command) for command in COMMANDS)
        with VerticalScroll() as box:
            box.border_title = "keys, and commands for the : prompt"
            box.border_subtitle = "Esc leaves"
            yield Static(text)

    def _line(self, command: Command) -> Text:
        return Text.assemble(
            (f"{self._symbols.plain(keys(command)):<9}", KEY), f"{':' + command.usage:<18}", (command.help, DIM)
        )


def keys(command: Command) -> str:
    """The keys of a command, for people."""
    return "1-9" if command.name == "select" else " ".join(key_name(key) for key in command.keys)

"""The dialog that asks for a number and, on a live line, whether it may cost money."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from console import words
from console.numbers import check

_HINT = "Enter dials, Esc leaves."


class DialScreen(ModalScreen[str | None]):
    """Returns the number in E.164, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "Leave")]
    CSS = """
    DialScreen { align: center middle; background: $background 60%; }
    DialScreen > Vertical { width: 60; height: auto; padding: 1 2; background: $surface; border: round $panel; }
    DialScreen Input { border: none; height: 1; padding: 0 1; margin: 1 0; background: $background; }
    DialScreen .live { color: $error; text-style: bold; }
    """

    def __init__(self, number: str, line: str) -> None:
        super().__init__()
        self._live = line == "LIVE"
        self._input = Input(number, placeholder="+1 555 010 0123", compact=True)
        self._verdict = Static(_HINT, markup=False)
        self._asked = ""

    def compose(self) -> ComposeResult:
        title = "Dial a real telephone: this costs money" if self._live else "Dial on the simulated line"
        yield Vertical(
            Static(title, markup=False, classes="live" if self._live else ""), self._input, self._verdict
        )

    async def on_input_changed(self, event: Input.Changed) -> None:
        self._asked = ""
        number = await check(event.value)
        if event.value != self._input.value:
            return
        if number is not None:
            self._verdict.update(f"{words.number(number)}. {_HINT}")
        elif event.value.strip():
            self._verdict.update("Not a number yet: begin with + and the country code.")
        else:
            self._verdict.update("A number with its country code, such as +1 555 010 0123.")

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        number = await check(event.value)
        if number is None:
            self._verdict.update("This is no telephone number: begin with + and the country code.")
        elif self._live and self._asked != number:
            self._asked = number
            self._verdict.update(f"Really dial {words.number(number)} for money? Enter again dials, Esc leaves.")
        else:
            self.dismiss(number)

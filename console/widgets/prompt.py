"""The ``:`` prompt."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.suggester import SuggestFromList
from textual.widgets import Input

from console.commands import COMMANDS


class Prompt(Input):
    """One line that becomes a command with Enter; Esc, or Backspace in an empty one, leaves."""

    DEFAULT_CSS = "Prompt { display: none; height: 1; padding: 0 1; border: none; background: $surface; }"

    def __init__(self, submit: Callable[[str], None], leave: Callable[[], None]) -> None:
        names = SuggestFromList([f":{command.name}" for command in COMMANDS], case_sensitive=False)
        super().__init__(suggester=names, select_on_focus=False, compact=True)
        self._submit, self._leave = submit, leave

    def open(self, text: str = "") -> None:
        self.display = True
        self.value = f":{text}"
        self.cursor_position = len(self.value)

    def on_key(self, event: events.Key) -> None:
        text = self.value.strip(" :")
        leaves = event.key in ("enter", "escape") or (event.key == "backspace" and not text)
        if not leaves:
            return
        event.stop()
        event.prevent_default()
        self._leave()
        if text and event.key == "enter":
            self._submit(text)

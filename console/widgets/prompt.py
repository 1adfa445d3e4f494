"""The ``:`` prompt."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.suggester import SuggestFromList
from textual.widgets import Input

from console.commands import COMMANDS


class Prompt(Input):
    """One line that becomes a command with Enter; Esc, or Backspace in an empty one, leaves, and so does Tab where
    it means something."""

    DEFAULT_CSS = "Prompt { display: none; height: 1; padding: 0 1; border: none; background: $surface; }"

    def __init__(self, submit: Callable[[str], None], leave: Callable[[], None]) -> None:
        names = SuggestFromList([f":{command.name}" for command in COMMANDS], case_sensitive=False)
        super().__init__(suggester=names, select_on_focus=False, compact=True)
        self._submit, self._leave = submit, leave
        self._tab: Callable[[], None] | None = None

    def open(self, text: str = "", tab: Callable[[], None] | None = None) -> None:
        """``tab`` is what the key does instead of what was typed."""
        self.display, self._tab = True, tab
        self.value = f":{text}"
        self.cursor_position = len(self.value)

    def on_key(self, event: events.Key) -> None:
        text = self.value.strip(" :")
        tab = self._tab if event.key == "tab" else None
        leaves = event.key in ("enter", "escape") or (event.key == "backspace" and not text) or tab is not None
        if not leaves:
            return
        event.stop()
        event.prevent_default()
        self._leave()
        if tab is not None:
            tab()
        elif text and event.key == "enter":
            self._submit(text)

"""A panel below the transcript that has the keys while it is open."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from console.view import View
from console.widgets.lines import Lines


class KeyPanel(Lines):
    """``passes`` are the keys that it leaves to its screen, and so are those with ctrl and the one that closes
    the operator's microphone."""

    passes: frozenset[str] = frozenset()

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.can_focus = True

    def keys(self) -> Sequence[tuple[str, str]]:
        """What works now, for the footer: keys and what they do."""
        raise NotImplementedError

    def press(self, key: str, character: str) -> None:
        """A key was pressed; ``character`` is what it writes, if anything."""
        raise NotImplementedError

    def stands(self, height: int) -> None:
        """Take ``height`` rows."""
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return not self._passed(key)

    def on_key(self, event: events.Key) -> None:
        if self._passed(event.key):
            return
        event.stop()
        event.prevent_default()
        self.press(event.key, event.character or "")
        if self.is_attached:
            self.sync()

    def _passed(self, key: str) -> bool:
        return key.startswith("ctrl+") or key in self.passes or self.view.ends_speaking(key)

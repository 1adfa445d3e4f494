"""The LiveKit room of the selected call: who is in it, and what its SIP trunk told."""

from __future__ import annotations

from collections.abc import Callable

from textual.strip import Strip

from console import room_words
from console.styles import DIM, HEADING, PLAIN, RULE, WARN
from console.text import wrap
from console.view import View
from console.widgets.key_panel import KeyPanel
from console.widgets.lines import Row

KEYS = (("↑ ↓", "scroll"), ("Esc", "leave"))
_MOST = 14
_LABEL = 16


class RoomPanel(KeyPanel):
    """Has the keys while it is open; scrolls where there is more than fits."""

    DEFAULT_CSS = "RoomPanel { height: 10; }"

    def __init__(self, view: View, leave: Callable[[], None]) -> None:
        super().__init__(view)
        self._leave = leave
        self._first = 0

    def keys(self) -> tuple[tuple[str, str], ...]:
        return KEYS

    def press(self, key: str, character: str) -> None:
        match key:
            case "escape" | "q" | "v":
                self._leave()
            case "down" | "pagedown":
                self._first += 1 if key == "down" else self.size.height - 1
            case "up" | "pageup":
                self._first -= 1 if key == "up" else self.size.height - 1
            case _:
                pass

    def sync(self) -> None:
        call = self.view.call
        if call is None or call.state.line != "livekit":
            self._leave()
            return
        self.stands(min(1 + len(self._facts(self.size.width or 80)), _MOST, max(4, self.screen.size.height // 3)))
        super().sync()

    def rows(self, width: int, height: int) -> list[Strip]:
        symbols, facts = self.view.symbols, self._facts(width)
        self._first = max(0, min(self._first, len(facts) - height + 1))
        shown = facts[self._first : self._first + height - 1]
        head = Row().add(symbols.rule, RULE).add(" room ", HEADING)
        more = len(facts) - self._first - len(shown)
        remark = f" {more} more {symbols.following} " if more > 0 else ""
        head.to(width - len(remark) - 1, symbols.rule, RULE).add(remark, DIM).to(width, symbols.rule, RULE)
        return [row.strip(width) for row in (head, *shown)]

    def _facts(self, width: int) -> list[Row]:
        call = self.view.call
        rows: list[Row] = []
        for name, value in room_words.facts(call.state) if call is not None else ():
            style = WARN if (name, value) in _WAITS else PLAIN
            for place, part in enumerate(wrap(value, max(10, width - _LABEL - 2))):
                label = name if place == 0 else ""
                rows.append(Row().add(" ").cell(label, _LABEL, DIM).add(part, style))
        return rows


_WAITS = {("status", status) for status in ("dialing", "ringing", "automation")}

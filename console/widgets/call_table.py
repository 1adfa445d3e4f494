"""All calls, one row each, live ones first."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.strip import Strip

from console.store import CallView
from console.styles import CHOSEN, DIM, HEADING, ON_AIR, STRONG
from console.widgets.call_columns import NARROW, WIDE, WITH_ROOMS, Column, last_words
from console.widgets.lines import Lines, Row


class CallTable(Lines):
    """Reads the store on every ``sync``; a click on a row asks for that call with :class:`Chosen`."""

    DEFAULT_CSS = "CallTable { height: 2; }"

    class Chosen(Message):
        """The call with this id was clicked."""

        def __init__(self, call: str) -> None:
            super().__init__()
            self.call = call

    def height_for(self, screen_height: int) -> int:
        """Rows for all calls and the head, at most a third of the screen with the line above them."""
        return min(1 + len(self.view.store.calls), screen_height // 3 - 1)

    def rows(self, width: int, height: int) -> list[Strip]:
        listing, held = self.view.store.listing(), self.view.store.sound.held
        digits = max(2, len(str(len(listing))))
        first = self._first(height - 1, len(listing))
        columns = NARROW
        if self.view.wide:
            columns = WITH_ROOMS if self.view.store.rooms else WIDE
        found = [_head(columns, digits).strip(width)]
        for place in range(first, min(first + height - 1, len(listing))):
            chosen = listing[place].state.id == self.view.selected
            look = ON_AIR if listing[place].state.id == held else STRONG if chosen else DIM
            row = Row().add(f" {self.view.symbols.selected if chosen else ' '}", look)
            row.number(f"{place + 1} ", digits + 1, look)
            self._fill(row, columns, listing[place], width)
            found.append(row.strip(width, CHOSEN if chosen and look is not ON_AIR else None))
        return found

    def on_click(self, event: events.Click) -> None:
        listing = self.view.store.listing()
        place = self._first(self.size.height - 1, len(listing)) + event.y - 1
        if event.y >= 1 and place < len(listing):
            self.post_message(self.Chosen(listing[place].state.id))

    def _first(self, room: int, count: int) -> int:
        """The place of the first shown call, so that the selected one is in sight."""
        selected = self.view.store.number_of(self.view.selected) - 1
        return max(0, min(selected - room // 2, count - room)) if count > room else 0

    def _fill(self, row: Row, columns: tuple[Column, ...], call: CallView, width: int) -> None:
        symbols, now = self.view.symbols, self.view.store.clock()
        for column in columns:
            text, style = column.cell(call, symbols, now)
            put = row.number if column.right else row.cell
            put(text, column.width, style).add(" " * column.gap, style)
        row.add(*last_words(call, symbols, width - row.width - 1))


def _head(columns: tuple[Column, ...], digits: int) -> Row:
    row = Row().add(f"  {'#':>{digits}} ", HEADING)
    for column in columns:
        put = row.number if column.right else row.cell
        put(column.title, column.width, HEADING).add(" " * column.gap, HEADING)
    return row.add("last words", HEADING)

"""Text that grows at its end: it follows the end unless the reader has scrolled up."""

from __future__ import annotations

from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from console.styles import PLAIN
from console.view import View


class Following(Widget):
    """Rows in ``strips``; a subclass changes them and then calls ``changed_from``.

    Scrolls by itself: a scroll view would lay out the whole screen again for every new row.
    """

    DEFAULT_CSS = "Following { height: 1fr; }"

    def __init__(self, view: View) -> None:
        super().__init__()
        self.view = view
        self.strips: list[Strip] = []
        self.following = True
        self.unseen = 0
        """Rows that were added since the reader left the end."""
        self._top = 0

    def sync(self) -> None:
        """Draw what changed since the last time."""
        raise NotImplementedError

    def rebuild(self) -> None:
        """Forget every row, since the width has changed."""
        raise NotImplementedError

    def changed_from(self, first: int, grown: int = 0) -> None:
        """The rows from ``first`` on are new or different; ``grown`` of them are additional."""
        if not self.following:
            self.unseen += max(0, grown)
        top = self._end if self.following else min(self._top, self._end)
        if top != self._top:
            self._top = top
            self.refresh()
        elif first < top + self.size.height:
            self.refresh(Region(0, max(0, first - top), self.size.width, self.size.height))

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.following, self.unseen = True, 0
        self._top = self._end
        self.refresh()

    def scroll_rows(self, rows: int) -> None:
        """Scroll by ``rows``; reaching the end follows again."""
        self._go_to(self._top + rows)

    def show_row(self, row: int) -> None:
        """Bring a row into sight, a third down from the top."""
        self._go_to(row - self.size.height // 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_rows(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_rows(3)

    def on_resize(self, _event: events.Resize) -> None:
        self.rebuild()
        self.sync()
        self._go_to(self._end if self.following else self._top)

    def render_line(self, y: int) -> Strip:
        row = self._top + y
        return self.strips[row] if row < len(self.strips) else Strip.blank(self.size.width, PLAIN)

    @property
    def _end(self) -> int:
        """The top row when the last one is at the bottom."""
        return max(0, len(self.strips) - self.size.height)

    def _go_to(self, top: int) -> None:
        self._top = min(max(0, top), self._end)
        self.following = self._top == self._end
        if self.following:
            self.unseen = 0
        self.refresh()

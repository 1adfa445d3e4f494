"""Where the screen shows why turns ended: made when first looked at, as the first paint need not wait for it."""

from __future__ import annotations

from textual.containers import Vertical
from textual.widget import Widget

from console.view import View
from console.widgets.lines import Lines
from console.widgets.rule import Rule
from console.widgets.turn_detection import TurnDetection
from console.widgets.turn_ending import TurnEnding


class TurnEnds:
    """A page of the right column, put ``before`` a widget of it, and the whole of it in the left one."""

    def __init__(self, view: View, left: Vertical, right: Vertical, before: Widget) -> None:
        self._view = view
        page, self._full = TurnEnding(view), TurnDetection(view)
        self._rule = Rule(view, page.title)
        self._page: tuple[Lines, ...] = (self._rule, page)
        self.arrange()
        right.mount(*self._page, before=before)
        left.mount(self._full)

    def arrange(self) -> None:
        """Show what is to be seen."""
        view = self._view
        for widget in self._page:
            widget.display = view.both or view.endings
        self._rule.start = view.symbols.tee_left if view.both else view.symbols.tee_down
        self._full.display = view.call is not None and view.inspecting and not view.showing_log

    def sync(self) -> None:
        for widget in (*self._page, self._full):
            widget.sync()

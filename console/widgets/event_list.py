"""The events of the selected call, the latest first: one clock for carrier, recogniser, LLM, TTS and tools."""

from __future__ import annotations

from agent.events import Event
from console import words
from console.describe import Description, describe
from console.styles import BAD, DIM, PLAIN
from console.text import clip
from console.view import View
from console.widgets.lines import Row
from console.widgets.panel import Panel


class EventList(Panel):
    """As many of the last events as fit, all of them or the errors alone."""

    DEFAULT_CSS = "EventList { height: 1fr; }"

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._width = 0
        self._told: dict[int, tuple[Event, Description, Row]] = {}
        """What was shown last, by the event's identity: events do not change, and most stay for many frames."""

    def title(self) -> tuple[str, str]:
        """Title and remark for the rule above."""
        return ("errors", "a all") if self.view.errors_only else ("events", "e errors")

    def body(self, width: int, height: int) -> list[Row]:
        call = self.view.call
        before, self._told = (self._told if width == self._width else {}), {}
        self._width = width
        rows: list[Row] = []
        for event in reversed(call.events if call is not None else ()):
            found = before.get(id(event))
            if found is None or found[0] is not event:
                told = describe(event)
                found = event, told, self._row(event, told, width)
            self._told[id(event)] = found
            if self.view.errors_only and not found[1].bad:
                continue
            rows.append(found[2])
            if len(rows) == height:
                break
        return rows

    def _row(self, event: Event, told: Description, width: int) -> Row:
        row = Row().add(f"{words.wall_fine(event.at)} ", DIM).cell(told.family, 5, DIM)
        text = clip(told.text, width - row.width, self.view.symbols.ellipsis)
        return row.add(text, BAD if told.bad else PLAIN)

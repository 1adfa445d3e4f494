"""The events of the selected call, the latest first: one clock for carrier, recogniser, LLM, TTS and tools."""

from __future__ import annotations

from console import words
from console.describe import describe
from console.styles import BAD, DIM, PLAIN
from console.text import clip
from console.widgets.lines import Row
from console.widgets.panel import Panel


class EventList(Panel):
    """As many of the last events as fit, all of them or the errors alone."""

    DEFAULT_CSS = "EventList { height: 1fr; }"

    def title(self) -> tuple[str, str]:
        """Title and remark for the rule above."""
        return ("errors", "a all") if self.view.errors_only else ("events", "e errors")

    def body(self, width: int, height: int) -> list[Row]:
        call = self.view.call
        rows: list[Row] = []
        for event in reversed(call.events if call is not None else ()):
            told = describe(event)
            if self.view.errors_only and not told.bad:
                continue
            row = Row().add(f"{words.wall_fine(event.at)} ", DIM).cell(told.family, 5, DIM)
            rows.append(
                row.add(clip(told.text, width - row.width, self.view.symbols.ellipsis), BAD if told.bad else PLAIN)
            )
            if len(rows) == height:
                break
        return rows

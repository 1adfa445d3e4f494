"""The bottom line: the last notice, or a question that one key answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.strip import Strip

from console import words
from console.styles import ASKING, DIM, PLAIN
from console.text import clip
from console.view import View
from console.widgets.agent_log import STYLES
from console.widgets.lines import Lines, Row

INFO_S = 10.0
"""A notice that is no warning disappears after so long."""


@dataclass(frozen=True, slots=True)
class Question:
    """``answers`` maps keys to what they do; any other key means no."""

    text: str
    answers: Mapping[str, Callable[[], None]]


class NoticeLine(Lines):
    """Takes the focus while a question is open, so that no key can do anything else."""

    class Answered(Message):
        """The question is over."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.question: Question | None = None

    def ask(self, question: Question) -> None:
        """Put a question; the next key answers it once this has the focus."""
        self.question = question
        self.can_focus = True
        self.sync()

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return self.question is not None

    def on_key(self, event: events.Key) -> None:
        question = self.question
        if question is None:
            return
        event.stop()
        event.prevent_default()
        self.question = None
        self.can_focus = False
        self.post_message(self.Answered())
        answer = question.answers.get(event.key)
        if answer is not None:
            answer()
        self.sync()

    def rows(self, width: int, height: int) -> list[Strip]:
        row = Row()
        ellipsis = self.view.symbols.ellipsis
        if self.question is not None:
            return [row.add(" ").add(clip(self.question.text, width - 2, ellipsis), ASKING).strip(width)]
        notice, now = self.view.store.notice, self.view.store.clock()
        if notice is not None and not (notice.level == "info" and now - notice.at > INFO_S):
            row.add(f" {words.wall(notice.at)} ", DIM)
            if notice.level != "info":
                row.add(f"{notice.level} ", STYLES[notice.level])
            row.add(clip(self.view.symbols.plain(notice.text), width - row.width - 1, ellipsis), PLAIN)
        return [row.strip(width)]

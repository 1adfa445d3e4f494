"""The bottom line: the last notice, or a question that one key answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.strip import Strip

from console import words
from console.styles import ASKING, DIM, PLAIN
from console.text import clip, wrap
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
    """Takes the focus while a question is open, so that no key can do anything else. What does not fit into one
    row gets two: half of what to do is of no use."""

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

    def sync(self) -> None:
        if self.display and self.size.width:
            _, texts = self._notice(self.size.width)
            height = 1 if self.question is not None else max(1, len(texts))
            if self.styles.height is None or self.styles.height.value != height:
                self.styles.height = height
        super().sync()

    def rows(self, width: int, height: int) -> list[Strip]:
        if self.question is not None:
            question = clip(self.question.text, width - 2, self.view.symbols.ellipsis)
            return [Row().add(" ").add(question, ASKING).strip(width)]
        head, texts = self._notice(width)
        indent = head.width
        rows = [head, *(Row().to(indent) for _ in texts[1:])]
        return [row.add(text, PLAIN).strip(width) for row, text in zip(rows, texts or [""], strict=True)]

    def _notice(self, width: int) -> tuple[Row, list[str]]:
        """How the notice begins, and its text in at most two rows."""
        head, notice, now = Row(), self.view.store.notice, self.view.store.clock()
        if notice is None or (notice.level == "info" and now - notice.at > INFO_S):
            return head, []
        head.add(f" {words.wall(notice.at)} ", DIM)
        if notice.level != "info":
            head.add(f"{notice.level} ", STYLES[notice.level])
        room = max(10, width - head.width - 1)
        first, *rest = wrap(self.view.symbols.plain(notice.text), room)
        return head, [first, clip(" ".join(rest), room, self.view.symbols.ellipsis)] if rest else [first]

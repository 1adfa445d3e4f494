"""The text that a Rime WebSocket holds back, and what of it is spoken next. Pure.

Source: Rime's pages "Segmentation and behavior settings" and "Websockets JSON". A sentence ends with `.`, `?` or
`!` and a space: without the space Rime waits for what may follow (Pipecat's pull request 1367).
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.rime.parameters import Segment
from simulator.speech.sentences import split_sentences

MOST_CHARACTERS = 20_000


class Overflow(Exception):
    """More text waits than this stand-in keeps."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text for one synthesis; `context` is the newest `contextId` when it became ready."""

    text: str
    context: str | None


class Buffer:
    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._open = ""
        self._context: str | None = None
        self._ready: list[Piece] = []
        self._flushed: list[Piece] = []

    @property
    def empty(self) -> bool:
        """Whether nothing waits that would be spoken without another flush."""
        waiting = self._ready or self._flushed
        return not waiting and (self._segment == "never" or not self._open.strip())

    def add(self, text: str, context: str | None) -> None:
        """Raises Overflow."""
        held = sum(len(piece.text) for piece in (*self._ready, *self._flushed))
        if held + len(self._open) + len(text) > MOST_CHARACTERS:
            raise Overflow(f"More than {MOST_CHARACTERS:,} characters wait to be spoken.")
        self._context = context
        self._open += text
        if self._segment == "immediate":
            ready, self._open = self._open, ""
        elif self._segment == "bySentence":
            ready, self._open = split_sentences(self._open)
        else:
            return
        _append(self._ready, ready, context)

    def flush(self) -> None:
        """What waits is spoken, and `clear` no longer drops it."""
        for piece in self._ready:
            _append(self._flushed, piece.text, piece.context)
        self._ready.clear()
        _append(self._flushed, self._open, self._context)
        self._open = ""

    def clear(self) -> None:
        self._open = ""
        self._ready.clear()

    def take(self) -> Piece | None:
        """The next text to speak, which from then on is not here any more."""
        waiting = self._flushed or self._ready
        return waiting.pop(0) if waiting else None


def _append(pieces: list[Piece], text: str, context: str | None) -> None:
    """Join what belongs to one context: it is spoken in one breath."""
    if not text.strip():
        return
    if pieces and pieces[-1].context == context:
        pieces[-1] = Piece(pieces[-1].text + text, context)
    else:
        pieces.append(Piece(text, context))

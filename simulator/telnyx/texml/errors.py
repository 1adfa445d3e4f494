"""What is wrong with a TeXML document, said with the line it is on."""

from __future__ import annotations

from typing import Final

_MAX_NOTES: Final = 50
_MAX_SENTENCE: Final = 600
_MAX_SHOWN: Final = 60


class TexmlError(Exception):
    """TeXML cannot be had or run. `str()` is one sentence, beginning with the line when there is one.

    `line` counts from 1, `column` from 1; None for what is wrong with the document as a whole.
    """

    def __init__(self, sentence: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(_at(line, sentence))
        self.line = line
        self.column = column


class Notes:
    """What a person should know of a document that runs all the same; each sentence once, at most fifty."""

    def __init__(self) -> None:
        self._sentences: dict[str, None] = {}

    def add(self, line: int, sentence: str) -> None:
        if not self.are_full:
            self._sentences[_at(line, sentence)] = None

    @property
    def are_full(self) -> bool:
        return len(self._sentences) >= _MAX_NOTES

    @property
    def sentences(self) -> tuple[str, ...]:
        return tuple(self._sentences)


def _at(line: int | None, sentence: str) -> str:
    if len(sentence) > _MAX_SENTENCE:
        sentence = f"{sentence[:_MAX_SENTENCE]}…"
    return sentence if line is None else f"Line {line}: {sentence}"


def shown(value: str) -> str:
    """`value` quoted for a sentence, its end left out when it is long."""
    return repr(value if len(value) <= _MAX_SHOWN else value[:_MAX_SHOWN] + "…")

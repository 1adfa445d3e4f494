"""The words of a turn as rows, the uncertain ones marked."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from agent.turn_detection import HeardWord
from console import words
from console.styles import DIM, PLAIN, UNSURE
from console.symbols import Symbols
from console.text import clean, clip
from console.turn_ends import marked, unsure
from console.widgets.lines import Row


def word_rows(
    spoken: Sequence[HeardWord], width: int, height: int, symbols: Symbols, *, all_told: bool
) -> list[Row]:
    """At most ``height`` rows, the last words first to be kept: they are why a turn ended. ``all_told`` gives the
    confidence of every word, not of the uncertain ones alone."""
    rows = [Row()]
    for word in spoken:
        text = clip(clean(marked(word)).strip(), width, symbols.ellipsis)
        told = f" {words.confidence(word.confidence)}" if all_told and not unsure(word) else ""
        gap = 2 if all_told else 1
        if rows[-1].width and rows[-1].width + gap + cell_len(text) + len(told) > width:
            rows.append(Row())
        if rows[-1].width:
            rows[-1].add(" " * gap)
        rows[-1].add(text, UNSURE if unsure(word) else PLAIN).add(told, DIM)
    if len(rows) <= height:
        return rows
    kept = rows[-height:] if height else []
    if kept:
        kept[0] = Row().add(f"{symbols.ellipsis} ", DIM).append(kept[0])
    return kept

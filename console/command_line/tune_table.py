"""The settings side by side, and the callers one by one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len

from console import words
from console.command_line import tune_advice
from console.command_line.tune_grid import written
from console.command_line.tune_result import Row
from console.symbols import Symbols
from console.text import clean, clip, fit, tail

_VALUE_WIDTH = 18
_HEADER_WIDTH = 13
_NAME_WIDTH = 40
_FIGURES = {"turns": 8, "cut off": 9, "wait p50": 10, "p95": 7, "words": 7}
"""The columns and how wide they are."""


def table(
    names: Sequence[str], rows: Sequence[Row], symbols: Symbols, strong: Callable[[str], str] = str
) -> list[str]:
    """A line for each setting with its values of the parameters ``names``; ``strong`` paints those that nothing
    beats."""
    columns = [_column(name, [written(row.setting.values[name]) for row in rows]) for name in names]
    height = max(len(head) for head, _ in columns)
    lines: list[str] = []
    for level in range(-height, 0):
        heads = "  ".join(head[level] if level >= -len(head) else " " * len(head[0]) for head, _ in columns)
        lines.append(f"      {heads}")
    lines[-1] += "".join(f"{name:>{width}}" for name, width in _FIGURES.items())
    for index, row in enumerate(rows):
        marks = (symbols.selected if row.setting.now else " ") + (symbols.up if row.best else " ")
        cells = "  ".join(values[index] for _, values in columns)
        text = f" {row.setting.name} {marks} {cells}{_figures(row)}   {_remark(row)}".rstrip()
        lines.append(strong(text) if row.best else text)
    legend = [f"{symbols.selected} is set now"] if any(row.setting.now for row in rows) else []
    best = sum(row.best for row in rows)
    if best:
        beaten = "these: fewer cut-offs cost a longer wait" if best > 1 else "this one"
        legend.append(f"{symbols.up} nothing beats {beaten}")
    return [line.rstrip() for line in (*lines, f"   {'   '.join(legend)}")]


def by_recording(rows: Sequence[Row], best: Row, symbols: Symbols) -> list[str]:
    """What the present setting and ``best`` did to each caller."""
    shown = [row for row in rows if row is best or (row.setting.now and row.usable)]
    width = min(_NAME_WIDTH, max(cell_len(clean(part.recording.path.name)) for part in best.parts))
    lines: list[str] = []
    for part in best.parts:
        told = [
            f"{row.setting.name}: {tune_advice.figures(other)}"
            for row in shown
            for other in row.parts
            if other.recording is part.recording
        ]
        name = tail(part.recording.path.name, _NAME_WIDTH, symbols.ellipsis)
        lines.append(f" {fit(name, width)}  {'   '.join(told)}")
    return lines


def _column(name: str, values: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lines of a column's head, broken after underscores, and its cells, all of one width."""
    head = [""]
    for part in name.replace("_", "_ ").split():
        if head[-1] and len(head[-1] + part) > _HEADER_WIDTH:
            head.append("")
        head[-1] += part
    shown = [clip(value, _VALUE_WIDTH) for value in values]
    width = max(map(cell_len, (*head, *shown)))
    return [text.rjust(width) for text in head], [" " * (width - cell_len(text)) + text for text in shown]


def _figures(row: Row) -> str:
    waits = (words.seconds(row.p50_ms), words.seconds(row.p95_ms)) if row.waits_ms else ("-", "-")
    cells = ("-",) * len(_FIGURES) if row.problem else (row.turns, row.cut_offs, *waits, row.words)
    return "".join(f"{cell:>{width}}" for cell, width in zip(cells, _FIGURES.values(), strict=True))


def _remark(row: Row) -> str:
    if row.problem:
        return "failed"
    if not row.turns:
        return "heard nothing"
    return "loses words" if row.lost_words else ""

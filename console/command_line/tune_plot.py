"""Cut-offs against waiting time, one letter for each setting. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from console.symbols import Symbols

_STEPS_MS = (50, 100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000)
_MARGIN = 9
_APART = 9
_UNIT = " s"


@dataclass(frozen=True, slots=True)
class Dot:
    """A setting at its median wait and its number of cut-offs."""

    name: str
    wait_ms: int
    cut_offs: int
    strong: bool = False


def plot(
    dots: Sequence[Dot], width: int, height: int, symbols: Symbols, strong: Callable[[str], str] = str
) -> list[str]:
    """Lines of ``width`` cells: cut-offs upwards in ``height`` rows at most, waits to the right. Letters that
    would lie on each other stand beside each other; ``strong`` paints those of strong dots."""
    if not dots:
        return []
    most = max(dot.cut_offs for dot in dots)
    rows = max(2, min(height, most + 1))
    columns = max(20, width - _MARGIN - len(_UNIT))
    step, first, steps = _scale(dots, columns)
    field: list[list[str]] = [[" "] * columns for _ in range(rows)]
    # Strong ones first: they keep the very place.
    for dot in sorted(dots, key=lambda dot: (not dot.strong, dot.wait_ms, dot.name)):
        row = rows - 1 - _share(dot.cut_offs, max(most, 1), rows - 1)
        at = _free(field[row], _share(dot.wait_ms - first, steps * step, columns - 1))
        if at is not None:
            field[row][at] = strong(dot.name) if dot.strong else dot.name
    marks = {rows - 1 - _share(value, max(most, 1), rows - 1): value for value in _marked(most, rows)}
    lines = [symbols.plain("  cut off")]
    for row, cells in enumerate(field):
        mark = f"{marks[row]:>{_MARGIN - 2}}" if row in marks else " " * (_MARGIN - 2)
        lines.append(f"{mark} {symbols.edge if row not in marks else symbols.tee_left}{''.join(cells)}".rstrip())
    lines.append(" " * (_MARGIN - 1) + symbols.tee_up + symbols.rule * columns)
    scale = [" "] * (columns + _MARGIN)
    for number in range(steps + 1):
        text = f"{(first + number * step) / 1000:g}"
        at = _MARGIN + _share(number, steps, columns - 1) - len(text) // 2
        scale[at : at + len(text)] = text
    lines.append(("".join(scale)).rstrip() + _UNIT)
    lines.append(" " * _MARGIN + "wait from the last word to the end of the turn (p50)")
    return lines


def _scale(dots: Sequence[Dot], columns: int) -> tuple[int, int, int]:
    """The step of the waits' axis, its first value, both in ms, and how many steps it has."""
    low, high = min(dot.wait_ms for dot in dots), max(dot.wait_ms for dot in dots)
    for step in _STEPS_MS:
        first = low // step * step
        steps = max(2, -(-(high - first) // step))
        if steps <= columns // _APART:
            return step, first, steps
    step = -(-high // 2)
    return max(1, step), 0, 2


def _share(value: int, whole: int, cells: int) -> int:
    return round(value * cells / whole)


def _marked(most: int, rows: int) -> list[int]:
    """The numbers that are written beside the axis: all where there is room, else the ends and the middle."""
    return list(range(most + 1)) if most < rows else [0, most // 2, most]


def _free(cells: Sequence[str], wanted: int) -> int | None:
    for away in range(len(cells)):
        for at in (wanted + away, wanted - away):
            if 0 <= at < len(cells) and cells[at] == " ":
                return at
    return None

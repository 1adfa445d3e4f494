"""The plot of one turn: how sure of its end the service was, over the audio of the turn."""

from __future__ import annotations

from itertools import groupby

from agent.turn_detection import Heard
from console import words
from console.styles import CALLER, DIM, WARN
from console.symbols import Symbols
from console.turn_ramp import Ramp, ramp, untold
from console.widgets.lines import Row

_LABEL = 2
_UNTOLD = "this model tells it only at the end"


def ramp_rows(
    heard: Heard, width: int, height: int, symbols: Symbols, threshold: float | None = None
) -> list[Row]:
    """``height`` rows, the last of them the axis: speech, then the silence that ended the turn.

    ``threshold`` is the confidence that ends a turn, where there is one; a dotted line shows it.
    """
    cells, plot = width - _LABEL, height - 1
    found = ramp(heard, cells)
    if found is None or plot < 1:
        return [Row().add("Nothing is known of this turn's times.", DIM)]
    # Cells that look alike are drawn together: a turn has few messages.
    columns = zip(found.values, (CALLER if x < found.boundary else WARN for x in range(cells)), strict=True)
    runs = [
        (0 if value is None else max(1, round(value * plot * 8)), style, len(list(alike)))
        for (value, style), alike in groupby(columns)
    ]
    rows: list[Row] = []
    for below in reversed(range(plot)):
        row = Row().add("1 " if below == plot - 1 else "0 " if below == 0 else "  ", DIM)
        line = threshold is not None and below == min(plot - 1, int(threshold * plot))
        blank = symbols.dot if line else " "
        for steps, style, count in runs:
            over = min(8, steps - below * 8)
            row.add((symbols.bars[over] if over > 0 else blank) * count, style if over > 0 else DIM)
        rows.append(row)
    if plot > 1 and cells > len(_UNTOLD) + 1 and untold(heard):
        over = min(8, runs[-1][0] - (plot - 1) * 8)
        rows[0] = Row().add(f"1 {_UNTOLD}", DIM).to(_LABEL + cells - 1)
        rows[0].add(symbols.bars[over] if over > 0 else " ", WARN)
    return [*rows, _axis(found, cells, symbols)]


def _axis(found: Ramp, cells: int, symbols: Symbols) -> Row:
    spoke = f"{symbols.ellipsis if found.cut else ''}speech {words.seconds(found.spoke_ms)} s"
    silence = f"silence {found.silence_ms} ms"
    row = Row().to(_LABEL)
    if len(spoke) + len(silence) + 2 > cells:
        return row.number(silence, cells, WARN)
    row.add(spoke, CALLER)
    # The mark stands below the end of the last word where the labels leave room.
    if len(spoke) < found.boundary < cells - len(silence):
        row.to(_LABEL + found.boundary).add(symbols.tee_up, DIM)
    return row.number(silence, _LABEL + cells - row.width, WARN)

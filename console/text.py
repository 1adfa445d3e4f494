"""Text measured in terminal cells: wide characters take two, and nothing from a call may steer the terminal."""

from __future__ import annotations

import re

from rich.cells import cell_len, chop_cells, set_cell_size

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def clean(text: str) -> str:
    """``text`` as one line: control characters and direction overrides become spaces."""
    return _CONTROL.sub(" ", text)


def wrap(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` cells, broken between words where that is possible."""
    lines: list[str] = []
    line, used = "", 0
    for word in clean(text).split():
        cells = cell_len(word)
        if line and used + 1 + cells <= width:
            line, used = f"{line} {word}", used + 1 + cells
            continue
        if line:
            lines.append(line)
        if cells > width:
            *whole, word = chop_cells(word, max(2, width))
            lines.extend(whole)
            cells = cell_len(word)
        line, used = word, cells
    if line or not lines:
        lines.append(line)
    return lines


def clip(text: str, width: int, ellipsis: str = "…") -> str:
    """``text`` cut at its end to at most ``width`` cells."""
    text = clean(text)
    if cell_len(text) <= width:
        return text
    room = width - cell_len(ellipsis)
    return set_cell_size(text, room).rstrip() + ellipsis if room > 0 else set_cell_size(text, max(0, width))


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """``text`` in exactly ``width`` cells: cut or padded at its end."""
    return set_cell_size(clip(text, width, ellipsis), max(0, width))


def tail(text: str, width: int, ellipsis: str = "…") -> str:
    """The last part of ``text`` in at most ``width`` cells."""
    text = clean(text)
    if cell_len(text) <= width:
        return text
    room = width - cell_len(ellipsis)
    while text and cell_len(text) > room:
        text = text[max(1, (cell_len(text) - room) // 2) :]
    return ellipsis + text.lstrip() if room > 0 else ""

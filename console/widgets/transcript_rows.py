"""How one line of the transcript becomes rows: time, speaker, words, and at the right what is known of them."""

from __future__ import annotations

from rich.style import Style
from textual.strip import Strip

from agent.call_state import Line, Turn
from console import words
from console.styles import BAD, CHOSEN, DIM, KEY, OPERATOR, PLAIN, PLAYED, TOOL, WARN, WHO
from console.symbols import Symbols
from console.text import clip, wrap
from console.widgets.lines import Row

INDENT = 15
_NAME = 7
_MARGIN = 1
_READABLE = 100
"""Longer rows are hard to read."""

ROUGH = "local recogniser, rough: an ASSEMBLYAI_API_KEY makes it good"


def rows_of(
    line: Line,
    turn: Turn | None,
    width: int,
    symbols: Symbols,
    *,
    chosen: bool = False,
    explain: bool = False,
    played: bool = False,
) -> list[Strip]:
    """The rows of ``line``, with the latency of its ``turn`` below; ``explain`` says what rough means. ``played``:
    the recording is there now."""
    width = min(width, INDENT + _READABLE)
    rows = _note(line, width, symbols) if line.who == "note" else _spoken(line, width, symbols)
    if explain:
        rows.append(Row().to(INDENT).add(clip(ROUGH, width - INDENT, symbols.ellipsis), DIM))
    if turn is not None and turn.total_ms is not None and line.who == "caller":
        rows.append(_latency(turn, turn.total_ms, width, symbols, chosen))
    if played and rows:
        first = Row().add(symbols.selected, KEY).append(rows[0].after(1))
        return [row.strip(width, PLAYED) for row in (first, *rows[1:])]
    return [row.strip(width, CHOSEN if chosen else None) for row in rows]


def _spoken(line: Line, width: int, symbols: Symbols) -> list[Row]:
    remark = _remark(line, symbols)
    text = _text(line, symbols)
    partial = line.who == "caller" and not line.final
    style = DIM if partial else _WORDS.get(line.who, PLAIN)
    room = max(10, width - INDENT - _MARGIN - (len(remark) + 2 if remark else 0))
    wrapped = wrap(text + (symbols.cursor if partial else ""), room)
    rows: list[Row] = []
    for place, part in enumerate(wrapped):
        row = Row()
        if place == 0:
            row.add(f" {words.wall(words.epoch(line.at))} ", DIM)
            row.cell(clip(line.by or line.who, _NAME, ""), INDENT - row.width, WHO[line.who])
        row.to(INDENT).add(part, style)
        rows.append(row)
    if remark:
        rows[-1].to(width - _MARGIN - len(remark)).add(remark, BAD if line.mark == symbols.bad else DIM)
    return rows


_WORDS = {"tool": TOOL, "operator": OPERATOR + Style(bold=False)}


def _text(line: Line, symbols: Symbols) -> str:
    if line.who == "tool":
        return symbols.plain(line.text) + ("" if line.final else f" {symbols.ellipsis}")
    return line.text


def _remark(line: Line, symbols: Symbols) -> str:
    parts: list[str] = [symbols.mark(line.mark)] if line.mark else []
    if line.who == "caller" and line.confidence is not None:
        parts.append(f"eot {words.confidence(line.confidence)}")
    if line.took_ms is not None:
        parts.append(f"{line.took_ms} ms")
    return "  ".join(parts)


def _note(line: Line, width: int, symbols: Symbols) -> list[Row]:
    bad = line.mark == "✗"
    mark = f"{symbols.mark(line.mark)} " if line.mark else ""
    style = BAD if bad else WARN if line.mark == "▲" else DIM
    wrapped = wrap(line.text, max(10, width - INDENT - _MARGIN - len(mark)))
    return [
        Row().to(INDENT).add(mark if place == 0 else " " * len(mark), style).add(part, style)
        for place, part in enumerate(wrapped)
    ]


def _latency(turn: Turn, total_ms: int, width: int, symbols: Symbols, chosen: bool) -> Row:
    row = Row()
    if chosen:
        row.to(INDENT - 2).add(symbols.selected)
    row.to(INDENT)
    separator = f" {symbols.edge} "
    parts = words.latency(total_ms, turn.parts, separator)
    before, _, last = parts.rpartition(separator)
    row.add(before + separator if before else "", DIM)
    slow = total_ms > words.SLOW_MS
    row.add((f"{symbols.slow} " if slow else "") + last, WARN if slow else DIM)
    return row


def ending_rows(text: str, at: float, width: int, bad: bool) -> list[Strip]:
    """The last rows of an ended call."""
    rows: list[Strip] = []
    for part in wrap(text, max(10, min(width, INDENT + _READABLE) - INDENT - _MARGIN)):
        row = Row().to(INDENT) if rows else Row().add(f" {words.wall(at)} ", DIM).cell("end", INDENT - 7, DIM)
        rows.append(row.add(part, BAD if bad else DIM).strip(width))
    return rows

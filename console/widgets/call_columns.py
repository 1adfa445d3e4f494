"""The columns of the call table: what each shows of a call. They never move while calls come and go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.style import Style

from console import room_words, words
from console.store import CallView
from console.styles import BAD, DIM, OPERATOR, PHASE, PLAIN, REC, WARN, WHO
from console.symbols import Symbols
from console.text import clip, tail

Cell = tuple[str, Style]

_QUIET_DB, _LOUD_DB = -60, -6
_CALLER, _AGENT = 0, 1


@dataclass(frozen=True, slots=True)
class Column:
    """``width`` 0 takes what is left of the row. ``gap`` is the space after it."""

    title: str
    width: int
    cell: Callable[[CallView, Symbols, float], Cell]
    right: bool = False
    gap: int = 1


def _number(call: CallView, _symbols: Symbols, _now: float) -> Cell:
    return words.number(call.state.number), PLAIN if call.state.live else DIM


def _phase(call: CallView, _symbols: Symbols, _now: float) -> Cell:
    desk = call.state.desk
    phase = "held" if desk.held_by else "muted" if desk.muted_by else words.phase(call.state)
    return phase, PHASE[phase]


def _desk(call: CallView, symbols: Symbols, _now: float) -> Cell:
    """Whether it is recorded, and how many operators listen."""
    if not call.state.live:
        return "", DIM
    desk = call.state.desk
    rec = symbols.rec if desk.recording.running else symbols.paused if desk.recording.state == "paused" else " "
    ears = f"{symbols.ears}{min(9, desk.listeners)}" if desk.listeners else ""
    return f"{rec} {ears}", WARN if rec == symbols.paused else REC if rec != " " else OPERATOR


def _time(call: CallView, _symbols: Symbols, now: float) -> Cell:
    return words.duration(call.elapsed(now)), PLAIN if call.state.live else DIM


def _levels(side: int, count: int) -> Callable[[CallView, Symbols, float], Cell]:
    style = WHO["caller" if side == _CALLER else "agent"]

    def cell(call: CallView, symbols: Symbols, _now: float) -> Cell:
        if not call.state.live:
            return "", DIM
        if not call.state.media.encoding:
            return symbols.dot * count, DIM
        levels = [level[side] for level in call.levels][-count:]
        return "".join(symbols.bars[_step(level)] for level in levels).rjust(count), style

    return cell


def _step(level_db: int) -> int:
    share = (level_db - _QUIET_DB) / (_LOUD_DB - _QUIET_DB)
    return min(8, max(1, 1 + round(share * 7)))


def _line(call: CallView, _symbols: Symbols, _now: float) -> Cell:
    return room_words.line(call.state), DIM


def _turn(call: CallView, symbols: Symbols, _now: float) -> Cell:
    turns = call.state.turns
    return str(turns[-1].number) if turns and turns[-1].number else symbols.dash, PLAIN


def _part(name: str) -> Callable[[CallView, Symbols, float], Cell]:
    def cell(call: CallView, symbols: Symbols, _now: float) -> Cell:
        turn = next((turn for turn in reversed(call.state.turns) if turn.total_ms is not None), None)
        return (str(turn.parts[name]) if turn is not None and name in turn.parts else symbols.dash), DIM

    return cell


def _wait(call: CallView, symbols: Symbols, _now: float) -> Cell:
    if not call.waits:
        return symbols.dash, DIM
    slow = call.waits[-1] > words.SLOW_MS
    return (symbols.slow if slow else "") + words.seconds(call.waits[-1]), WARN if slow else PLAIN


def _median(call: CallView, symbols: Symbols, _now: float) -> Cell:
    return (words.seconds(words.percentile(list(call.waits), 0.5)) if call.waits else symbols.dash), DIM


def last_words(call: CallView, symbols: Symbols, width: int) -> Cell:
    """What was said last, or how the call ended."""
    state = call.state
    if not state.live:
        text = symbols.plain(words.ending(state).removeprefix("ended ").removeprefix("failed: "))
        return clip(text, width, symbols.ellipsis), BAD if words.phase(state) == "failed" else DIM
    spoken = next((line for line in reversed(state.lines) if line.who in ("caller", "agent", "operator")), None)
    if spoken is None:
        return "", DIM
    return tail(spoken.text, width, symbols.ellipsis), PLAIN if spoken.final else DIM


_BEGIN = (Column("to or from", 17, _number), Column("state", 9, _phase), Column("time", 7, _time))
NARROW = (
    *_BEGIN,
    Column("rec", 4, _desk),
    Column("in", 2, _levels(_CALLER, 2)),
    Column("out", 3, _levels(_AGENT, 2)),
    Column("turn", 4, _turn, right=True),
    Column("e2e", 5, _wait, right=True, gap=2),
)
WIDE = (
    *_BEGIN,
    Column("rec", 4, _desk),
    Column("caller", 6, _levels(_CALLER, 5)),
    Column("agent", 5, _levels(_AGENT, 5)),
    Column("turn", 4, _turn, right=True),
    Column("eot", 4, _part("end_of_turn"), right=True),
    Column("llm", 4, _part("llm_first_token"), right=True),
    Column("tts", 4, _part("tts_first_audio"), right=True),
    Column("e2e", 6, _wait, right=True),
    Column("p50", 5, _median, right=True, gap=2),
)
WITH_ROOMS = (*WIDE[:3], Column("line", 6, _line), *WIDE[3:])
"""Where calls come over more than one kind of line."""

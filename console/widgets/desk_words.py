"""What operators do in a call, for the line above its transcript."""

from __future__ import annotations

from rich.style import Style

from console.store import CallView
from console.styles import DIM, LIVE, OPERATOR, REC, WARN
from console.view import View
from console.widgets.lines import Row


def desk_words(view: View, call: CallView, place: str, room: int) -> Row:
    """As much as ``room`` cells hold, the most important first; ``place`` comes last."""
    found = [*_desk(view, call), *([(place, DIM)] if place else [])]
    row = Row()
    for text, style in found:
        gap = 2 if row.width else 0
        if row.width + gap + len(text) <= room:
            row.add(" " * gap, DIM).add(text, style)
    return row


def _desk(view: View, call: CallView) -> list[tuple[str, Style]]:
    state, symbols, sound = call.state, view.symbols, view.store.sound
    desk, recording = state.desk, state.desk.recording
    if not state.live:
        return [("r plays it", DIM)] if recording.state and not view.played else []
    found: list[tuple[str, Style]] = []
    if sound.held == state.id:
        found.append(("YOU are on the line", LIVE))
    elif desk.held_by:
        found.append((f"{_whose(view, desk.held_by)} on the line", WARN))
    if desk.muted_by and not desk.held_by:
        found.append((f"muted by {_whose(view, desk.muted_by)}", WARN))
    if recording.running:
        found.append((f"{symbols.rec} REC", REC))
    elif recording.state == "paused":
        found.append((f"{symbols.paused} REC paused", WARN))
    elif recording.state == "failed":
        found.append((f"{symbols.bad} not recorded", WARN))
    found += _ears(view, call)
    return found


def _ears(view: View, call: CallView) -> list[tuple[str, Style]]:
    symbols, ears = view.symbols, view.store.sound.ears
    listeners = call.state.desk.listeners
    if ears is None or ears.call != call.state.id:
        return [(f"{symbols.ears} {listeners} listen", OPERATOR)] if listeners else []
    if not ears.open:
        return [(f"{symbols.ears} connecting", WARN)]
    others = f" +{listeners - 1}" if listeners > 1 else ""
    how = " left/right" if ears.mode == "split" else ""
    behind = f" {ears.stats.behind_ms} ms" if ears.stats is not None else ""
    return [(f"{symbols.ears} you listen{others}{how}{behind}", OPERATOR)]


def _whose(view: View, who: str) -> str:
    return "you" if who == view.store.operator else who

"""Where the lines of a transcript are in the recording of their call. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from agent.call_state import CallState, Line
from console import words

_HEARD_BEFORE_MS = 300
"""Speech is known of that much after it began."""


def places(state: CallState) -> Iterator[tuple[int, Line]]:
    """Each spoken line with its time in the recording in milliseconds, in the order of the transcript."""
    recording = state.desk.recording
    began_s = words.epoch(state.started_at)
    skipped_ms = (recording.started_mono - state.started_mono) / 1e6 if recording.started_mono else 0.0
    started = {turn.number: turn.started_mono for turn in state.turns if turn.started_mono}
    for line in state.lines:
        if line.who == "note":
            continue
        at_ms = (words.epoch(line.at) - began_s) * 1000 - skipped_ms
        if line.who == "caller":
            mono = started.get(line.turn)
            if line.turn and mono is not None:
                at_ms = (mono - state.started_mono) / 1e6 - skipped_ms
            at_ms -= _HEARD_BEFORE_MS
        yield max(0, round(at_ms)), line


def line_at(state: CallState, at_ms: int) -> Line | None:
    """The line that is heard there."""
    found = None
    for begins_ms, line in places(state):
        if begins_ms <= at_ms:
            found = line
    return found


def turn_from(state: CallState, at_ms: int, step: int) -> int:
    """Where the next line begins, or with ``step`` -1 the one before: twice at once goes one further."""
    begins = sorted({begins_ms for begins_ms, line in places(state) if line.who != "tool"})
    if step > 0:
        return next((begin for begin in begins if begin > at_ms), at_ms)
    return next((begin for begin in reversed(begins) if begin < at_ms - _AGAIN_MS), 0)


_AGAIN_MS = 1_000
"""Whoever goes back so soon after the beginning of a line means the line before it."""

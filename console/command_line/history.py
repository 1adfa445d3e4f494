"""``sidetone calls`` and ``sidetone show``: what the journal holds, with or without a running agent."""

from __future__ import annotations

import sys

import msgspec

from agent import call_state, events, history, paths
from agent.call_state import CallState
from console import room_words, words
from console.command_line.output import for_terminal


def list_calls(limit: int, as_json: bool) -> int:
    """Print the last calls, the latest last; returns the exit status."""
    try:
        found = history.calls(paths.journal_file(), limit)
    except history.HistoryError as error:
        print(error, file=sys.stderr)
        return 1
    for state in found:
        sys.stdout.write(f"{_json(state) if as_json else _row(state)}\n")
    return 0


def show_call(call: str, as_json: bool, turns: bool = False) -> int:
    """Print one call, or why its turns ended; returns the exit status."""
    try:
        stream = history.call_events(paths.journal_file(), call)
    except history.HistoryError as error:
        print(error, file=sys.stderr)
        return 1
    if turns:
        from console.command_line.turn_list import show_turns

        show_turns(stream, as_json)
        return 0
    if as_json:
        for event in stream:
            sys.stdout.write(f"{events.encode(event).decode()}\n")
        return 0
    printer = for_terminal()
    state = CallState(stream[0].call)
    for event in stream:
        call_state.apply(state, event)
        printer.update(state)
    printer.close()
    printer.say(_row(state))
    for name, value in room_words.facts(state) if state.line == "livekit" else ():
        printer.note(f"{name:<14} {value}")
    return 0


def _json(state: CallState) -> str:
    return msgspec.json.encode(state).decode()


def _row(state: CallState) -> str:
    when = words.wall(words.epoch(state.started_at), "%Y-%m-%d %H:%M:%S")
    waits = state.latencies_ms()
    p50 = f"p50 {words.seconds(words.percentile(waits, 0.5))} s" if waits else ""
    turns = max((turn.number for turn in state.turns), default=0)
    how = words.ending(state) if not state.live else state.phase
    length = words.duration(state.duration_ms / 1000)
    talk = f"{length}  {words.plural(turns, 'turn'):<9} {p50:<11}"
    carried = "room" if state.line == "livekit" else state.framework
    kind = "" if carried in ("", "pipecat") else f"{carried}  "
    return f"{state.id}  {when}  {words.number(state.number):<18} {talk} {kind}{how}"

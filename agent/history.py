"""Reads a journal without an agent: the calls it holds, and the events of one of them. Never writes."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator
from pathlib import Path

from agent import call_state, events
from agent.call_state import CallState
from agent.events import Event


class HistoryError(Exception):
    """The journal is missing or cannot be read."""


@contextlib.contextmanager
def _reading(path: Path) -> Generator[sqlite3.Connection]:
    if not path.exists():
        raise HistoryError(f"No calls yet: {path} does not exist. Make one with `sidetone call`.")
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise HistoryError(f"The journal {path} cannot be read: {error}.") from error


def calls(path: Path, limit: int = 20) -> list[CallState]:
    """The last ``limit`` calls, oldest first, each folded from its events."""
    with _reading(path) as connection:
        rows = connection.execute(
            "SELECT call FROM events WHERE type = 'call.initiated' ORDER BY seq DESC LIMIT ?", (limit,)
        ).fetchall()
        return [call_state.fold(call, _events_of(connection, call)) for (call,) in reversed(rows)]


def call_events(path: Path, call: str) -> list[Event]:
    """All events of one call, in order; ``call`` may be shortened as long as it is unique.

    Raises:
        HistoryError: no such call, or more than one.
    """
    with _reading(path) as connection:
        found = connection.execute(
            "SELECT DISTINCT call FROM events WHERE type = 'call.initiated' AND substr(call, 1, ?) = ? LIMIT 2",
            (len(call), call),
        ).fetchall()
        if not found:
            raise HistoryError(f"There is no call {call}: `sidetone calls` lists them.")
        if len(found) > 1:
            raise HistoryError(f"More than one call begins with {call}: give more of its id.")
        return _events_of(connection, found[0][0])


def last_run(path: Path) -> Event | None:
    """The agent's last agent.starting or agent.stopped, whichever came later."""
    with _reading(path) as connection:
        row = connection.execute(
            "SELECT data FROM events WHERE type IN ('agent.starting', 'agent.stopped') ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        return events.decode(row[0]) if row else None


def _events_of(connection: sqlite3.Connection, call: str) -> list[Event]:
    rows = connection.execute("SELECT data FROM events WHERE call = ? ORDER BY seq", (call,))
    return [events.decode(data) for (data,) in rows]

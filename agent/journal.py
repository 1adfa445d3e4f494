"""The append-only log of events: SQLite in WAL mode, written by a thread of its own.

``append`` numbers an event and returns at once; the writer commits in batches and then hands the events to
subscribers, so whatever a reader has seen survives ``kill -9`` of the agent. Only while the disk refuses are
events shown before they are stored. Nothing here waits for a disk on the event loop. The journal is bounded
by age and by size: the oldest events go first.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent import events
from agent.events import Event
from agent.redact import Redactor

Batch = Sequence[tuple[Event, bytes]]
Subscriber = Callable[[Batch], None]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq  INTEGER PRIMARY KEY,
    at   TEXT NOT NULL,
    call TEXT NOT NULL,
    type TEXT NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_call ON events (call, seq) WHERE call != '';
CREATE INDEX IF NOT EXISTS events_marking_calls ON events (seq) WHERE type = 'call.initiated';
CREATE INDEX IF NOT EXISTS events_of_the_agent ON events (seq) WHERE type IN ('agent.starting', 'agent.stopped');
"""
_MAX_WAITING = 20_000
_PRUNE_EVERY = 5_000
_BATCH = 1_000
_ROWS = 100
_RETRY_S = 1.0


def now() -> str:
    """UTC as the envelope's ``at``: 2026-11-21T17:04:31.123Z."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JournalError(Exception):
    """The journal cannot be opened or is held by another agent."""


class Journal:
    """One agent's journal; only one process may write to a journal at a time.

    Args:
        path: the SQLite file, made when missing.
        redact: applied to every event before it is written or shown.
        max_days: events older than this are removed.
        max_bytes: beyond this size the oldest events are removed.
        on_failure: told in one sentence, on the loop, when events cannot be written; they stay in memory and
            are tried again, and calls go on.
    """

    def __init__(
        self,
        path: Path,
        redact: Redactor | None = None,
        *,
        max_days: float = 30,
        max_bytes: int = 512 * 1024 * 1024,
        on_failure: Callable[[str], None] | None = None,
    ) -> None:
        self._path = path
        self._redact = redact or Redactor()
        self._max_days, self._max_bytes = max_days, max_bytes
        self._on_failure = on_failure
        self._subscribers: list[Subscriber] = []
        self._queue: queue.SimpleQueue[tuple[Event, bytes] | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._failing = False
        self._behind = False
        self.seq = 0
        self.committed = 0

    def open(self) -> None:
        """Open the file and start the writer, on the running loop.

        Raises:
            JournalError: the file cannot be opened, or is not a journal.
        """
        try:
            connection = _connect(self._path)
            row = connection.execute("SELECT max(seq) FROM events").fetchone()
        except (sqlite3.Error, OSError) as error:
            raise JournalError(f"The journal {self._path} cannot be opened ({error}): move it away.") from error
        self.seq = self.committed = row[0] or 0
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write, args=(connection,), name="journal", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Write what is waiting and stop the writer."""
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def append(self, event: Event) -> tuple[Event, bytes]:
        """Number, stamp and store an event; call it on the loop's thread only.

        Returns the event as readers will see it (secrets removed) and its encoding. An event that comes while
        20,000 wait is lost to readers and to the file, and ``on_failure`` is told.
        """
        self.seq += 1
        event.seq, event.at, event.mono = self.seq, now(), time.monotonic_ns()
        event, data = self.clean(event)
        waiting = self._queue.qsize()
        if waiting < _MAX_WAITING:
            # Told again only after it had really caught up.
            self._behind = self._behind and waiting > 0
            self._queue.put((event, data))
        elif not self._behind:
            self._behind = True
            self._tell(f"The journal {self._path} cannot keep up: events are lost until it has caught up.")
        return event, data

    def clean(self, event: Event) -> tuple[Event, bytes]:
        """The event and its encoding without secrets."""
        data = events.encode(event)
        redacted = self._redact(data)
        return (event if redacted is data else events.decode(redacted)), redacted

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call ``subscriber`` on the loop with every batch once it is committed; returns the way to stop."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def read_from(self, seq: int, upto: int | None = None) -> Iterator[bytes]:
        """The encoded events after ``seq``, in order, up to and including ``upto``; from any thread."""
        with contextlib.closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as connection:
            rows = connection.execute(
                "SELECT data FROM events WHERE seq > ? AND seq <= ? ORDER BY seq",
                (seq, upto if upto is not None else self.committed),
            )
            for (data,) in rows:
                yield data

    def oldest(self) -> int:
        """The smallest number still kept, or one more than the last when there is none."""
        with contextlib.closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT min(seq) FROM events").fetchone()
        return row[0] if row[0] is not None else self.committed + 1

    def _write(self, connection: sqlite3.Connection) -> None:
        waiting: list[tuple[Event, bytes]] = []
        since_prune = _PRUNE_EVERY
        closing = False
        while not closing:
            fresh, closing = self._take(timeout=_RETRY_S if waiting else None)
            waiting += fresh
            if not waiting:
                continue
            try:
                with connection:
                    _insert(connection, waiting)
                since_prune += len(waiting)
                if since_prune >= _PRUNE_EVERY:
                    since_prune = 0
                    self._prune(connection)
            except sqlite3.Error as error:
                self._fail(error, waiting)
                self._deliver(fresh, self.committed)
                continue
            self._failing = False
            self._deliver(fresh, waiting[-1][0].seq)
            waiting = []
        connection.close()

    def _take(self, timeout: float | None) -> tuple[list[tuple[Event, bytes]], bool]:
        """What is queued, after waiting for the first; and whether the journal is closing."""
        taken: list[tuple[Event, bytes]] = []
        try:
            item = self._queue.get(timeout=timeout)
            while item is not None:
                taken.append(item)
                if len(taken) == _BATCH:
                    return taken, False
                item = self._queue.get_nowait()
        except queue.Empty:
            return taken, False
        return taken, True

    def _deliver(self, batch: Batch, committed: int) -> None:
        def deliver() -> None:
            self.committed = committed
            for subscriber in list(self._subscribers):
                subscriber(batch)

        self._on_loop(deliver)

    def _fail(self, error: sqlite3.Error, waiting: list[tuple[Event, bytes]]) -> None:
        dropped = max(0, len(waiting) - _MAX_WAITING)
        del waiting[:dropped]
        if not self._failing or dropped:
            lost = f" {dropped} events are lost." if dropped else " They wait in memory."
            self._tell(f"Events cannot be written to {self._path} ({error}): make room there.{lost}")
        self._failing = True

    def _tell(self, text: str) -> None:
        if (tell := self._on_failure) is not None:
            self._on_loop(lambda: tell(text))

    def _on_loop(self, action: Callable[[], None]) -> None:
        assert self._loop is not None
        # A loop that is already closed has no readers left to tell.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(action)

    def _prune(self, connection: sqlite3.Connection) -> None:
        oldest = (datetime.now(UTC) - timedelta(days=self._max_days)).isoformat()
        with connection:
            connection.execute("DELETE FROM events WHERE at < ?", (oldest,))
        while self._size(connection) > self._max_bytes:
            with connection:
                removed = connection.execute(
                    "DELETE FROM events WHERE seq <= (SELECT min(seq) FROM events)"
                    " + (SELECT (max(seq) - min(seq)) / 10 FROM events)"
                ).rowcount
            if removed <= 0:
                break
        connection.execute("PRAGMA incremental_vacuum")

    @staticmethod
    def _size(connection: sqlite3.Connection) -> int:
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size


def _insert(connection: sqlite3.Connection, rows: Batch) -> None:
    """Many rows a statement, since each gives up the interpreter's lock and must win it back from the loop."""
    for start in range(0, len(rows), _ROWS):
        chunk = rows[start : start + _ROWS]
        connection.execute(
            "INSERT INTO events (seq, at, call, type, data) VALUES " + ",".join(["(?, ?, ?, ?, ?)"] * len(chunk)),
            [value for e, data in chunk for value in (e.seq, e.at, e.call, events.type_of(e), data)],
        )


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, check_same_thread=False)
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.executescript(_SCHEMA)
    return connection

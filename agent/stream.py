"""The one stream of events: who emits, who reads, and the folded state of every call in between."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

import msgspec

from agent import api, call_state
from agent.call_state import CallState
from agent.events import CallEnded, Event
from agent.journal import Batch, Journal

KEEP_ENDED = 50
READER_LIMIT = 5_000
RESUME_LIMIT = 50_000
GATHER_S = 0.03
_EVENTS_A_MESSAGE = 1_000


class EventStream:
    """Emits events into the journal and to live readers, and keeps each call's state by folding them.

    ``health`` is asked for when a snapshot is made.
    """

    def __init__(self, journal: Journal, health: Callable[[], api.Health]) -> None:
        self._journal = journal
        self._health = health
        self._readers: set[Reader] = set()
        self.calls: dict[str, CallState] = {}
        journal.subscribe(self._committed)

    @property
    def seq(self) -> int:
        return self._journal.seq

    def emit(self, event: Event, call: str = "") -> Event:
        """Journal the event, fold it and pass it on."""
        event.call = call
        event, _ = self._journal.append(event)
        self._fold(event)
        return event

    def emit_live(self, event: Event, call: str = "") -> None:
        """Pass the event to live readers only; it keeps seq 0 and is not stored."""
        event.call = call
        event, data = self._journal.clean(event)
        self._fold(event)
        for reader in self._readers:
            reader.offer(0, data)

    def read(self, after: int | None = None) -> Reader:
        """A new reader: from a snapshot, or from the event after ``after`` where that is still possible."""
        reader = Reader(self, after)
        self._readers.add(reader)
        return reader

    def snapshot(self, reason: str) -> bytes:
        return msgspec.json.encode(
            {
                "type": "snapshot",
                "seq": self.seq,
                "reason": reason,
                "health": self._health(),
                "calls": list(self.calls.values()),
            }
        )

    def forget(self, reader: Reader) -> None:
        self._readers.discard(reader)

    def close(self) -> None:
        """Nothing more is told: readers end once they have what was."""
        for reader in list(self._readers):
            reader.close()

    async def stored(self, after: int, upto: int) -> list[bytes] | None:
        """The events after ``after`` up to ``upto``, or None when some of them are gone or they are too many."""
        if after > upto or upto - after > RESUME_LIMIT:
            return None

        def read() -> list[bytes] | None:
            if self._journal.oldest() > after + 1:
                return None
            return list(self._journal.read_from(after, upto))

        return await asyncio.to_thread(read)

    @property
    def committed(self) -> int:
        return self._journal.committed

    def _fold(self, event: Event) -> None:
        if not event.call:
            return
        state = self.calls.get(event.call)
        if state is None:
            state = self.calls[event.call] = CallState(event.call)
        call_state.apply(state, event)
        if isinstance(event, CallEnded):
            ended = [call for call in self.calls.values() if not call.live]
            for call in ended[:-KEEP_ENDED]:
                del self.calls[call.id]

    def _committed(self, batch: Batch) -> None:
        for event, data in batch:
            for reader in self._readers:
                reader.offer(event.seq, data)


class Reader:
    """One reader of the stream: ``async for`` gives messages, first of all a snapshot or ``resumed``.

    A message is one JSON text a line. An event after a quiet moment goes out at once; those that follow within
    30 ms share the next message, since a message costs its reader ten times what an event does. The buffer is
    bounded; a reader that falls behind loses the buffer and gets a new snapshot.
    """

    def __init__(self, stream: EventStream, after: int | None) -> None:
        self._stream = stream
        self._after = after
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._arrived = asyncio.Event()
        self._behind = False
        self._closed = False
        self._seen = 0

    def offer(self, seq: int, data: bytes) -> None:
        if len(self._waiting) >= READER_LIMIT:
            self._waiting.clear()
            self._behind = True
        if not self._behind:
            self._waiting.append((seq, data))
        self._arrived.set()

    def close(self) -> None:
        """Give what is here already, and end."""
        self._closed = True
        self._arrived.set()
        self._stream.forget(self)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for message in self._begin():
            yield message
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            if self._behind:
                self._behind = False
                yield self._snapshot("fell_behind")
            while lines := self._gathered():
                yield b"\n".join(lines)
            if self._closed:
                return
            await asyncio.sleep(GATHER_S)

    def _gathered(self) -> list[bytes]:
        lines: list[bytes] = []
        while self._waiting and len(lines) < _EVENTS_A_MESSAGE:
            seq, data = self._waiting.popleft()
            if seq == 0 or seq > self._seen:
                lines.append(data)
        return lines

    async def _begin(self) -> AsyncIterator[bytes]:
        if self._after is None:
            yield self._snapshot("attach")
            return
        upto = self._stream.committed
        missed = await self._stream.stored(self._after, upto)
        if missed is None:
            self._waiting.clear()
            yield self._snapshot("too_old")
            return
        self._seen = upto
        yield msgspec.json.encode({"type": "resumed", "from": self._after, "seq": upto})
        for start in range(0, len(missed), _EVENTS_A_MESSAGE):
            yield b"\n".join(missed[start : start + _EVENTS_A_MESSAGE])

    def _snapshot(self, reason: str) -> bytes:
        self._seen = self._stream.seq
        return self._stream.snapshot(reason)

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from agent import call_state, events, history
from agent import journal as journal_module
from agent.events import Event
from agent.journal import Journal, JournalError
from agent.redact import Redactor


class Seen:
    """A subscriber that can be waited on."""

    def __init__(self, journal: Journal) -> None:
        self.events: list[Event] = []
        self._changed = asyncio.Condition()
        journal.subscribe(self._take)

    def _take(self, batch: object) -> None:
        self.events += [event for event, _ in batch]  # type: ignore[attr-defined]
        self._wake = asyncio.ensure_future(self._tell())

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, count: int) -> list[Event]:
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: len(self.events) >= count)
        return self.events


async def opened(path: Path, **options: object) -> tuple[Journal, Seen]:
    journal = Journal(path, **options)  # type: ignore[arg-type]
    journal.open()
    return journal, Seen(journal)


async def test_events_are_numbered_stamped_stored_and_then_told(tmp_path: Path) -> None:
    journal, seen = await opened(tmp_path / "j.sqlite")
    for digit in "123":
        journal.append(events.CallDtmf(digit=digit, call="c_1"))

    told = await seen.until(3)

    assert [event.seq for event in told] == [1, 2, 3]
    assert all(event.at.endswith("Z") and event.mono > 0 for event in told)
    assert journal.committed == 3
    assert [events.decode(data) for data in journal.read_from(1)] == told[1:]
    await journal.close()


async def test_a_new_run_goes_on_counting(tmp_path: Path) -> None:
    journal, _ = await opened(tmp_path / "j.sqlite")
    journal.append(events.CallRinging())
    await journal.close()

    journal, seen = await opened(tmp_path / "j.sqlite")
    journal.append(events.CallAnswered())

    assert (await seen.until(1))[0].seq == 2
    await journal.close()


async def test_secrets_never_reach_the_file(tmp_path: Path) -> None:
    secret = "0123456789abcdef-key"
    journal, seen = await opened(tmp_path / "j.sqlite", redact=Redactor([secret]))
    journal.append(events.Error(where="llm", message=f"Incorrect API key provided: {secret} and sk-proj-12**ab"))
    (told,) = await seen.until(1)
    await journal.close()

    assert isinstance(told, events.Error)
    assert "sk-" not in told.message
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert secret.encode() not in stored
    assert b"sk-proj" not in stored


async def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    journal, _ = await opened(tmp_path / "j.sqlite")
    assert (tmp_path / "j.sqlite").stat().st_mode & 0o077 == 0
    await journal.close()


async def test_a_file_that_is_no_journal_is_named(tmp_path: Path) -> None:
    (tmp_path / "j.sqlite").write_text("this is a letter, not a database, and long enough to be read as one" * 20)
    with pytest.raises(JournalError, match=r"j\.sqlite cannot be opened"):
        Journal(tmp_path / "j.sqlite").open()


async def test_the_oldest_events_go_when_it_grows_too_large(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    journal, seen = await opened(path, max_bytes=400_000)
    for n in range(2_000):
        journal.append(events.TtsRequest(turn=n, text="x" * 400, call="c_1"))
    await seen.until(2_000)
    await journal.close()
    # Pruning runs when a journal begins and every few thousand events.
    journal, seen = await opened(path, max_bytes=400_000)
    journal.append(events.CallRinging())
    await seen.until(1)

    kept = [events.decode(data).seq for data in journal.read_from(0)]
    assert kept[-1] == 2_001
    assert kept[0] > 1_000
    assert kept == list(range(kept[0], 2_002))
    assert journal.oldest() == kept[0]
    await journal.close()


async def test_events_beyond_their_age_go(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    journal, seen = await opened(path)
    journal.append(events.CallRinging())
    await seen.until(1)
    await journal.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE events SET at = '2020-01-01T00:00:00.000Z'")
    connection.close()

    journal, seen = await opened(path, max_days=30)
    journal.append(events.CallAnswered())
    await seen.until(1)

    assert [events.decode(data).seq for data in journal.read_from(0)] == [2]
    await journal.close()


async def test_a_disk_that_refuses_is_reported_once_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    told: list[str] = []
    journal, seen = await opened(path, on_failure=told.append)
    journal.append(events.CallRinging())
    await seen.until(1)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("ALTER TABLE events RENAME TO hidden")
    journal.append(events.CallAnswered())
    await seen.until(2)
    assert journal.committed == 1
    blocker.execute("ALTER TABLE hidden RENAME TO events")
    blocker.close()
    journal.append(events.CallDtmf(digit="1"))
    await seen.until(3)
    await journal.close()

    assert len(told) == 1
    assert "cannot be written" in told[0]
    assert [event.seq for event in seen.events] == [1, 2, 3]
    assert [events.decode(data).seq for data in journal.read_from(0, 10)] == [1, 2, 3]


async def test_a_disk_that_is_too_slow_costs_events_and_never_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_MAX_WAITING", 5)
    monkeypatch.setattr(journal_module, "_BATCH", 3)
    path = tmp_path / "j.sqlite"
    told: list[str] = []
    journal, seen = await opened(path, on_failure=told.append)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    for _ in range(30):
        journal.append(events.CallRinging())
    blocker.rollback()
    blocker.close()
    await seen.until(5)
    last, _ = journal.append(events.CallAnswered())
    await journal.close()
    await asyncio.sleep(0)

    assert len(told) == 1
    assert "cannot keep up" in told[0]
    assert 5 < len(seen.events) < 12
    assert seen.events[-1] is last


WRITER = """
import asyncio, sys
from pathlib import Path
from agent import events
from agent.journal import Journal

async def main():
    journal = Journal(Path(sys.argv[1]))
    journal.open()
    journal.subscribe(lambda batch: (sys.stdout.write(f"{batch[-1][0].seq}\\n"), sys.stdout.flush()))
    while True:
        for n in range(50):
            journal.append(events.TtsRequest(turn=n, text="word " * 20, call="c_1"))
        while journal.seq - journal.committed > 1_000:
            await asyncio.sleep(0)

asyncio.run(main())
"""


def test_what_a_reader_saw_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for line in writer.stdout:
        if int(line) > 2_000:
            break
    writer.send_signal(signal.SIGKILL)
    told = [line for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    seen = int(told[-1]) if told else int(line)
    writer.wait()

    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    stored = [row[0] for row in connection.execute("SELECT seq FROM events ORDER BY seq")]
    connection.close()
    assert stored == list(range(1, len(stored) + 1))
    assert len(stored) >= seen


async def test_history_lists_calls_and_finds_one_by_a_short_id(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    journal, _ = await opened(path)
    for call in ("c_aa11", "c_bb22"):
        journal.append(events.CallInitiated(direction="outbound", from_="+1", to="+2", call=call))
        journal.append(events.CallAnswered(call=call))
    journal.append(events.CallEnded(cause="normal_clearing", source="callee", duration_ms=9, call="c_aa11"))
    await journal.close()

    first, second = history.calls(path)
    assert (first.id, first.phase, second.id, second.phase) == ("c_aa11", "ended", "c_bb22", "listening")
    found = history.call_events(path, "c_a")
    assert call_state.fold("c_aa11", found) == first
    with pytest.raises(history.HistoryError, match="More than one call"):
        history.call_events(path, "c_")
    with pytest.raises(history.HistoryError, match="There is no call c_zz"):
        history.call_events(path, "c_zz")
    with pytest.raises(history.HistoryError, match="No calls yet"):
        history.calls(tmp_path / "none.sqlite")

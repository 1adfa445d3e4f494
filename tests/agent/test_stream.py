from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent import api, events, stream
from agent.journal import Journal
from agent.stream import EventStream, Reader


def healthy() -> api.Health:
    return api.Health("ok", "0", 1, "pipecat", "front-desk", {}, 0, 0, 0, 0)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = Journal(tmp_path / "j.sqlite")
    journal.open()
    yield journal
    await journal.close()


@pytest.fixture
def stream_(journal: Journal) -> EventStream:
    return EventStream(journal, healthy)


async def items(reader: Reader) -> AsyncIterator[api.Item]:
    async with asyncio.timeout(30):
        async for message in reader:
            for item, _ in api.decode_message(message.decode()):
                yield item


async def take(reader: Reader, count: int) -> list[api.Item]:
    found: list[api.Item] = []
    async for item in items(reader):
        found.append(item)
        if len(found) == count:
            break
    return found


async def test_a_new_reader_gets_the_state_and_then_what_follows(stream_: EventStream) -> None:
    stream_.emit(events.CallInitiated(direction="outbound", from_="+1", to="+2"), "c_1")
    reader = stream_.read()
    first = asyncio.create_task(take(reader, 2))
    await asyncio.sleep(0)
    stream_.emit(events.CallRinging(), "c_1")

    snapshot, event = await first

    assert isinstance(snapshot, api.Snapshot)
    assert (snapshot.seq, snapshot.reason) == (1, "attach")
    assert [(call.id, call.phase) for call in snapshot.calls] == [("c_1", "dialing")]
    assert isinstance(event, events.CallRinging)
    assert event.seq == 2


async def test_resuming_misses_nothing_and_repeats_nothing(stream_: EventStream) -> None:
    for digit in "12345":
        stream_.emit(events.CallDtmf(digit=digit), "c_1")
    await take(stream_.read(), 1)
    await _committed(stream_, 5)
    stream_.emit(events.CallDtmf(digit="6"), "c_1")

    found = await take(stream_.read(after=2), 5)

    assert isinstance(found[0], api.Resumed)
    assert [event.seq for event in found[1:]] == [3, 4, 5, 6]  # type: ignore[union-attr]


async def test_resuming_from_the_future_or_the_forgotten_gives_a_snapshot(stream_: EventStream) -> None:
    stream_.emit(events.CallRinging(), "c_1")
    await _committed(stream_, 1)

    (found,) = await take(stream_.read(after=77), 1)

    assert isinstance(found, api.Snapshot)
    assert found.reason == "too_old"


async def test_events_that_crowd_share_messages_and_stay_in_order(stream_: EventStream) -> None:
    messages = aiter(stream_.read())
    await anext(messages)
    for _ in range(200):
        stream_.emit(events.CallDtmf(digit="1"), "c_1")

    crowds: list[list[int]] = []
    async with asyncio.timeout(30):
        while sum(map(len, crowds)) < 200:
            told = api.decode_message((await anext(messages)).decode())
            crowds.append([item.seq for item, _ in told])

    assert [seq for crowd in crowds for seq in crowd] == list(range(1, 201))
    assert len(crowds) < 100


async def test_a_stream_that_ends_gives_what_was_told_before(stream_: EventStream) -> None:
    told = items(stream_.read())
    assert isinstance(await anext(told), api.Snapshot)
    stream_.emit(events.CallDtmf(digit="1"), "c_1")
    stream_.emit(events.CallDtmf(digit="2"), "c_1")
    await _committed(stream_, 2)

    stream_.close()

    assert [event.seq async for event in told] == [1, 2]  # type: ignore[union-attr]


async def test_a_slow_reader_is_resynchronised_and_never_waited_for(
    stream_: EventStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "READER_LIMIT", 10)
    reader = stream_.read()
    told = items(reader)
    assert isinstance(await anext(told), api.Snapshot)
    for _ in range(50):
        stream_.emit(events.CallDtmf(digit="1"), "c_1")
    await _committed(stream_, 50)

    again = await anext(told)
    stream_.emit(events.CallAnswered(), "c_1")
    then = await anext(told)

    assert isinstance(again, api.Snapshot)
    assert (again.reason, again.seq) == ("fell_behind", 50)
    assert isinstance(then, events.CallAnswered)
    assert then.seq == 51


async def test_levels_are_told_live_and_never_stored(stream_: EventStream, journal: Journal) -> None:
    told = items(stream_.read())
    await anext(told)
    stream_.emit_live(events.MediaLevel(caller=-20, agent=-90), "c_1")

    level = await anext(told)

    assert isinstance(level, events.MediaLevel)
    assert level.seq == 0
    assert stream_.calls["c_1"].media.caller_db == -20
    assert list(journal.read_from(0, 10)) == []


async def test_ended_calls_are_forgotten_in_the_end(stream_: EventStream) -> None:
    for n in range(stream.KEEP_ENDED + 5):
        stream_.emit(events.CallEnded(cause="x", source="agent", duration_ms=0), f"c_{n}")

    assert len(stream_.calls) == stream.KEEP_ENDED
    assert f"c_{stream.KEEP_ENDED + 4}" in stream_.calls


async def _committed(stream_: EventStream, seq: int) -> None:
    async with asyncio.timeout(30):
        while stream_.committed < seq:
            await asyncio.sleep(0.001)

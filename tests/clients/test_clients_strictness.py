"""What AssemblyAI's clients bear from a server, measured once and kept: directly and through the tap.

A row that fails says that a client has changed, or that the tap no longer is transparent: the stand-in may only do
what every client bears.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.asyncio.server import serve

from agent import events
from tests.clients.clients_house import NAMES, PATIENCE_S, SDK_WARNINGS, Driver, Heard, driver, installed, missing
from tests.clients.reference_house import SAID, ReferenceService, Run, raw
from tests.clients.strictness_house import ROWS, STREAMING_ROWS, Row
from tests.clients.taps_house import Tapped, Taps, serving

WAYS = ("direct", "tap")
ALL_ROWS = ROWS + STREAMING_ROWS
_MORE_AUDIO_S = 0.2
# All clients wait five seconds for an end that does not come; it is their clock, so no machine is too fast.
_LONG_S = 4.5
_AT_ONCE = 48

pytestmark = SDK_WARNINGS


@dataclass
class Seen:
    """What came of one row, one client and one way."""

    heard: Heard
    run: Run
    tapped: Tapped | None
    hung: bool = False
    ending_s: float = 0

    def told(self, client: str, expected: str) -> str:
        """In the words of the table. That ending takes long is only looked for where it should."""
        heard = self.heard
        if client in ("sdk", "sdk_async"):
            counts = [len(heard.finals), heard.started, heard.partials, heard.begun, heard.terminated]
        elif client == "pipecat":
            counts = [len(heard.finals), heard.started, heard.stopped, heard.partials]
        else:
            counts = [len(heard.finals), heard.started, heard.partials]
        told = ["/".join(map(str, counts))]
        if self.run.connections != 1:
            told.append(f"conns={self.run.connections}")
        if client in ("sdk", "sdk_async"):
            told += [f"error {error.split()[0]}" for error in heard.errors]
        elif client == "pipecat" and heard.errors:
            told.append(f"errs={len(heard.errors)}")
        if heard.died:
            told.append(f"dies {heard.died}")
        if heard.gave_up:
            told.append("gives up")
        if self.ending_s > _LONG_S and "waits" in expected:
            told.append("waits")
        if self.hung:
            told.append("hangs")
        return " ".join(told)


Which = tuple[str, str, str]
Matrix = dict[Which, Seen]
"""By way, name of the row, and client."""


async def _try(session: Driver, run: Run, expected: str) -> float:
    """A caller who talks until all is said, or the client hears nothing more; gives how long ending took, in s."""
    ends_itself = "gives up" in expected or ("dies" in expected and "waits" not in expected)
    clock = asyncio.get_running_loop().time
    frame = bytes(3200)

    async def talk() -> None:
        while True:
            # The SDK drops what it has not read yet when it finds out by writing that the connection is gone.
            if not run.broken:
                await session.feed(frame)
            await asyncio.sleep(_MORE_AUDIO_S)

    async with session:
        talking = asyncio.create_task(talk())
        waits: list[asyncio.Task[Any]] = [asyncio.create_task(session.until(lambda: False))]
        if not ends_itself:
            waits.append(asyncio.create_task(run.said.wait()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (talking, *waits):
                task.cancel()
        ending_at = clock()
    return clock() - ending_at


async def _all_at_once() -> Matrix:
    service, taps = ReferenceService(), Taps()
    gate = asyncio.Semaphore(_AT_ONCE)
    seen: Matrix = {}

    async def one(name: str, way: str, row: Row, client: str) -> None:
        run = service.add(name, row.deviation)
        tapped = taps.add(name, f"{upstream}/{name}/v3/ws") if way == "tap" else None
        base = f"{tap}/{name}" if tapped else f"{upstream}/{name}"
        session = driver(client, base, row.setup)
        this = seen[way, row.name, client] = Seen(session.heard, run, tapped)
        async with gate:
            try:
                this.ending_s = await asyncio.wait_for(
                    _try(session, run, row.expected(client, tapped=way == "tap")), PATIENCE_S
                )
            except TimeoutError:
                this.hung = True
            if tapped is not None:
                await tapped.tap.finish()

    async with serve(service, "127.0.0.1", 0, process_request=service.upgrade, compression=None) as server:
        upstream = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with serving(taps.app) as tap, asyncio.TaskGroup() as group:
            # The rows that take seconds are the last ones of the table: those begin first.
            everything = itertools.product(reversed(ALL_ROWS), WAYS, installed())
            for number, (row, way, client) in enumerate(everything):
                group.create_task(one(str(number), way, row, client))
    return seen


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    """All rows of the table by all clients, directly and through the tap: what takes seconds does so together."""
    return asyncio.run(_all_at_once())


@pytest.mark.parametrize("client", NAMES)
def test_the_client_is_there(client):
    if missing(client):
        pytest.skip(missing(client))


def test_the_table_is_whole():
    assert len(ROWS) == len({row.name for row in ROWS}) == 46


@pytest.mark.parametrize("row", ALL_ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("way", WAYS)
def test_what_each_client_makes_of_it(matrix, way, row):
    expected = {client: row.expected(client, tapped=way == "tap") for client in installed()}
    told = {client: matrix[way, row.name, client].told(client, expected[client]) for client in installed()}
    assert told == expected


def test_no_client_hears_what_was_not_said(matrix):
    said = [text for order in (0, 1) for text in (raw(order), SAID[order])]
    for which, seen in matrix.items():
        assert seen.heard.finals == [text for text in said if text in seen.heard.finals], which


def test_the_tap_tells_of_every_message(matrix):
    for which, seen, tapped in through_the_tap(matrix):
        sent = [_told(text) for text in seen.run.sent]
        told = tapped.messages
        assert [message for message in told if message in sent] == sent, which
        # What else it tells is its own: that a connection was refused, or closed without a word.
        assert {message["type"] for message in told if message not in sent} <= {"Error"}, which
        assert [event.message for event in tapped.of(events.SttSent)] == seen.run.received, which


def test_the_tap_tells_of_an_agent_that_will_hear_nothing_and_of_no_other(matrix):
    for which, seen, tapped in through_the_tap(matrix):
        hopeless = seen.run.deviation.error is not None or seen.run.deviation.refused is not None
        last = [event.final for event in tapped.of(events.SttError)][-1:]
        assert (len(tapped.deaf), last == [True]) == (hopeless, hopeless), which


def test_a_turn_that_broke_is_marked_and_its_audio_is_heard_again(matrix):
    broken = [found for found in through_the_tap(matrix) if found[1].run.deviation.lost]
    assert len(broken) == 4 * len(installed())
    for which, _, tapped in broken:
        (split,) = tapped.of(events.SttSplit)
        assert (split.text, split.replayed_ms > 0) == ("Hi, I'm calling", True), which


def through_the_tap(matrix: Matrix) -> list[tuple[Which, Seen, Tapped]]:
    return [(which, seen, seen.tapped) for which, seen in matrix.items() if seen.tapped]


def _told(text: str) -> Any:
    """A message as the tap's events hold it."""
    try:
        message = json.loads(text)
    except json.JSONDecodeError:
        return {"text": text}
    return message if isinstance(message, dict) else {"value": message}

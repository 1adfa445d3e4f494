"""The console in a real terminal with whole calls behind it, and every process killed once."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent import api, call_state, events
from agent.journal import Journal
from console.options import Options
from console.process import RunningFile, alive
from console.session import Session
from console.store import Store
from tests.e2e.house import of
from tests.terminal import Terminal


@asynccontextmanager
async def console(data: Path, columns: int, rows: int, **environment: str) -> AsyncIterator[Terminal]:
    terminal = Terminal(["console"], {"SIDETONE_DATA_DIR": str(data), **environment}, columns, rows)
    try:
        yield terminal
    finally:
        terminal.close()


def agent_of(data: Path) -> api.AgentFile:
    found = api.AgentFile.read(data / "agent.json")
    assert found is not None
    return found


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for name in ("agent", "simulator"):
        found = RunningFile.read(tmp_path / f"{name}.json")
        if found is not None and alive(found.pid):
            os.kill(found.pid, signal.SIGKILL)


def journal_of(data: Path) -> list[events.Event]:
    journal = Journal(data / "journal.sqlite")
    return [events.decode(text) for text in journal.read_from(0, 1 << 60)]


async def test_a_console_that_was_killed_in_a_call_finds_it_again_with_nothing_missed(data: Path) -> None:
    async with console(data, 80, 24) as first:
        await first.shows("line SIM · stt SIM · llm SIM · tts SIM")
        await first.shows("d dial")
        first.press("d")
        # A whole turn: words, the confidence of its end, and what the caller had to wait for.
        shown = await first.shows(lambda text: re.search(r"e2e \d+ ms", text) is not None)
        agent = agent_of(data)
        first.kill()
    assert "Thursday" in shown
    assert "eot 1.0" in shown
    assert alive(agent.pid)

    store = Store()
    async with following(store, agent), console(data, 120, 40) as second:
        shown = await second.shows(lambda text: "transcript" in text and "caller cut in after" in text)
        assert "Thursday" in shown
        assert "1 live" in shown
        assert agent_of(data) == agent
        second.press("x")
        await second.shows("hang up +1 555 010 0123? y/n")
        second.press("y")
        await second.shows("ended normal_clearing by operator")
        await until(lambda: store.ended == 1)
        second.press("\x11")
        assert await second.ended() == 0

    everything = journal_of(data)
    assert [event.seq for event in everything] == list(range(1, len(everything) + 1))
    (view,) = store.calls.values()
    folded = call_state.fold(view.state.id, [event for event in everything if event.call])
    # Levels are only ever live.
    folded.media.caller_db, folded.media.agent_db = view.state.media.caller_db, view.state.media.agent_db
    assert view.state == folded


async def test_processes_that_are_killed_come_back_and_the_screen_says_what_it_cost(data: Path) -> None:
    async with console(data, 120, 40) as screen:
        await screen.shows("d dial")
        screen.press("d")
        await screen.shows("speaking")
        first = agent_of(data)
        os.kill(first.pid, signal.SIGKILL)
        await screen.shows("the agent died during the call")
        await screen.shows("● agent up")
        assert agent_of(data).pid != first.pid

        screen.press("d")
        await screen.shows("speaking")
        simulator = RunningFile.read(data / "simulator.json")
        assert simulator is not None
        os.kill(simulator.pid, signal.SIGKILL)
        await screen.shows("The simulator is up again")
        await screen.shows("media socket was lost")
        assert agent_of(data).pid != first.pid

        screen.press("d")
        await screen.shows("speaking")
        screen.press("\x11")
        await screen.shows("h hang")
        screen.press("h")
        assert await screen.ended() == 0
    causes = [event.cause for event in of(journal_of(data), events.CallEnded)]
    assert causes == ["agent_lost", "media_lost", "normal_clearing"]
    assert not (data / "agent.json").exists()
    assert not (data / "simulator.json").exists()


async def until(fits: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not fits():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def following(store: Store, agent: api.AgentFile) -> AsyncIterator[None]:
    """What stands behind a console's screen, attached to a running agent."""
    session = Session(store, Options(url=agent.url, token=agent.token))
    session.start()
    await until(lambda: store.linked)
    try:
        yield
    finally:
        await session.close(stop=False)

"""The real program in a real terminal, with fake processes behind it."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent import paths
from console.process import RunningFile, alive, end
from tests.terminal import Terminal

FAKES = Path(__file__).parent / "fakes"


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    made = Terminal(["console"], {"PYTHONPATH": str(FAKES)})
    yield made
    made.close()
    for name in ("agent", "simulator"):
        known = RunningFile.read(paths.data_dir() / f"{name}.json")
        if known is not None:
            await end(known.pid)


def _pids() -> list[int]:
    files = [RunningFile.read(paths.data_dir() / f"{name}.json") for name in ("agent", "simulator")]
    return [file.pid for file in files if file is not None]


async def test_it_starts_its_processes_and_stops_them_when_it_is_left(terminal: Terminal) -> None:
    await terminal.shows("The agent runs")
    await terminal.shows("The simulator runs")
    started = _pids()
    assert len(started) == 2
    assert all(alive(pid) for pid in started)

    terminal.press("\x11")
    assert await terminal.ended() == 0
    assert not any(alive(pid) for pid in started)
    assert b"Traceback" not in terminal.raw


async def test_it_answers_before_it_is_loaded_and_leaves_the_terminal_as_it_was(terminal: Terminal) -> None:
    await terminal.shows("Opening")
    terminal.press("?")
    await terminal.shows("Esc leaves")
    assert not terminal.echoes
    terminal.press("\x11")

    assert await terminal.ended() == 0
    assert terminal.echoes


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_leaves_the_processes_running(terminal: Terminal, number: signal.Signals) -> None:
    await terminal.shows("The agent runs")
    os.kill(terminal.pid, number)

    assert await terminal.ended() == 0
    assert all(alive(pid) for pid in _pids())
    assert len(_pids()) == 2
    await terminal.shows("`sidetone stop` ends it")


@pytest.fixture
def talkative_agent() -> None:
    (paths.data_dir() / "agent.habits").write_text("fail\n")


@pytest.mark.usefixtures("talkative_agent")
async def test_what_a_process_writes_does_not_reach_the_screen(terminal: Terminal) -> None:
    await terminal.shows("The agent runs")
    terminal.press("\x11")
    await terminal.ended()

    assert b"line 1" not in terminal.raw
    assert (paths.data_dir() / "agent.out").stat().st_mode & 0o777 == 0o600

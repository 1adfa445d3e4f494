"""The real program in a real terminal, with fake processes behind it."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent import paths
from console.process import RunningFile, alive, end
from tests.terminal import Terminal

FAKES = Path(__file__).parent / "fakes"


@pytest.fixture
async def nothing_left() -> AsyncIterator[None]:
    """Ends what a console started."""
    yield
    for name in ("agent", "simulator"):
        known = RunningFile.read(paths.data_dir() / f"{name}.json")
        if known is not None:
            await end(known.pid)


@pytest.fixture
async def terminal(nothing_left: None) -> AsyncIterator[Terminal]:
    made = Terminal(["console"], {"PYTHONPATH": str(FAKES)})
    yield made
    made.close()


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


@pytest.mark.usefixtures("nothing_left")
def test_a_terminal_that_is_gone_without_a_signal_ends_it() -> None:
    # The program does not belong to this terminal's session, so closing it sends no SIGHUP.
    master, slave = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-m", "console"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "PYTHONPATH": str(FAKES), "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(slave)
    shown = b""
    while b"quit" not in shown:
        shown += os.read(master, 65_536)
    os.close(master)
    try:
        program.wait(30)
    finally:
        program.kill()


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

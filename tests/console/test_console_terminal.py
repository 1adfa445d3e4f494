"""The real program in a real terminal, with fake processes behind it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent import paths
from console.process import RunningFile, alive, end

FAKES = Path(__file__).parent / "fakes"
_STEERING = re.compile(r"\x1b(\[[0-9;?<>=]*[A-Za-z]|[P_].*?\x1b\\|\][^\x07]*\x07|[()][A-Z0-9]|.)")


class Terminal:
    """A program on 80x24 characters; ``until`` waits for words on its screen."""

    def __init__(self, pid: int, terminal: int) -> None:
        self.pid, self._terminal = pid, terminal
        self.raw = b""
        self._changed = asyncio.Event()
        asyncio.get_running_loop().add_reader(terminal, self._read)

    @property
    def words(self) -> str:
        return _STEERING.sub("", self.raw.decode(errors="replace"))

    async def until(self, words: str) -> None:
        async with asyncio.timeout(30):
            while words not in self.words:
                self._changed.clear()
                await self._changed.wait()

    def press(self, keys: bytes) -> None:
        os.write(self._terminal, keys)

    async def ended(self) -> int:
        """The exit status."""
        async with asyncio.timeout(30):
            _, status = await asyncio.to_thread(os.waitpid, self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._terminal)
        os.close(self._terminal)
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def _read(self) -> None:
        try:
            self.raw += os.read(self._terminal, 65_536)
        except OSError:
            asyncio.get_running_loop().remove_reader(self._terminal)
        self._changed.set()


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    pid, master = pty.fork()
    if pid == 0:
        environment = {**os.environ, "PYTHONPATH": str(FAKES), "TERM": "xterm-256color"}
        os.execve(sys.executable, [sys.executable, "-m", "console"], environment)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    made = Terminal(pid, master)
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
    await terminal.until("The agent runs")
    await terminal.until("The simulator runs")
    started = _pids()
    assert len(started) == 2
    assert all(alive(pid) for pid in started)

    terminal.press(b"\x11")
    assert await terminal.ended() == 0
    assert not any(alive(pid) for pid in started)
    assert "Traceback" not in terminal.words


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_leaves_the_processes_running(terminal: Terminal, number: signal.Signals) -> None:
    await terminal.until("The agent runs")
    os.kill(terminal.pid, number)

    assert await terminal.ended() == 0
    assert all(alive(pid) for pid in _pids())
    assert len(_pids()) == 2
    await terminal.until("`sidetone stop` ends it")


@pytest.fixture
def talkative_agent() -> None:
    (paths.data_dir() / "agent.habits").write_text("fail\n")


@pytest.mark.usefixtures("talkative_agent")
async def test_what_a_process_writes_does_not_reach_the_screen(terminal: Terminal) -> None:
    await terminal.until("The agent runs")
    terminal.press(b"\x11")
    await terminal.ended()

    assert "line 1" not in terminal.words
    assert (paths.data_dir() / "agent.out").stat().st_mode & 0o777 == 0o600

"""A program in a pseudo-terminal, with the screen that its output draws."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import Callable, Mapping, Sequence

import pyte

UNTIL_S = 60.0


class _Screen(pyte.Screen):
    """Passes over private sequences, which pyte 0.8 takes for others with the same last letter."""

    def select_graphic_rendition(self, *attributes: int, private: bool = False) -> None:
        if not private:
            super().select_graphic_rendition(*attributes)

    def report_device_status(self, mode: int, **_private: bool) -> None:
        """Nobody answers the program's questions."""


class Terminal:
    """``python -m`` of ``arguments`` at ``columns`` x ``rows``; ``raw`` is all that it wrote."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], columns: int = 80, rows: int = 24
    ) -> None:
        # These would go before the terminal's own size; pytest-xdist sets them.
        inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execve(
                sys.executable,
                [sys.executable, "-m", *arguments],
                {**inherited, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **environment},
            )
        self.raw = b""
        self._screen = _Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._changed = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._master, self._read)

    @property
    def rows(self) -> list[str]:
        return self._screen.display

    @property
    def text(self) -> str:
        return "\n".join(row.rstrip() for row in self.rows)

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed by itself."""
        return bool(termios.tcgetattr(self._master)[3] & termios.ECHO)

    async def shows(self, wanted: str | Callable[[str], bool], within: float = UNTIL_S) -> str:
        """The screen's text, once these words stand on it or the predicate likes it."""
        try:
            async with asyncio.timeout(within):
                while not (wanted in self.text if isinstance(wanted, str) else wanted(self.text)):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"not on the screen: {wanted}\n{self.text}") from None
        return self.text

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    async def ended(self) -> int:
        """The exit status."""
        async with asyncio.timeout(30):
            while True:
                pid, status = os.waitpid(self.pid, os.WNOHANG)  # noqa: ASYNC222
                if pid:
                    self.pid = 0
                    return os.waitstatus_to_exitcode(status)
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        self.kill()
        os.close(self._master)

    def _read(self) -> None:
        try:
            data = os.read(self._master, 65_536)
        except OSError:
            asyncio.get_running_loop().remove_reader(self._master)
        else:
            self.raw += data
            self._stream.feed(data)
        self._changed.set()

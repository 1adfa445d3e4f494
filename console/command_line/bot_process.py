"""Somebody else's bot as a child process: started with its own environment, watched, ended with its children."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from console.process import StartError

_STOP_S = 8.0
_POLL_S = 0.05
_TAIL_LINES = 12
_TAIL_BYTES = 16_384


class BotProcess:
    """``output`` is where the bot's standard output and error go; it is its owner's alone."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], output: Path) -> None:
        self._words, self._environment, self.output = tuple(words), dict(environment), output
        self._child: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Raises:
        StartError: there is no such command.
        """
        descriptor = os.open(self.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        try:
            self._child = await asyncio.create_subprocess_exec(
                *self._words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env=self._environment,
                # A group of its own, so that `uv run` and reloaders end with their children.
                start_new_session=True,
            )
        except OSError as error:
            raise StartError(f"The bot cannot be started: {self._words[0]}: {error.strerror}.") from error
        finally:
            os.close(descriptor)

    @property
    def over(self) -> bool:
        return self._child is None or self._child.returncode is not None

    def epitaph(self) -> str:
        """One sentence on how it ended."""
        status = None if self._child is None else self._child.returncode
        if status is None:
            return "The bot runs."
        if status < 0:
            with contextlib.suppress(ValueError):
                return f"The bot was ended by {signal.Signals(-status).name}."
        return f"The bot ended with status {status}."

    def tail(self) -> tuple[str, ...]:
        """The last lines that it wrote."""
        try:
            with self.output.open("rb") as file:
                file.seek(max(0, self.output.stat().st_size - _TAIL_BYTES))
                text = file.read(_TAIL_BYTES).decode(errors="replace")
        except OSError:
            return ()
        return tuple(deque((line for line in text.splitlines() if line.strip()), _TAIL_LINES))

    async def stop(self) -> None:
        """Ask the whole group to end, and force it after 8 s."""
        child = self._child
        if child is None:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_S):
                await child.wait()
                while self._signal(0):
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await child.wait()

    def _signal(self, number: int) -> bool:
        """Returns whether there was anybody left to get it."""
        assert self._child is not None
        try:
            os.killpg(self._child.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

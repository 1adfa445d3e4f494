"""The console's end of the sound process: it is started with the first order, and anew with the next one after
its end."""

from __future__ import annotations

import asyncio
import asyncio.subprocess
import contextlib
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from console.sound import protocol
from console.sound.protocol import Configure, Order, Report, Trouble
from console.sound_output import SoundOutput

COMMAND = (sys.executable, "-P", "-m", "console.sound")
_STOP_S = 2.0
_MAX_LINE = 1 << 20
_MAX_UNREAD = 1 << 20
"""Bytes of orders that the process may leave unread before it counts as stuck."""
_SECRET = re.compile(r"TELNYX|ASSEMBLYAI|OPENAI|DEEPGRAM|RIME|KEY|TOKEN|SECRET|PASSW|CREDENTIAL")

R = TypeVar("R", bound=Report)


class SoundError(Exception):
    """The sound process did not do what it was asked; one sentence, and what to do."""

    def __init__(self, text: str, fix: str = "") -> None:
        super().__init__(text)
        self.fix = fix


class SoundLink:
    """``tell`` hears every report, on the loop that sends the orders.

    A dead process is told as :class:`Trouble`. The next order starts another, which gets the last
    :class:`Configure` first; ``restarted`` is called then, so that whoever had something open in the old one
    sends its orders again.
    """

    def __init__(
        self,
        tell: Callable[[Report], object],
        configure: Configure,
        folder: Path,
        restarted: Callable[[], object] = lambda: None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._tell, self._configure, self._restarted = tell, configure, restarted
        self._command = tuple(command)
        self._output = SoundOutput(folder / "sound.out")
        self._life: asyncio.Task[None] | None = None
        self._child: asyncio.subprocess.Process | None = None
        self._unsent: list[Order] = []
        self._asked: list[tuple[type[Report], asyncio.Future[Report]]] = []
        self._lives = 0
        self._closing = False

    @property
    def running(self) -> bool:
        """Whether the process runs or is being started."""
        return self._life is not None and not self._life.done()

    def send(self, order: Order) -> None:
        """Send ``order``, to a new process where none runs. Never waits."""
        if self._closing:
            return
        if isinstance(order, Configure):
            self._configure = order
        if not self.running:
            self._begin()
            if isinstance(order, Configure):
                return
        if self._child is None:
            self._unsent.append(order)
        else:
            self._write(self._child, order)

    async def ask(self, order: Order, answer: type[R], within_s: float = 20.0) -> R:
        """Send ``order`` and wait for the first report of the kind ``answer``.

        Raises:
            SoundError: the process ended before, or said nothing in time.
        """
        future: asyncio.Future[Report] = asyncio.get_running_loop().create_future()
        entry = (answer, future)
        self._asked.append(entry)
        self.send(order)
        try:
            async with asyncio.timeout(within_s):
                found = await future
        except TimeoutError:
            raise SoundError(
                f"The sound process did not answer within {within_s:g} s.", self._output.fix()
            ) from None
        finally:
            if entry in self._asked:
                self._asked.remove(entry)
        assert isinstance(found, answer)
        return found

    async def ended(self) -> None:
        """Wait for the end of the process that runs now."""
        if self._life is not None:
            await asyncio.wait({self._life})

    async def close(self) -> None:
        """End the process: it closes its devices when its input ends, and is terminated when it does not."""
        self._closing = True
        life, self._life = self._life, None
        if life is None:
            return
        child = self._child
        if child is not None and child.stdin is not None:
            child.stdin.close()
        done, _ = await asyncio.wait({life}, timeout=_STOP_S)
        if not done and child is not None:
            _signal(child, signal.SIGTERM)
            done, _ = await asyncio.wait({life}, timeout=_STOP_S)
        if not done:
            if child is not None:
                _signal(child, signal.SIGKILL)
            life.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await life

    def _begin(self) -> None:
        self._child, self._unsent = None, [self._configure]
        self._lives += 1
        self._life = asyncio.create_task(self._live(), name="sound process")
        if self._lives > 1:
            self._restarted()

    async def _live(self) -> None:
        """From the start of a process to its end."""
        try:
            child = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=environment(os.environ),
                limit=_MAX_LINE,
                # Ctrl-C at the terminal is for us, who then close it in order.
                start_new_session=True,
            )
        except OSError as error:
            self._over(f"The sound process cannot be started: {error}.")
            return
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        self._child = child
        unsent, self._unsent = self._unsent, []
        for order in unsent:
            self._write(child, order)
        if self._closing:
            child.stdin.close()
        writing = asyncio.create_task(self._output.copy(child.stderr))
        try:
            await self._hear(child.stdout)
            await writing
            status = await child.wait()
        finally:
            writing.cancel()
            self._child = None
            if child.returncode is None:
                _signal(child, signal.SIGKILL)
        self._over("" if self._closing else f"The sound process {_ended(status)}{self._output.last_words()}")

    async def _hear(self, reports: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await reports.readline()
            except ValueError:
                self._tell(Trouble(message=f"The sound process sent a line of more than {_MAX_LINE} bytes."))
                continue
            if not line:
                return
            try:
                report = protocol.decode_report(line)
            except ValueError as error:
                self._tell(Trouble(message=f"The sound process sent something else: {error}."))
                continue
            for kind, future in self._asked:
                if isinstance(report, kind) and not future.done():
                    future.set_result(report)
            self._tell(report)

    def _write(self, child: asyncio.subprocess.Process, order: Order) -> None:
        assert child.stdin is not None
        if child.stdin.transport.get_write_buffer_size() > _MAX_UNREAD:
            # It no longer reads, so it is of no more use; its end is told like any other.
            _signal(child, signal.SIGKILL)
        elif not child.stdin.is_closing():
            child.stdin.write(protocol.encode(order))

    def _over(self, message: str) -> None:
        fix = self._output.fix()
        for _, future in self._asked:
            if not future.done():
                future.set_exception(SoundError(message or "The sound process was closed.", fix))
        if message:
            self._tell(Trouble(message=message, fix=fix))


def environment(whole: Mapping[str, str]) -> dict[str, str]:
    """``whole`` without keys and tokens: the sound process talks to no service."""
    return {name: value for name, value in whole.items() if not _SECRET.search(name.upper())}


def _ended(status: int) -> str:
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-status).name}."
    return f"ended with status {status}."


def _signal(child: asyncio.subprocess.Process, number: int) -> None:
    # Popen's own way polls first, and so takes the status away from asyncio's watcher.
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, number)

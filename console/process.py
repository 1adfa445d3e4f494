"""One of our processes: found running, or started as a child that outlives the console, and ended on request."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from console.http_client import Http, Unreachable

START_S = 30.0
STOP_S = 8.0
_POLL_S = 0.1
_HEALTH_EVERY_S = 5.0
_TAIL_LINES = 5
_TAIL_BYTES = 8_192


class RunningFile(msgspec.Struct, frozen=True):
    """What a running process wrote about itself: ``agent.json`` or ``simulator.json``."""

    pid: int
    port: int
    token: str
    host: str = "127.0.0.1"
    version: str = ""

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @staticmethod
    def read(path: Path) -> RunningFile | None:
        try:
            return msgspec.json.decode(path.read_bytes(), type=RunningFile)
        except (OSError, msgspec.DecodeError):
            return None


class StartError(Exception):
    """The process did not come up: one sentence, and the last lines that it wrote."""

    def __init__(self, text: str, tail: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.tail = tail


@dataclass(frozen=True, slots=True)
class Launch:
    """What follows the interpreter on the command line, and what is put over the environment."""

    arguments: list[str]
    environment: dict[str, str] = field(repr=False)


class Process:
    """Knows how to find, start, watch and stop one process.

    ``state_file`` is where it says how to reach it, ``output`` where its standard output and error go,
    ``health`` the path that answers 200 once it serves.
    """

    def __init__(
        self,
        name: str,
        state_file: Path,
        output: Path,
        health: str,
        launch: Callable[[], Awaitable[Launch]],
        http: Http,
    ) -> None:
        self.name = name
        self.running: RunningFile | None = None
        self.attached = False
        self._state_file, self._output, self._health = state_file, output, health
        self._launch = launch
        self._http = http
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def last_port(self) -> int:
        """The port of this or an earlier run, 0 when there was none."""
        known = self.running or RunningFile.read(self._state_file)
        return known.port if known else 0

    async def find(self) -> RunningFile | None:
        """Attach to the process if it runs already."""
        known = RunningFile.read(self._state_file)
        if known is None or not alive(known.pid) or not await self._healthy(known):
            return None
        self.running = known
        self.attached = self._child is None or self._child.pid != known.pid
        return known

    async def find_or_start(self) -> RunningFile:
        """Attach to the process, or start it where there is none.

        Raises:
            StartError: it ended or did not answer in time.
        """
        return await self.find() or await self.start()

    async def start(self) -> RunningFile:
        """Start the process and wait until it serves.

        Raises:
            StartError: it ended or did not answer in time.
        """
        launch = await self._launch()
        try:
            self._child = child = self._spawn(launch)
        except OSError as error:
            raise StartError(f"The {self.name} cannot be started: {error}.") from error
        deadline = time.monotonic() + START_S
        try:
            while time.monotonic() < deadline:
                if child.poll() is not None:
                    raise StartError(self._epitaph(child.returncode), self.tail())
                known = RunningFile.read(self._state_file)
                if known is not None and known.pid == child.pid and await self._healthy(known):
                    self.running, self.attached = known, False
                    return known
                await asyncio.sleep(_POLL_S)
        except BaseException:
            await self._end_child()
            raise
        await self._end_child()
        raise StartError(f"The {self.name} did not answer within {START_S:g} s: see {self._output}.", self.tail())

    async def ended(self) -> str:
        """Wait until the process is gone; returns one sentence about its end."""
        running = self.running
        if running is None:
            return f"The {self.name} does not run."
        next_check = time.monotonic() + _HEALTH_EVERY_S
        while True:
            await asyncio.sleep(_POLL_S)
            child = self._child
            if child is not None and child.pid == running.pid:
                if child.poll() is not None:
                    return self._epitaph(child.returncode)
            elif not alive(running.pid):
                return f"The {self.name} (process {running.pid}) has ended."
            elif time.monotonic() >= next_check:
                # A process that is merely busy still accepts connections; one whose pid was given away does not.
                if not await _accepts(running):
                    return f"The {self.name} (process {running.pid}) no longer listens on port {running.port}."
                next_check = time.monotonic() + _HEALTH_EVERY_S

    async def stop(self) -> bool:
        """Ask the process to end and wait for it; returns whether there was one."""
        running = self.running
        if running is None:
            return False
        self.running = None
        if self._child is not None and self._child.pid == running.pid:
            await self._end_child()
        else:
            await end(running.pid)
        return True

    def tail(self) -> tuple[str, ...]:
        """The last lines that the process wrote."""
        try:
            with self._output.open("rb") as file:
                file.seek(max(0, self._output.stat().st_size - _TAIL_BYTES))
                text = file.read(_TAIL_BYTES).decode(errors="replace")
        except OSError:
            return ()
        return tuple([line for line in text.splitlines() if line.strip()][-_TAIL_LINES:])

    async def _healthy(self, known: RunningFile) -> bool:
        try:
            status, _ = await self._http.request("GET", f"{known.url}{self._health}", known.token, timeout=3)
        except Unreachable:
            return False
        return status == 200

    def _spawn(self, launch: Launch) -> subprocess.Popen[bytes]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        with open(os.open(self._output, flags, 0o600), "wb") as output:
            return subprocess.Popen(
                [sys.executable, *launch.arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **launch.environment},
                start_new_session=True,
            )

    async def _end_child(self) -> None:
        child = self._child
        if child is None or child.poll() is not None:
            return
        child.terminate()
        deadline = time.monotonic() + STOP_S
        while child.poll() is None:
            if time.monotonic() > deadline:
                child.kill()
            await asyncio.sleep(_POLL_S / 2)

    def _epitaph(self, status: int) -> str:
        if status < 0:
            with contextlib.suppress(ValueError):
                return f"The {self.name} was ended by {signal.Signals(-status).name}."
        last = self.tail()[-1:]
        return f"The {self.name} ended with status {status}" + (f": {last[0].strip()}" if last else ".")


def alive(pid: int) -> bool:
    """Whether there is a process with this id that is more than a name its parent has not taken back."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat").read_text()
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


async def end(pid: int) -> None:
    """End a process that is not our child: first asked, then forced."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        while alive(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                return
            await asyncio.sleep(_POLL_S / 2)


async def _accepts(running: RunningFile) -> bool:
    try:
        async with asyncio.timeout(3):
            _, writer = await asyncio.open_connection(running.host, running.port)
    except TimeoutError:
        return True
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True

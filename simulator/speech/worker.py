"""The simulator's side of a speech worker: a child process that answers frames in order."""

from __future__ import annotations

import asyncio
import logging
import sys

from simulator.speech.pipes import LENGTH, MAX_FRAME, pack

logger = logging.getLogger(__name__)


class WorkerGone(Exception):
    """The worker ended, gave no answer in time and was ended, or was closed."""


class Worker:
    """`python -m module argument…` as a child, started at the first request and again after it died."""

    def __init__(self, module: str, *arguments: str, timeout_seconds: float) -> None:
        self._module = module
        self._arguments = arguments
        self._timeout = timeout_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()
        self._asking: set[asyncio.Task[bytes]] = set()
        self._closed = False

    async def request(self, *frames: bytes) -> bytes:
        """Send `frames` together and wait for the one reply that they cause.

        Raises WorkerGone; the next request starts a new worker. Cancelling the caller leaves the exchange to
        finish, so that nobody else is given its reply.
        """
        asking = asyncio.create_task(self._locked(frames))
        self._asking.add(asking)
        asking.add_done_callback(self._asked)
        return await asyncio.shield(asking)

    async def close(self) -> None:
        self._closed = True
        await self._end()
        if self._asking:
            await asyncio.wait(self._asking)

    def _asked(self, asking: asyncio.Task[bytes]) -> None:
        self._asking.discard(asking)
        if not asking.cancelled():
            # Marks a failure as seen: the caller has it already, unless it was cancelled.
            asking.exception()

    async def _locked(self, frames: tuple[bytes, ...]) -> bytes:
        async with self._lock:
            if self._closed:
                raise WorkerGone(f"{self._module} was closed.")
            try:
                async with asyncio.timeout(self._timeout):
                    return await self._exchange(frames)
            except TimeoutError as error:
                await self._end()
                raise WorkerGone(f"{self._module} did not answer within {self._timeout:g} s.") from error
            except (OSError, asyncio.IncompleteReadError, ValueError) as error:
                await self._end()
                raise WorkerGone(f"{self._module} ended unexpectedly.") from error

    async def _exchange(self, frames: tuple[bytes, ...]) -> bytes:
        process = self._process
        if process is None or process.returncode is not None:
            # As this process itself was started: whether the working directory comes before everything else.
            flags = ("-P",) if sys.flags.safe_path else ()
            process = self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, *flags, "-m", self._module, *self._arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            logger.debug("%s runs as process %d", self._module, process.pid)
            if self._closed:
                raise ValueError("closed while it started")
        if process.stdin is None or process.stdout is None:
            raise ValueError("no pipes")
        process.stdin.write(b"".join(map(pack, frames)))
        await process.stdin.drain()
        (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
        if length > MAX_FRAME:
            raise ValueError(f"frame of {length} bytes")
        return await process.stdout.readexactly(length)

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        if process.returncode is None:
            process.kill()
        await process.wait()

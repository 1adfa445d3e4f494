"""``python -m console.sound``: orders from standard input, reports to standard output, until the input ends."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator

from console.sound.protocol import (
    Counters,
    Level,
    ListeningStats,
    PhoneStats,
    Playing,
    Ready,
    Report,
    Trouble,
    encode,
)
from console.sound.service import Service

_MAX_LINE = 1 << 20
_MAX_UNREAD = 1024
_CONTINUAL = (Counters, Level, ListeningStats, PhoneStats, Playing)
_MAX_UNREAD_CONTINUAL = 64


def main() -> int:
    """Returns the exit status."""
    # Libraries in C print to file descriptor 1: that is standard error from here on.
    reports = os.dup(1)
    os.dup2(2, 1)
    # As sound servers do, where they may: a few percent of a core, but now.
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, 0, -11)
    # numpy's threads would only take memory: no array here is large.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # The clock waits at most so long for a thread that computes.
    sys.setswitchinterval(0.001)
    return asyncio.run(_run(reports))


async def _run(reports: int) -> int:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no handlers on the loop; its default is to end at once.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, ended.set)
    output = Output(reports, lambda: loop.call_soon_threadsafe(ended.set))
    output.put(Ready(pid=os.getpid(), version=importlib.metadata.version("sidetone")))
    service = Service(output.put)

    async def take(line: bytes) -> None:
        service.take(line)

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            for line in lines(0, output.put):
                asyncio.run_coroutine_threadsafe(take(line), loop).result()
            loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=read, name="orders", daemon=True).start()
    await ended.wait()
    await service.close()
    output.close()
    return 0


class Output:
    """Reports on a file descriptor, from a thread, so that a console that does not read never stops the clock.

    For it 64 of the reports that come all the time are kept, and of all together 1,024; more are dropped.
    """

    def __init__(self, descriptor: int, broken: Callable[[], object]) -> None:
        self._descriptor, self._broken = descriptor, broken
        self._reports: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="reports", daemon=True)
        self._thread.start()

    def put(self, report: Report) -> None:
        most = _MAX_UNREAD_CONTINUAL if isinstance(report, _CONTINUAL) else _MAX_UNREAD
        if self._reports.qsize() < most:
            self._reports.put(encode(report))

    def close(self) -> None:
        """Write what waits, for as long as somebody reads."""
        self._reports.put(None)
        self._thread.join(timeout=0.2)

    def _write(self) -> None:
        while (line := self._reports.get()) is not None:
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except OSError:
                self._broken()
                return


def lines(descriptor: int, report: Callable[[Report], object]) -> Iterator[bytes]:
    """The lines that come from ``descriptor`` until its end. What has no end after a megabyte is left out and
    reported."""
    kept = bytearray()
    too_long = False
    while data := os.read(descriptor, 1 << 16):
        *whole, rest = data.split(b"\n")
        for part in whole:
            kept += part
            if not too_long and kept.strip():
                yield bytes(kept)
            kept.clear()
            too_long = False
        kept += rest
        if len(kept) > _MAX_LINE:
            if not too_long:
                report(Trouble(message=f"The sound process was sent a line of more than {_MAX_LINE} bytes."))
            too_long = True
            kept.clear()


if __name__ == "__main__":
    sys.exit(main())

"""One thread that writes the files of all calls, so that a slow disk never delays a media tick."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

log = logging.getLogger(__name__)

MOST_WAITING_BYTES: Final = 64 * 1024 * 1024
MOST_WAITING_JOBS: Final = 20_000

Job = Callable[[], None]


class Disk:
    """Runs jobs in the order given, on a thread of its own that starts with the first job."""

    def __init__(self, most_bytes: int = MOST_WAITING_BYTES, most_jobs: int = MOST_WAITING_JOBS) -> None:
        self._most_bytes = most_bytes
        self._most_jobs = most_jobs
        self._waiting: deque[tuple[Job, int]] = deque()
        self._bytes = 0
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, job: Job, size: int) -> bool:
        """Queue a job that holds `size` bytes; False when too much is waiting or the disk is closed."""
        with self._change:
            full = len(self._waiting) >= self._most_jobs or self._bytes + size > self._most_bytes
            if full or self._closed:
                return False
            self._put(job, size)
        return True

    def finish(self, job: Job) -> Future[None]:
        """Queue the last job of a file, which is never refused; the future is done when it has run."""
        done: Future[None] = Future()

        def run() -> None:
            try:
                job()
            except BaseException as error:
                done.set_exception(error)
            else:
                done.set_result(None)

        with self._change:
            if not self._closed:
                self._put(run, 0)
                return done
        run()
        return done

    def close(self) -> None:
        """Do what is queued and end the thread; blocks until then."""
        with self._change:
            self._closed = True
            self._change.notify()
        if self._thread is not None:
            self._thread.join()

    def _put(self, job: Job, size: int) -> None:
        self._waiting.append((job, size))
        self._bytes += size
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
            self._thread.start()
        self._change.notify()

    def _run(self) -> None:
        while True:
            with self._change:
                while not self._waiting:
                    if self._closed:
                        return
                    self._change.wait()
                job, size = self._waiting.popleft()
                self._bytes -= size
            try:
                job()
            except Exception:
                log.exception("Writing to disk failed in a way that was not foreseen.")


class Output:
    """One file as the media loop sees it. Problems are told once each, on the loop, and the call goes on."""

    def __init__(self, disk: Disk, what: str, on_problem: Callable[[str], None]) -> None:
        """`what` begins a sentence, such as `The recording call.wav`."""
        self._disk = disk
        self._what = what
        self._on_problem = on_problem
        self._failure: str | None = None
        self._told: set[str] = set()

    @property
    def failure(self) -> str | None:
        """Why nothing more is written, as one sentence; None while all is well."""
        return self._failure

    def hand_over(self, job: Job, size: int) -> None:
        """Have `job` run by the disk's thread; when it raises OSError the file has failed."""
        if self._failure is not None:
            self._tell(self._failure)
        elif not self._disk.submit(lambda: self._attempt(job), size):
            self.problem(f"{self._what} has gaps: the disk is too slow for all calls; record fewer at once.")

    async def close(self, job: Job) -> None:
        """Run the last job after all others and return when it is done."""
        await asyncio.wrap_future(self._disk.finish(lambda: self._attempt(job, last=True)))
        if self._failure is not None:
            self._tell(self._failure)

    def problem(self, sentence: str) -> None:
        self._tell(sentence)

    def _attempt(self, job: Job, last: bool = False) -> None:
        if self._failure is not None and not last:
            return
        try:
            job()
        except OSError as error:
            reason = error.strerror or str(error)
            self._failure = self._failure or (
                f"{self._what} could not be written: {reason}; check its directory and the free space."
            )

    def _tell(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            self._on_problem(sentence)

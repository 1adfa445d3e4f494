"""The recordings' files: ``<data>/calls/<call>.wav``, for their owner alone, written by one thread for all calls.

Nothing here waits for a disk on the event loop. Every file is a whole WAV after each write, so a crash loses only
what was not yet handed over.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import queue
import re
import struct
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

HEADER: Final = 44
FRAME: Final = 4
"""Bytes of one sample of both channels."""
_MAX_WAITING = 1_000
_PRUNE_EVERY_S = 86_400.0
_PATIENCE_S = 5.0
_PART = 64 * 1024
_CALL = re.compile(r"[A-Za-z0-9_-]{1,64}")

log = logging.getLogger(__name__)


class Recordings:
    """All recordings in ``folder``; those that were not written to for ``keep_days`` are deleted.

    ``failed`` is told on the loop, once for a file, which file cannot be written on and why.
    """

    def __init__(self, folder: Path, keep_days: float, failed: Callable[[str, str], object]) -> None:
        self._folder, self._keep_s, self._failed = folder, keep_days * 86_400, failed
        self._queue: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._files: dict[str, int] = {}
        self._broken: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Start to write and to delete what is too old, on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Write what waits, for at most 5 s."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            self._queue.put(None)
            await asyncio.to_thread(thread.join, _PATIENCE_S)

    @staticmethod
    def name(call: str) -> str:
        return f"{call}.wav"

    def find(self, call: str) -> Path | None:
        """The recording of a call, if there is one; whatever ``call`` is, it leads nowhere else."""
        path = self._folder / self.name(call)
        return path if _CALL.fullmatch(call) and path.is_file() and not path.is_symlink() else None

    def is_open(self, call: str) -> bool:
        """Whether the recording of a call may still grow."""
        return self.name(call) in self._files

    def write(self, name: str, rate: int, at: int, frames: bytes) -> bool:
        """Put ``frames`` at frame ``at`` of the file, which the first write makes.

        Returns False when so much waits for the disk that no more is taken.
        """
        if self._queue.qsize() >= _MAX_WAITING:
            return False
        self._queue.put(partial(self._write, name, rate, at, frames))
        return True

    def finish(self, name: str) -> None:
        """Nothing more will be written to the file."""
        self._queue.put(partial(self._finish, name))

    async def flush(self) -> None:
        """Wait for at most 5 s until all that was handed over is in the files."""
        done = asyncio.Event()
        self._queue.put(partial(self._on_loop, done.set))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), _PATIENCE_S)

    def _run(self) -> None:
        prune_at = time.monotonic()
        while True:
            wait_s = prune_at - time.monotonic()
            if wait_s <= 0:
                self._prune()
                prune_at = time.monotonic() + _PRUNE_EVERY_S
                continue
            try:
                action = self._queue.get(timeout=wait_s)
            except queue.Empty:
                continue
            if action is None:
                break
            action()
        for name in list(self._files):
            self._finish(name)

    def _write(self, name: str, rate: int, at: int, frames: bytes) -> None:
        if name in self._broken:
            return
        try:
            if name not in self._files:
                self._files[name] = self._make(name)
            _write_on(self._files[name], rate, at, frames)
        except OSError as error:
            self._finish(name)
            self._broken.add(name)
            self._on_loop(partial(self._failed, name, error.strerror or str(error)))

    def _make(self, name: str) -> int:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def _finish(self, name: str) -> None:
        self._broken.discard(name)
        file = self._files.pop(name, None)
        if file is not None:
            try:
                os.close(file)
            except OSError as error:
                log.warning("The recording %s may not be whole: %s", name, error)

    def _on_loop(self, action: Callable[[], object]) -> None:
        assert self._loop is not None
        # A loop that is already closed has nobody left to tell.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(action)

    def _prune(self) -> None:
        oldest = time.time() - self._keep_s
        try:
            for path in self._folder.glob("*.wav"):
                if path.name not in self._files and path.lstat().st_mtime < oldest:
                    path.unlink()
        except OSError as error:
            log.warning("Recordings that are too old cannot be deleted: %s", error)


def so_far(path: Path) -> tuple[int, Iterator[bytes]]:
    """A recording that may grow: its size in bytes by its header, and exactly those bytes. For a thread."""
    with path.open("rb") as file:
        head = file.read(HEADER)
    size = HEADER + int.from_bytes(head[-4:], "little")

    def parts() -> Iterator[bytes]:
        yield head
        with path.open("rb") as file:
            file.seek(HEADER)
            left = size - HEADER
            while left and (part := file.read(min(left, _PART))):
                left -= len(part)
                yield part

    return size, parts()


def _write_on(file: int, rate: int, at: int, frames: bytes) -> None:
    _write_all(file, frames, HEADER + at * FRAME)
    _write_all(file, _header(rate, os.fstat(file).st_size - HEADER), 0)


def _write_all(file: int, data: bytes, offset: int) -> None:
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written


def _header(rate: int, size: int) -> bytes:
    """Of a stereo WAV of 16 bits that holds ``size`` bytes of audio."""
    head = b"RIFF", size + 36, b"WAVE", b"fmt ", 16, 1, 2, rate, rate * FRAME, FRAME, 16, b"data", size
    return struct.pack("<4sI4s4sIHHIIHH4sI", *head)

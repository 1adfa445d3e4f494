"""What the sound process writes to its standard error: sound libraries write there at any time, and much."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

_MOST = 256 * 1024
_CHUNK = 8_192
_LONGEST = 300


class SoundOutput:
    """Keeps it in ``file``, and what came before the last 256 KB in ``file.1``; both are their owner's alone."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._last = b""

    async def copy(self, stream: asyncio.StreamReader) -> None:
        """Write ``stream`` to the file until it ends. Whatever keeps the file from being written, it is read on,
        since the sound process must not wait for us."""
        self._last = b""
        while chunk := await stream.read(_CHUNK):
            self._last = (self._last + chunk)[-_CHUNK:]
            self._append(chunk)

    def last_words(self) -> str:
        """The last line, after a space, or nothing."""
        lines = [line for line in self._last.decode(errors="replace").splitlines() if line.strip()]
        return f" {lines[-1].strip()[:_LONGEST]}" if lines else ""

    def fix(self) -> str:
        """What to do about its end."""
        return f"Try again; what it wrote is in {self.file}." if self._last else "Try again."

    def _append(self, chunk: bytes) -> None:
        try:
            descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with open(descriptor, "ab") as file:
                file.write(chunk)
                size = file.tell()
            if size > _MOST:
                self.file.replace(self.file.with_suffix(f"{self.file.suffix}.1"))
        except OSError:
            return

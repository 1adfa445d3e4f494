"""What the console remembers between runs: the number dialled last, for each kind of line, and the sound devices
that were chosen."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from console.environment import SIM_CALLEE


class _File(msgspec.Struct):
    last_number: dict[str, str] = {}
    devices: dict[str, str] = {}


class Preferences:
    """Kept in one small file; one that cannot be read or written is as good as none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = msgspec.json.decode(path.read_bytes(), type=_File)
        except (OSError, msgspec.DecodeError):
            self._file = _File()

    def last_number(self, line: str) -> str:
        """The number dialled last on the SIM or LIVE line; on the SIM line there always is one."""
        return self._file.last_number.get(line, SIM_CALLEE if line == "SIM" else "")

    def remember(self, line: str, number: str) -> None:
        """Keep ``number`` for the next time."""
        if self._file.last_number.get(line) == number:
            return
        self._file.last_number[line] = number
        self._write()

    def device(self, kind: str) -> str:
        """The ``microphone`` or ``speaker`` that was chosen, by name; empty for the system's own choice."""
        return self._file.devices.get(kind, "")

    def choose_device(self, kind: str, name: str) -> None:
        """Keep the choice for the next time; an empty ``name`` forgets it."""
        if self.device(kind) != name:
            self._file.devices[kind] = name
            self._write()

    def _write(self) -> None:
        unfinished = self._path.with_suffix(f".{os.getpid()}")
        try:
            unfinished.write_bytes(msgspec.json.encode(self._file))
            unfinished.replace(self._path)
        except OSError:
            return

"""An agent definition as the file it came from: tuned values are written into it, and nothing else changes."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError

from agent import tuning
from agent.definition import SHIPPED, Definition, DefinitionError, parse

_COPY_NOTE = (
    "# A copy of Sidetone's own front_desk.toml with values that were tuned in a call. It answers as long as\n"
    "# SIDETONE_AGENT is not set; delete it to go back to the shipped one.\n\n"
)


class SaveError(Exception):
    """The values cannot be saved; one sentence that says why and what to do. The file is as it was."""


class DefinitionFile:
    """The definition that the agent runs on, and its file.

    The shipped definition is never edited: its first save writes ``copy``, or is refused where that is None.
    """

    def __init__(self, path: Path, definition: Definition, copy: Path | None = None) -> None:
        self.path, self.definition = path, definition
        self._copy = copy
        self._saving = threading.Lock()

    def save(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Write ``values``, by AssemblyAI's names, and go by them from now on; returns those that were new.

        Blocks on the disk.

        Raises:
            SaveError: the file changed since the agent read it, cannot be written, or would be wrong.
        """
        with self._saving:
            text = self._read()
            new = {name: value for name, value in values.items() if self._saved(name) != value}
            if not new:
                return new
            target = self._target()
            text = (_COPY_NOTE if target != self.path else "") + _edited(text, new)
            definition = self._checked(text, target, new)
            _replace(target, text, like=self.path)
            self.path, self.definition = target, definition
            return new

    def _read(self) -> str:
        try:
            # As bytes, since reading as text would change the line ends.
            text = self.path.read_bytes().decode()
            same = parse(text, self.path) == self.definition
        except OSError as error:
            raise SaveError(f"{self.path} cannot be read: {error.strerror}.") from error
        except (DefinitionError, UnicodeDecodeError) as error:
            raise SaveError(f"{self.path} was changed and is wrong now: {error}") from error
        if not same:
            raise SaveError(
                f"{self.path} was changed since the agent read it: restart the agent, then save again."
            )
        return text

    def _saved(self, name: str) -> Any:
        found: Any = msgspec.to_builtins(self.definition)
        for key in tuning.place(name):
            found = found.get(key)
        return found

    def _target(self) -> Path:
        if self.path.resolve() != SHIPPED.resolve():
            # Of a link, the file that it leads to is replaced.
            return self.path.resolve()
        if self._copy is None:
            raise SaveError(
                "SIDETONE_AGENT names Sidetone's own definition, which is never edited: point it at a copy."
            )
        if self._copy.exists():
            raise SaveError(f"{self._copy} exists already: restart the agent to use it, then save again.")
        return self._copy

    def _checked(self, text: str, target: Path, new: Mapping[str, Any]) -> Definition:
        """The edited text as a definition that differs in ``new`` alone."""
        wanted: Any = msgspec.to_builtins(self.definition)
        for name, value in new.items():
            *tables, key = tuning.place(name)
            table = wanted
            for inner in tables:
                table = table[inner]
            table[key] = value
        try:
            definition = parse(text, target)
        except DefinitionError as error:
            raise SaveError(f"With these values the definition would be wrong: {error}") from error
        if definition != msgspec.convert(wanted, Definition):
            raise SaveError(f"{self.path} is written in a way that cannot be edited safely: change it by hand.")
        return definition


def _edited(text: str, values: Mapping[str, Any]) -> str:
    """The TOML text with the values in their places; comments and order stay."""
    try:
        document = tomlkit.parse(text)
        for name, value in values.items():
            *tables, key = tuning.place(name)
            table = cast("dict[str, Any]", document)
            for depth, inner in enumerate(tables):
                if inner not in table:
                    # A table that holds only tables needs no line of its own.
                    table[inner] = tomlkit.table(is_super_table=depth < len(tables) - 1)
                table = table[inner]
            table[key] = value
        return tomlkit.dumps(document)
    except TOMLKitError as error:
        raise SaveError(f"The definition cannot be edited: {error}.") from error


def _replace(target: Path, text: str, like: Path) -> None:
    """Write the file so that no reader ever sees half of it; its mode stays."""
    unfinished = None
    try:
        mode = like.stat().st_mode & 0o7777
        copying = target != like.resolve()
        # The mode too, since nothing is read-only for root.
        if not copying and not (mode & 0o222 and os.access(target, os.W_OK)):
            raise SaveError(f"{target} is read-only: allow writing to it, or point SIDETONE_AGENT at a copy.")
        handle, unfinished = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with open(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(handle)
        os.chmod(unfinished, 0o600 if copying else mode)
        os.replace(unfinished, target)
    except OSError as error:
        if unfinished is not None:
            with contextlib.suppress(OSError):
                os.unlink(unfinished)
        raise SaveError(f"{target} cannot be written: {error.strerror}.") from error

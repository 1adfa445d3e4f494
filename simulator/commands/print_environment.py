"""The environment on standard output and in a .env file."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from simulator.environment import FORMATS, merged
from simulator.settings import SettingsError


def show(values: Mapping[str, str], form: str, env_file: Path | None) -> None:
    """Standard output gets nothing but the environment, so that a shell can evaluate it. Raises SettingsError."""
    if env_file is not None:
        try:
            write(env_file, values)
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{env_file} cannot be written: {error}.") from error
        print(f"# The environment is in {env_file}.", file=sys.stderr)
    sys.stdout.write(FORMATS[form](values))
    sys.stdout.flush()


def write(path: Path, values: Mapping[str, str]) -> None:
    """Put `values` into the .env file at `path`, whose other lines stay; it is its owner's alone afterwards."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    # A link stays one: its target is replaced.
    path = path.resolve()
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(merged(text, values))
    os.replace(temporary, path)

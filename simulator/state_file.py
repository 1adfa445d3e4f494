"""`simulator.json`: how the console finds a running simulator and proves that it may control it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

NAME: Final = "simulator.json"


class State(msgspec.Struct, frozen=True):
    """`token` is the bearer token of `/sim`; `started_at` is ISO 8601 in UTC."""

    pid: int
    port: int
    token: str
    version: str
    started_at: str


def write(data_dir: Path, state: State) -> None:
    """Atomically, readable by the owner alone."""
    path = data_dir / NAME
    temporary = data_dir / f".{NAME}.{state.pid}"
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(state))
    os.replace(temporary, path)


def remove(data_dir: Path, pid: int) -> None:
    """Take the file away unless another simulator has put its own there."""
    path = data_dir / NAME
    try:
        state = msgspec.json.decode(path.read_bytes(), type=State)
    except (FileNotFoundError, msgspec.MsgspecError):
        return
    if state.pid == pid:
        path.unlink(missing_ok=True)

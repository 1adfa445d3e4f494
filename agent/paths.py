"""Where Sidetone keeps its files: one folder, private to the user, moved by SIDETONE_DATA_DIR."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def data_dir() -> Path:
    """The data folder, made on first use with access for its owner alone."""
    folder = _data_dir()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _data_dir() -> Path:
    chosen = os.environ.get("SIDETONE_DATA_DIR")
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("sidetone", appauthor=False))


def journal_file() -> Path:
    return data_dir() / "journal.sqlite"


def recordings_dir() -> Path:
    return data_dir() / "calls"


def agent_file() -> Path:
    """What a running agent says of itself; see :class:`agent.api.AgentFile`."""
    return data_dir() / "agent.json"


def saved_definition() -> Path:
    """The copy of the shipped agent definition that tuned values are saved in; it answers once it is there."""
    return _data_dir() / "front_desk.toml"


def log_file(process: str) -> Path:
    return data_dir() / f"{process}.log"

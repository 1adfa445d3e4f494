"""Python, the data folder and its disk, and the port of a live line."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping

from agent import paths
from console.doctor.finding import Finding, good, missing, note

_LEAST_PYTHON = (3, 11)
_LEAST_MB = 200
_LIVE_PORT = 8790


def python() -> Finding:
    version = platform.python_version()
    if sys.version_info < _LEAST_PYTHON:
        return missing("python", f"{version} is too old", "Install Python 3.11 or newer, 3.13 best.")
    return good("python", f"{version} ({sys.executable})")


def data_folder() -> Finding:
    try:
        folder = paths.data_dir()
        with tempfile.TemporaryFile(dir=folder):
            pass
        free_mb = shutil.disk_usage(folder).free // 1_000_000
    except OSError as error:
        return missing(
            "data folder", f"{error.filename or ''} cannot be written: {error.strerror}", "Set SIDETONE_DATA_DIR."
        )
    if free_mb < _LEAST_MB:
        return missing(
            "data folder", f"{folder}: {free_mb} MB free", "Free some space, or move it with SIDETONE_DATA_DIR."
        )
    loose = os.name == "posix" and folder.stat().st_mode & 0o077
    if loose:
        return note("data folder", f"{folder} can be read by others", f"chmod 700 {folder}")
    return good("data folder", f"{folder}, {free_mb / 1000:.0f} GB free")


def port(settings: Mapping[str, str], agent_port: int) -> Finding:
    """``agent_port`` is the one at which our agent listens now, or 0."""
    wanted = settings.get("SIDETONE_AGENT_PORT", "").strip() or str(_LIVE_PORT)
    if not wanted.isdecimal() or int(wanted) > 65_535:
        return missing(
            "port", f"SIDETONE_AGENT_PORT={wanted[:20]} is no port", "Give a number from 1024 to 65535."
        )
    if int(wanted) == agent_port:
        return good("port", f"{wanted} is the agent's")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(wanted)))
        except OSError as error:
            return note(
                "port",
                f"{wanted}, the agent's on a live line, is not free: {error.strerror}",
                "Set SIDETONE_AGENT_PORT to another.",
            )
    return good("port", f"{wanted} is free for the agent on a live line")

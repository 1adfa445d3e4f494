"""Gives memory back to the system after a call; without it the process keeps what its busiest hour took."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable
from pathlib import Path


def begin_loading() -> None:
    """Collect nothing until ``settle``: of what is loaded nothing is garbage, and looking for it takes a tenth of
    the start."""
    gc.disable()


def settle() -> None:
    """Once, when everything is loaded: later collections skip what will never be garbage, so they are short."""
    gc.collect()
    gc.freeze()
    gc.enable()


def give_back() -> None:
    """Return freed heap pages to the system where the C library can (glibc)."""
    if _trim is not None:
        _trim(0)


def rss_mb() -> int:
    """The process's resident memory in MB; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * 4096 // 1_000_000


def _find_trim() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None


_trim = _find_trim()

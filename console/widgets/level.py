"""Loudness as a bar."""

from __future__ import annotations

from console.symbols import Symbols

QUIET_DB, LOUD_DB = -60, -3


def bar(level_db: int, width: int, symbols: Symbols) -> str:
    """``width`` cells, filled from -60 dBFS on."""
    share = (level_db - QUIET_DB) / (LOUD_DB - QUIET_DB)
    full = round(min(1.0, max(0.0, share)) * width)
    return symbols.block * full + symbols.shade * (width - full)


def decibels(level_db: int) -> str:
    """``-18 dB``, or ``silent``, in seven cells."""
    return "silent " if level_db <= -90 else f"{level_db:>3} dB "

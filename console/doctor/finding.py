"""What a check found."""

from __future__ import annotations

from typing import Literal

import msgspec


class Finding(msgspec.Struct, kw_only=True, omit_defaults=True):
    """``missing`` is something that is needed, ``note`` what only some uses need; both say in ``fix`` what to
    do."""

    name: str
    state: Literal["ok", "note", "missing"]
    text: str
    fix: str = ""


def good(name: str, text: str) -> Finding:
    return Finding(name=name, state="ok", text=text)


def note(name: str, text: str, fix: str = "") -> Finding:
    return Finding(name=name, state="note", text=text, fix=fix)


def missing(name: str, text: str, fix: str) -> Finding:
    return Finding(name=name, state="missing", text=text, fix=fix)

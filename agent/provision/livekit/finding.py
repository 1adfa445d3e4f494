"""What a check found, as ``sidetone doctor`` reads it."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["ok", "note", "missing"]


class Finding(msgspec.Struct, kw_only=True, omit_defaults=True):
    """``missing`` keeps calls from working, ``note`` only some; both say in ``fix`` what to do."""

    name: str
    state: State
    text: str
    fix: str = ""

"""What every event carries."""

from __future__ import annotations

from typing import Literal

import msgspec

Direction = Literal["inbound", "outbound"]


class Event(msgspec.Struct, kw_only=True, tag_field="type"):
    """The envelope every event carries; the journal fills it in when the event is appended."""

    seq: int = 0
    at: str = ""
    mono: int = 0
    call: str = ""

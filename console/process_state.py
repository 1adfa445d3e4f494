"""How one of our processes is doing, as the supervisor tells it and the screen shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal["off", "starting", "up", "crashed", "stopping", "stopped"]


@dataclass(frozen=True, slots=True)
class ProcessState:
    """``since`` is the wall time in seconds at which the phase began, ``retry_at`` the one of the next try.

    ``attached`` says that somebody else started it. ``detail`` is one sentence, ``tail`` the last lines that
    the process wrote before it died.
    """

    name: str
    phase: Phase = "off"
    pid: int = 0
    port: int = 0
    since: float = 0.0
    attached: bool = False
    detail: str = ""
    tail: tuple[str, ...] = ()
    retry_at: float = 0.0

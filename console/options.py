"""What a console was asked to show."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for. ``url`` and ``token`` name a remote agent; nothing is started then."""

    line: str = "sim"
    simulated: tuple[str, ...] = ()
    url: str = ""
    token: str = field(default="", repr=False)

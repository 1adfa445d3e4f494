"""What a console was asked to show."""

from __future__ import annotations

from dataclasses import dataclass, field

from console.caller import Band


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for. ``url`` and ``token`` name a remote agent; nothing is started then.

    ``band`` is that of the calls that are dialled, or empty for the agent's own. ``rooms`` and
    ``framework``: as :func:`console.environment.decide` takes them.
    """

    line: str = "sim"
    simulated: tuple[str, ...] = ()
    url: str = ""
    token: str = field(default="", repr=False)
    band: Band = ""
    rooms: bool = False
    framework: str = ""

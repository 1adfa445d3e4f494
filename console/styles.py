"""Colours and what they mean. None is used alone: words and symbols repeat what it says."""

from __future__ import annotations

from rich.style import Style

BACKGROUND = "#0e1116"
RAISED = "#171c24"
TEXT = "#d5dae1"
GREY = "#7d8694"
LINE = "#3a424e"
BLUE = "#7cc4ff"
VIOLET = "#d6a2ff"
SAND = "#e5c07b"
GREEN = "#8bd49c"
AMBER = "#f0b35e"
RED = "#ff6b6b"
TEAL = "#6fdccb"
DARK_RED = "#b3202a"


def _style(color: str = TEXT, bold: bool = False) -> Style:
    # The background is always given, so that the colours are legible whatever the terminal's own are.
    return Style(color=color, bgcolor=BACKGROUND, bold=bold)


PLAIN = _style()
STRONG = _style(bold=True)
DIM = _style(GREY)
RULE = _style(LINE)
HEADING = _style(GREY, bold=True)
CALLER = _style(BLUE, bold=True)
AGENT = _style(VIOLET, bold=True)
TOOL = _style(SAND)
GOOD = _style(GREEN)
WARN = _style(AMBER)
ASKING = _style(AMBER, bold=True)
BAD = _style(RED)
LIVE = _style(RED, bold=True)
KEY = _style(SAND, bold=True)
OPERATOR = _style(TEAL, bold=True)
REC = _style(RED, bold=True)

ON_AIR = Style(color="#ffffff", bgcolor=DARK_RED, bold=True)
RINGS = Style(color="#000000", bgcolor=AMBER, bold=True)
RINGS_DIM = Style(color=AMBER, bgcolor=RAISED, bold=True)
SILENCED = Style(color="#000000", bgcolor=SAND, bold=True)
WHISPERING = Style(color="#000000", bgcolor=TEAL, bold=True)
ON_PHONE = Style(color=BLUE, bgcolor=RAISED, bold=True)
"""Rows across the whole screen that say what the operator is doing to a call."""

UNSURE = WARN + Style(underline=True)
"""Words that may have been misheard; a question mark says so too."""

CHOSEN = Style(bgcolor="#1d2530")
"""Over the row that is selected."""
PLAYED = Style(bgcolor="#2c3a2e")
"""Over the line that is played."""

WHO = {"caller": CALLER, "agent": AGENT, "operator": OPERATOR, "tool": TOOL, "note": DIM}
PHASE = {
    "dialing": WARN,
    "ringing": WARN,
    "listening": GOOD,
    "hearing": _style(BLUE),
    "thinking": TOOL,
    "speaking": _style(VIOLET),
    "muted": WARN,
    "held": OPERATOR,
    "ended": DIM,
    "no answer": DIM,
    "busy": DIM,
    "failed": BAD,
}

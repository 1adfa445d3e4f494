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

UNSURE = WARN + Style(underline=True)
"""Words that may have been misheard; a question mark says so too."""

CHOSEN = Style(bgcolor="#1d2530")
"""Over the row that is selected."""

WHO = {"caller": CALLER, "agent": AGENT, "tool": TOOL, "note": DIM}
PHASE = {
    "dialing": WARN,
    "ringing": WARN,
    "listening": GOOD,
    "hearing": _style(BLUE),
    "thinking": TOOL,
    "speaking": _style(VIOLET),
    "ended": DIM,
    "no answer": DIM,
    "busy": DIM,
    "failed": BAD,
}

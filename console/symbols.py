"""The symbols on the screen, with a set for terminals that can only show ASCII."""

from __future__ import annotations

import locale
import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Symbols:
    """``bars`` are nine steps from nothing to full; ``marks`` replaces the marks that events carry."""

    up: str = "●"
    waiting: str = "○"
    bad: str = "✗"

    selected: str = "▸"
    slow: str = "▲"
    following: str = "▼"
    cursor: str = "▌"
    ellipsis: str = "…"
    dot: str = "·"
    dash: str = "–"
    rule: str = "─"
    edge: str = "│"
    tee_left: str = "├"
    tee_down: str = "┬"
    tee_up: str = "┴"
    block: str = "▇"
    shade: str = "░"
    arrow_left: str = "←"
    arrow_right: str = "→"
    rec: str = "●"
    paused: str = "‖"
    ears: str = "♪"
    bars: str = " ▁▂▃▄▅▆▇█"
    marks: Mapping[str, str] | None = None

    def mark(self, text: str) -> str:
        """The mark an event carries, as this terminal can show it."""
        return text if self.marks is None else self.marks.get(text, text)

    def plain(self, text: str) -> str:
        """Our own words (never a caller's) as this terminal can show them."""
        return text if self.marks is None else text.translate(_PLAIN)


UNICODE = Symbols()
_PLAIN = str.maketrans(
    {
        "…": "...",
        "·": "-",
        "→": "->",
        "←": "<-",
        "↑": "Up",
        "↓": "Dn",
        "–": "-",
        "—": "-",
        "│": "|",
        "▲": "^",
        "✗": "x",
    }
)
ASCII = Symbols(
    up="*", waiting="o", bad="x", selected=">", slow="^", following="v", cursor="_", ellipsis="..",
    dot=".", dash="-", rule="-", edge="|", tee_left="+", tee_down="+", tee_up="+", block="#", shade=".",
    arrow_left="<-", arrow_right="->", rec="*", paused="=", ears="~", bars=" __--==##",
    marks={"✂": "%", "✗": "x", "▲": "^"},
)  # fmt: skip


def choose(environment: Mapping[str, str] | None = None) -> Symbols:
    """ASCII when SIDETONE_ASCII asks for it, or when the locale or the terminal cannot show more."""
    env = os.environ if environment is None else environment
    if env.get("SIDETONE_ASCII", "") not in ("", "0"):
        return ASCII
    utf8 = "utf" in locale.getpreferredencoding(False).lower()
    return UNICODE if utf8 and env.get("TERM", "") not in ("dumb", "linux", "vt100", "vt220") else ASCII

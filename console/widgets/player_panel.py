"""The recording of a call while it is played: where it is, and the keys of a player."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.strip import Strip

from console import words
from console.styles import DIM, HEADING, KEY, PLAIN, RULE, STRONG
from console.view import View
from console.widgets.key_panel import KeyPanel
from console.widgets.lines import Row

KEYS = (("space", "pause"), ("← →", "turns"), ("+ -", "speed"), ("Home", "again"), ("Esc", "ends"))
_AFTER_END = (("space", "again"), ("← →", "turns"), ("+ -", "speed"), ("Esc", "ends"))
_SPEEDS = (1.0, 1.25, 1.5, 1.75, 2.0)


@dataclass(frozen=True, slots=True)
class Deeds:
    """What the panel asks for; times in milliseconds. ``turn`` is -1 for the line before, 1 for the next."""

    pause: Callable[[bool], None]
    seek: Callable[[int], None]
    turn: Callable[[int], None]
    speed: Callable[[float], None]
    leave: Callable[[], None]


class PlayerPanel(KeyPanel):
    """Has the keys while it is open."""

    DEFAULT_CSS = "PlayerPanel { height: 2; }"

    def __init__(self, view: View, deeds: Deeds) -> None:
        super().__init__(view)
        self._deeds = deeds

    def keys(self) -> Sequence[tuple[str, str]]:
        played = self.view.store.sound.played
        if played is not None and played.state == "over":
            return _AFTER_END
        return [("space", "play"), *KEYS[1:]] if played is not None and played.state == "paused" else KEYS

    def press(self, key: str, character: str) -> None:
        played = self.view.store.sound.played
        if key in ("escape", "q", "r") or played is None:
            self._deeds.leave()
        elif key == "space":
            if played.state == "over":
                self._deeds.seek(0)
            self._deeds.pause(played.state == "playing")
        elif key in ("left", "right"):
            self._deeds.turn(-1 if key == "left" else 1)
        elif key == "home":
            self._deeds.seek(0)
        elif key in _STEPS:
            self._deeds.speed(_next(played.speed, _STEPS[key]))

    def sync(self) -> None:
        if self.view.store.sound.played is None:
            self._deeds.leave()
        else:
            super().sync()

    def rows(self, width: int, height: int) -> list[Strip]:
        symbols, played = self.view.symbols, self.view.store.sound.played
        row = Row().add(symbols.rule, RULE).add(" recording ", HEADING).to(width, symbols.rule, RULE)
        if played is None:
            return [row.strip(width), Row().strip(width)]
        below = Row().add(f" {_STATES[played.state]:<8}", STRONG)
        below.add(f"{words.duration(played.at_ms / 1000)} of {words.duration(played.length_ms / 1000)} ", PLAIN)
        speed = f" {played.speed:g} x "
        room = width - below.width - len(speed) - 1
        share = min(1.0, played.at_ms / played.length_ms) if played.length_ms else 0.0
        full = round(share * room)
        below.add(symbols.block * full, KEY).add(symbols.shade * (room - full), DIM).add(speed, PLAIN)
        return [row.strip(width), below.strip(width)]


_STATES = {"opening": "opening", "playing": "plays", "paused": "paused", "over": "its end"}
_STEPS = {"plus": 1, "equals_sign": 1, "minus": -1}


def _next(now: float, step: int) -> float:
    place = min(range(len(_SPEEDS)), key=lambda one: abs(_SPEEDS[one] - now)) + step
    return _SPEEDS[min(max(0, place), len(_SPEEDS) - 1)]

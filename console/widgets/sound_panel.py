"""Microphone, speaker and echo: what is used, what else there is, how loud it is, and what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.strip import Strip
from textual.widget import Widget

from console.styles import BAD, CHOSEN, DIM, GOOD, HEADING, PLAIN, RULE, STRONG, WARN
from console.text import clip, wrap
from console.view import View
from console.widgets.key_panel import KeyPanel
from console.widgets.level import bar, decibels
from console.widgets.lines import Row

if TYPE_CHECKING:
    from console.sound.protocol import Configure, Kind

KEYS = (
    ("↑ ↓", "device"),
    ("Enter", "use"),
    ("h", "headset"),
    ("e", "echo"),
    ("r", "look again"),
    ("Esc", "leave"),
)
_METER = 16
_ECHO = ("auto", "on", "off")
_HEADSET = {None: "by its name", True: "yes", False: "no"}
_OWN_CHOICE = "the system's own choice"
_BELOW = 4


@dataclass(frozen=True, slots=True)
class Deeds:
    """What the panel asks for: a device by name, empty for the system's own choice."""

    use: Callable[[Kind, str], None]
    echo: Callable[[str], None]
    headset: Callable[[bool | None], None]
    look: Callable[[], None]
    leave: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Item:
    kind: Kind
    name: str
    remark: str
    used: bool


class SoundPanel(KeyPanel):
    """Has the keys while it is open. ``chosen`` is what was asked of the sound process."""

    DEFAULT_CSS = "SoundPanel { height: 10; }"

    def __init__(self, view: View, deeds: Deeds, chosen: Callable[[], Configure]) -> None:
        super().__init__(view)
        self._deeds, self._chosen = deeds, chosen
        self._place = 0

    def keys(self) -> Sequence[tuple[str, str]]:
        return KEYS

    def press(self, key: str, character: str) -> None:
        items = self._items()
        if key in ("escape", "q"):
            self._deeds.leave()
        elif key in ("up", "down"):
            self._place = min(max(0, self._place + (1 if key == "down" else -1)), max(0, len(items) - 1))
        elif key == "enter" and items:
            item = items[self._place]
            self._deeds.use(item.kind, "" if item.name == _OWN_CHOICE else item.name)
        elif key == "e":
            self._deeds.echo(_ECHO[(_ECHO.index(self._chosen().echo) + 1) % len(_ECHO)])
        elif key == "h":
            order = list(_HEADSET)
            self._deeds.headset(order[(order.index(self._chosen().headset) + 1) % len(order)])
        elif key == "r":
            self._deeds.look()

    def sync(self) -> None:
        room = self.parent.size.height - 1 if isinstance(self.parent, Widget) else 0
        self.stands(max(7, min(len(self._items()) + 1 + _BELOW, room - max(3, room // 3))))
        super().sync()

    def rows(self, width: int, height: int) -> list[Strip]:
        sound, symbols = self.view.store.sound, self.view.symbols
        devices, items = sound.devices, self._items()
        title = (
            f" sound {symbols.dot} {devices.backend or 'no sound library'} " if devices is not None else " sound "
        )
        head = Row().add(symbols.rule, RULE).add(title, HEADING).to(width, symbols.rule, RULE)
        self._place = min(self._place, max(0, len(items) - 1))
        room = height - 1 - _BELOW
        first = max(0, min(self._place - room // 2, len(items) - room))
        listed = [
            self._row(item, number == self._place, width).strip(width, CHOSEN if number == self._place else None)
            for number, item in enumerate(items[first : first + room], first)
        ]
        if not items:
            wait = "looking for devices" if not sound.problem else "no devices"
            listed = [Row().add(f"   {wait}{symbols.ellipsis if not sound.problem else ''}", DIM).strip(width)]
        listed += [Row().strip(width) for _ in range(room - len(listed))]
        return [head.strip(width), *listed, *(row.strip(width) for row in self._below(width))]

    def _row(self, item: _Item, chosen: bool, width: int) -> Row:
        symbols = self.view.symbols
        row = Row().add(f" {symbols.selected if chosen else ' '} ", STRONG if chosen else DIM)
        row.cell(item.kind, 12, DIM).add(f"{symbols.up if item.used else ' '} ", GOOD)
        row.cell(clip(item.name, width - 42, symbols.ellipsis), width - 40, PLAIN)
        return row.add(clip(item.remark, 22, symbols.ellipsis), DIM)

    def _below(self, width: int) -> list[Row]:
        sound, symbols, chosen = self.view.store.sound, self.view.symbols, self._chosen()
        devices, counters = sound.devices, sound.counters
        levels = Row().add("   ")
        for name, level in (("microphone", sound.microphone_db), ("speaker", sound.speaker_db)):
            levels.add(f"{name} ", DIM).add(bar(level, _METER, symbols), GOOD).add(f" {decibels(level)} ")
        on = devices is not None and devices.echo
        echo = Row().add("   echo ", DIM).add(f"{chosen.echo}: {'cancelled' if on else 'not cancelled'}")
        if on and counters is not None and counters.echo_db is not None:
            echo.add(f", {counters.echo_db:.0f} dB quieter", GOOD)
        echo.add("   headset ", DIM).add(_HEADSET[chosen.headset])
        if counters is not None:
            echo.add(f"   delay {counters.microphone_ms} + {counters.speaker_ms} ms", DIM)
        count = Row().add("   ")
        if counters is not None:
            for name, value in (
                ("filled", counters.filled_ms),
                ("dropped", counters.dropped_ms),
                ("underruns", counters.underruns),
                ("overruns", counters.overruns),
            ):
                unit = " ms" if name in ("filled", "dropped") else ""
                count.add(f"{name} ", DIM).add(f"{value}{unit}   ", WARN if value else DIM)
        problem = wrap(symbols.plain(f"{sound.problem} {sound.fix}".strip()), width - 5)
        if not sound.problem:
            return [levels, echo, count, Row()]
        told = [Row().add("   ").add(text, BAD) for text in problem[:2]]
        return [levels, echo, *told] if len(told) > 1 else [levels, echo, count, *told]

    def _items(self) -> list[_Item]:
        devices = self.view.store.sound.devices
        if devices is None or not devices.devices:
            return []
        kinds: tuple[tuple[Kind, str], ...] = (("microphone", devices.microphone), ("speaker", devices.speaker))
        items, chosen = list[_Item](), self._chosen()
        for kind, used in kinds:
            asked = getattr(chosen, kind)
            items.append(_Item(kind, _OWN_CHOICE, used if not asked else "", not asked))
            for device in devices.devices:
                if getattr(device, kind):
                    default = getattr(device, f"default_{kind}")
                    parts = (device.api, "default" if default else "", "headset" if device.headset else "")
                    in_use = bool(asked) and device.name == used
                    items.append(_Item(kind, device.name, ", ".join(filter(None, parts)), in_use))
        return items

"""The softphone: who is called or calls, both levels, the line, and the keys of a telephone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.style import Style
from textual.strip import Strip

from console import words
from console.sound_state import Softphone
from console.styles import BAD, CALLER, DIM, GOOD, HEADING, KEY, PLAIN, RULE, SILENCED, STRONG, WARN, WHO
from console.text import clip, tail, wrap
from console.view import View
from console.widgets.banner import PHONE_PANEL
from console.widgets.key_panel import KeyPanel
from console.widgets.level import bar, decibels
from console.widgets.lines import Row

if TYPE_CHECKING:
    from console.caller import Band
    from console.sound.protocol import Counters, Devices

_METER, _METER_NARROW = 16, 10
_WIDE = 76
_NAMES, _LEAST_NAME = 9, 10
_FIGURES = 37
"""Cells for the figures at the right."""

_TALKING_ROWS, _OTHER_ROWS = 8, 6
IDLE = (
    ("Enter", "call the agent"),
    ("d", "be called by it"),
    ("b", "HD or narrow"),
    ("S", "sound"),
    ("Esc", "leave"),
)
_RINGING = (("Enter", "accept"), ("Bksp", "decline"), ("Esc", "leave"))
_DIALLING = (("x", "hang up"), ("Esc", "leave"))
TALKING = (("space", "mute"), ("0-9 * #", "keys"), ("x", "hang up"), ("S", "sound"), ("Esc", "leave"))

NO_RELEASE = "space mutes, space again speaks: terminals see no key let go"


@dataclass(frozen=True, slots=True)
class Deeds:
    """What the panel asks for."""

    call: Callable[[Band], None]
    be_called: Callable[[Band], None]
    accept: Callable[[], None]
    decline: Callable[[], None]
    hang_up: Callable[[], None]
    mute: Callable[[bool], None]
    press: Callable[[str], None]
    sound: Callable[[], None]
    leave: Callable[[], None]
    say: Callable[[str], None]


class PhonePanel(KeyPanel):
    """Has the keys while it is open; the call goes on when it is left. ``heard`` is what the recogniser hears,
    ``number`` the softphone's own."""

    DEFAULT_CSS = "PhonePanel { height: 8; }"

    def __init__(self, view: View, deeds: Deeds, heard: Callable[[], str], number: str) -> None:
        super().__init__(view)
        self.id = PHONE_PANEL
        self.band: Band = "hd"
        self._deeds, self._heard = deeds, heard
        self._own = number

    @property
    def phone(self) -> Softphone:
        return self.view.store.sound.phone

    def keys(self) -> Sequence[tuple[str, str]]:
        found = {"ringing": _RINGING, "dialling": _DIALLING, "talking": TALKING}.get(self.phone.state, IDLE)
        return [("space", "unmute"), *found[1:]] if found is TALKING and self.phone.muted else found

    def press(self, key: str, character: str) -> None:
        state, deeds = self.phone.state, self._deeds
        if key == "escape":
            deeds.leave()
        elif character == "S":
            deeds.sound()
        elif state == "talking":
            if key == "space":
                deeds.mute(not self.phone.muted)
            elif key == "x":
                deeds.hang_up()
            elif character and character in "0123456789*#":
                deeds.press(character)
        elif state == "ringing":
            if key == "enter":
                deeds.accept()
            elif key in ("backspace", "x"):
                deeds.decline()
        elif state == "dialling":
            if key == "x":
                deeds.hang_up()
        elif key == "enter":
            deeds.call(self.band)
        elif key == "d":
            deeds.be_called(self.band)
        elif key == "b":
            self.band = "narrow" if self.band == "hd" else "hd"
        elif character and character in "0123456789*#":
            deeds.say("keys are for a call: Enter calls the agent.")

    def sync(self) -> None:
        self.stands(_TALKING_ROWS if self.phone.state == "talking" else _OTHER_ROWS)
        super().sync()

    def rows(self, width: int, height: int) -> list[Strip]:
        rows = [self._head(width), self._state(width)]
        if self.phone.state == "talking":
            rows += self._talking(width)
        else:
            rows += self._waiting(width)
        return [row.strip(width) for row in rows[:height]]

    def _head(self, width: int) -> Row:
        symbols, report = self.view.symbols, self.phone.report
        right = ""
        if report is not None and report.state in ("registered", "ringing") and report.to_number:
            self._own = report.to_number
        if self.phone.state == "talking" and report is not None:
            right = f" {report.codec} {report.rate / 1000:g} kHz{' HD' if report.rate > 8000 else ''} "
        title = f" softphone {symbols.dot} {words.number(self._own)} "
        row = Row().add(symbols.rule, RULE).add(title, HEADING)
        row.to(width - len(right) - 1, symbols.rule, RULE).add(right, GOOD)
        return row.add(symbols.rule, RULE)

    def _state(self, width: int) -> Row:
        phone, now, symbols = self.phone, self.view.store.clock(), self.view.symbols
        row, report = Row().add("   "), phone.report
        ago = words.duration(now - phone.since)
        match phone.state:
            case "talking":
                row.add(f"{symbols.up} in the call ", GOOD).add(f" {ago}")
                if phone.muted:
                    row.add("  ").add(" MUTED: the agent hears nothing of you ", SILENCED)
            case "ringing":
                who = words.number(report.from_number) if report is not None else ""
                row.add(f"{symbols.slow} RINGING ", WARN).add(f" {who} calls  {ago}", STRONG)
            case "dialling":
                to = words.number(report.to_number) if report is not None and report.to_number else "the agent"
                row.add(f"{symbols.waiting} calling {to}{symbols.ellipsis} {ago}")
            case "ended":
                row.add(f"{symbols.dot} the call is over", STRONG)
                row.add(f"  {clip(_ending(phone), width - row.width - 3, symbols.ellipsis)}", DIM)
            case "registered":
                row.add(f"{symbols.up} ready ", GOOD).add(f" calls to {words.number(self._own)} ring here", DIM)
            case _:
                row.add(f"{symbols.waiting} connecting to the simulator{symbols.ellipsis}", WARN)
        return row

    def _talking(self, width: int) -> list[Row]:
        sound, stats, symbols = self.view.store.sound, self.phone.stats, self.view.symbols
        devices, counters = sound.devices, sound.counters
        ins = -90 if self.phone.muted else sound.microphone_db
        first = self._side("you", ins, devices.microphone if devices is not None else "", CALLER, width)
        second = self._side(
            "agent", sound.speaker_db, devices.speaker if devices is not None else "", WHO["agent"], width
        )
        third = Row().add("   ").cell("echo", _NAMES, DIM)
        third.add(_echo(sound.devices, counters), PLAIN)
        if stats is not None:
            place = max(second.width + 2, third.width + 2, width - _FIGURES)
            for row, text in (
                (first, f"round trip {stats.round_trip_ms:.0f} ms  wire to ear {stats.delay_ms} ms"),
                (second, f"jitter buffer {stats.buffer_ms} ms  jitter {stats.jitter_ms:.1f} ms"),
                (third, f"lost {stats.lost}   late {stats.late}"),
            ):
                row.to(place).add(clip(text, width - place - 1), DIM)
        pressed = "".join(digit if way == "out" else f"({digit})" for way, digit in self.phone.keys)
        fourth = Row().add("   ").cell("keys", _NAMES, DIM).add(pressed or symbols.dash, KEY if pressed else DIM)
        heard = self._heard()
        fifth = Row().add("   ").cell("heard", _NAMES, DIM)
        fifth.add(tail(heard, width - _NAMES - 4, symbols.ellipsis) or symbols.dash, PLAIN if heard else DIM)
        return [first, second, third, fifth, fourth, self._hint(width)]

    def _side(self, name: str, level_db: int, device: str, style: Style, width: int) -> Row:
        symbols = self.view.symbols
        row = Row().add("   ").cell(name, _NAMES, DIM)
        row.add(bar(level_db, _METER if width >= _WIDE else _METER_NARROW, symbols), style)
        row.add(f" {decibels(level_db)}", PLAIN)
        room = width - _FIGURES - row.width - 1
        return row.add(clip(device, room, symbols.ellipsis) if room >= _LEAST_NAME else "", DIM)

    def _waiting(self, width: int) -> list[Row]:
        sound, symbols = self.view.store.sound, self.view.symbols
        devices = sound.devices
        rows: list[Row] = []
        if sound.problem:
            rows += [
                Row().add("   ").add(text, BAD)
                for text in wrap(symbols.plain(f"{sound.problem} {sound.fix}"), width - 5)[:3]
            ]
        elif devices is not None:
            microphone, speaker = devices.microphone or "none", devices.speaker or "none"
            rows.append(self._device("speaks by", microphone, width))
            rows.append(self._device("hears by", speaker, width))
        if self.phone.state not in ("ringing", "dialling"):
            band = "HD, 16 kHz" if self.band == "hd" else "narrow, 8 kHz"
            rows.append(Row().add("   ").cell("line", 11, DIM).add(band))
        return [*rows, self._hint(width)]

    def _device(self, name: str, device: str, width: int) -> Row:
        return Row().add("   ").cell(name, 11, DIM).add(clip(device, width - 16, self.view.symbols.ellipsis))

    def _hint(self, width: int) -> Row:
        return Row().add("   ").add(clip(NO_RELEASE, width - 4, self.view.symbols.ellipsis), DIM)


def _echo(devices: Devices | None, counters: Counters | None) -> str:
    if devices is None or not devices.echo:
        return "" if devices is None else "not cancelled"
    found = counters.echo_db if counters is not None else None
    return "cancelled" if found is None else f"cancelled, {found:.0f} dB"


def _ending(phone: Softphone) -> str:
    report = phone.report
    if report is None:
        return ""
    by = f" by {report.source}" if report.source not in ("", "unknown") else ""
    return report.message or f"{report.cause}{by}"

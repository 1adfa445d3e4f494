"""What the operator is doing to a call right now, across the whole screen: it must not be overlooked."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rich.style import Style
from textual.strip import Strip

from console import words
from console.store import CallView
from console.styles import ON_AIR, ON_PHONE, RINGS, RINGS_DIM, SILENCED, WHISPERING
from console.text import clip
from console.view import View
from console.widgets.level import bar, decibels
from console.widgets.lines import Lines, Row

MOST_ROWS = 3
PHONE_PANEL = "softphone"
_METER = 10


class _Say(NamedTuple):
    """One row. ``what`` is never cut, ``keys`` say how it ends, ``which`` gives way where there is no room."""

    style: Style
    what: str
    which: str
    keys: str


class Banner(Lines):
    """Takes no room while there is nothing to say. ``has_keys`` is the panel that has the keys, "" for the prompt
    or a question, None for the screen itself."""

    DEFAULT_CSS = "Banner { height: 1; display: none; }"

    def __init__(self, view: View, has_keys: Callable[[], str | None]) -> None:
        super().__init__(view)
        self._has_keys = has_keys

    def height_now(self) -> int:
        """The rows that it needs."""
        return len(self._says())

    def rows(self, width: int, height: int) -> list[Strip]:
        return [self._row(say, width).strip(width) for say in self._says()]

    def _row(self, say: _Say, width: int) -> Row:
        row = Row().add(f" {say.what}", say.style)
        room = width - row.width - len(say.keys) - 4
        if room > 6:
            row.add("  " + clip(say.which, room, self.view.symbols.ellipsis), say.style)
        return row.to(width - len(say.keys) - 1, " ", say.style).add(f"{say.keys} ", say.style)

    def _says(self) -> list[_Say]:
        found = [self._ringing(), self._on_air(), self._whispering(), self._silenced(), self._on_phone()]
        return [say for say in found if say is not None][:MOST_ROWS]

    def _ringing(self) -> _Say | None:
        store = self.view.store
        phone = store.sound.phone
        if not phone.ringing:
            return None
        bright = int(store.clock() * 2) % 2 == 0
        caller = words.number(phone.report.from_number) if phone.report is not None else ""
        answers = self._has_keys() in (None, PHONE_PANEL)
        keys = "Enter accepts  Bksp declines" if answers else "Esc, then Enter accepts"
        rang = words.duration(store.clock() - phone.since)
        mark = "RING RING" if bright else "ring ring"
        return _Say(RINGS if bright else RINGS_DIM, f"{mark}  {caller} calls you", rang, keys)

    def _on_air(self) -> _Say | None:
        store = self.view.store
        held = store.sound.held
        call = store.calls.get(held)
        if call is None or not call.state.live:
            return None
        sound = store.sound
        lost = sound.lost.get("microphone")
        ears = sound.ears
        if lost is not None:
            heard = f"NO MICROPHONE: {lost.state}"
        elif sound.phase == "down" or ears is None or not ears.open or ears.speaking != "caller":
            heard = "NOT CONNECTED YET"
        else:
            heard = f"mic {bar(sound.microphone_db, _METER, self.view.symbols)} {decibels(sound.microphone_db)}"
        since = words.duration(self._seconds_held(call))
        keys = "Esc, then o" if self._has_keys() == "" else "o hands back"
        return _Say(ON_AIR, f"YOU ARE ON THE LINE  {heard}", f"{self._of(call)}  {since}", keys)

    def _whispering(self) -> _Say | None:
        sound = self.view.store.sound
        call = self.view.store.calls.get(sound.whispered)
        if call is None or not call.state.live:
            return None
        level = f"{bar(sound.microphone_db, _METER, self.view.symbols)} {decibels(sound.microphone_db)}"
        what = f"YOU WHISPER TO THE AGENT  mic {level}"
        return _Say(
            WHISPERING,
            what,
            f"{self._of(call)}, unheard by the caller",
            "Esc, then w" if self._has_keys() == "" else "w ends it",
        )

    def _silenced(self) -> _Say | None:
        store = self.view.store
        muted = [
            call
            for call in store.listing()
            if call.state.live and call.state.desk.muted_by == store.operator and not call.state.desk.held_by
        ]
        if not muted:
            return None
        first = muted[0]
        more = f" and {len(muted) - 1} more" if len(muted) > 1 else ""
        keys = "M lets it speak"
        if self._has_keys() is not None:
            keys = "Esc, then M"
        elif first.state.id != self.view.selected:
            keys = f"{self._number(first)}, then M"
        return _Say(SILENCED, "YOU MUTED THE AGENT", f"{self._of(first)}{more}", keys)

    def _on_phone(self) -> _Say | None:
        store = self.view.store
        phone = store.sound.phone
        if phone.state not in ("talking", "dialling") or self._has_keys() == PHONE_PANEL:
            return None
        if phone.state == "dialling":
            return _Say(ON_PHONE, "the softphone dials", "", "m opens it")
        muted = "muted" if phone.muted else f"mic {bar(store.sound.microphone_db, _METER, self.view.symbols)}"
        since = words.duration(store.clock() - phone.since)
        return _Say(ON_PHONE, f"you are on the softphone  {muted}", since, "m opens it")

    def _seconds_held(self, call: CallView) -> float:
        desk = call.state.desk
        if not desk.held_mono:
            return 0.0
        began = call.began + (desk.held_mono - call.state.started_mono) / 1e9
        return max(0.0, self.view.store.clock() - began)

    def _of(self, call: CallView) -> str:
        return f"call {self._number(call)}  {words.number(call.state.number)}"

    def _number(self, call: CallView) -> int:
        return self.view.store.number_of(call.state.id)

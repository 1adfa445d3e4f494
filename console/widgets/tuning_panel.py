"""The panel that retunes the selected call: what its session goes by, from where, and what it means."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from textual import events
from textual.strip import Strip
from textual.widget import Widget

from agent import tuning
from agent.turn_detection import Listening
from console import words
from console.styles import CHOSEN, DIM, HEADING, PLAIN, RULE, STRONG, WARN
from console.text import clean, clip, wrap
from console.view import View
from console.widgets.lines import Lines, Row

KEYS = (
    ("↑ ↓", "setting"), ("← →", "value"), ("Enter", "send"), ("s", "save"), ("e", "end turn"), (":", "type"),
    ("Esc", "leave"),
)  # fmt: skip
_SOURCE, _MOST_VALUE = 24, 48
_STEPS = {"int": 50, "number": 0.05}
_MOST = 10_000
_MEANING_ROWS = 2
_FIXED, _NO_EFFECT = "fixed", "no effect"


@dataclass(frozen=True, slots=True)
class Deeds:
    """What the panel asks for. ``send`` gets the changed values, ``prompt`` a beginning of a command."""

    send: Callable[[dict[str, Any]], None]
    save: Callable[[], None]
    end_turn: Callable[[], None]
    prompt: Callable[[str], None]
    leave: Callable[[], None]
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Item:
    """A row. ``remark`` says in a word that it is fixed or has no effect, ``why`` says why."""

    name: str
    value: Any
    source: str
    meaning: str
    remark: str = ""
    why: str = ""

    @property
    def fixed(self) -> bool:
        return self.remark == _FIXED or self.name not in tuning.PARAMETERS


class TuningPanel(Lines):
    """Has the keys while it is open. Changes wait until they are sent, all of them at once."""

    DEFAULT_CSS = "TuningPanel { height: 9; }"

    def __init__(self, view: View, deeds: Deeds) -> None:
        super().__init__(view)
        self.can_focus = True
        self.changes: dict[str, Any] = {}
        self._deeds = deeds
        self._call = view.selected
        self._place = 0
        self._typed = ""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return not (key.startswith("ctrl+") or self.view.ends_speaking(key))

    def sync(self) -> None:
        call = self.view.call
        if call is None or not call.state.live:
            self._deeds.leave()
            return
        if self.view.selected != self._call:
            self._call, self.changes, self._typed = self.view.selected, {}, ""
        self._fit()
        super().sync()

    def sent(self, fields: dict[str, Any]) -> None:
        """These changes are on their way; later ones still wait."""
        self.changes = {name: value for name, value in self.changes.items() if fields.get(name) != value}
        self.sync()

    def on_key(self, event: events.Key) -> None:
        if event.key.startswith("ctrl+"):
            return
        event.stop()
        event.prevent_default()
        items = self._items()
        if event.key in ("escape", "q", "t"):
            self._deeds.leave()
        elif event.key in ("up", "down") and items:
            self._place = min(max(0, self._place + (1 if event.key == "down" else -1)), len(items) - 1)
            self._typed = ""
        elif event.key in _STEP_KEYS and items:
            self._step(items[self._place], _STEP_KEYS[event.key])
        elif event.key == "enter":
            self._send()
        elif event.key == "s":
            if self.changes:
                self._deeds.say("Enter sends the changes first; s saves what was sent.")
            else:
                self._deeds.save()
        elif event.key == "e":
            self._deeds.end_turn()
        elif event.character == ":":
            self._deeds.prompt(f"stt {items[self._place].name}=" if items else "stt ")
        elif items and (event.key == "backspace" or (event.character or "") in "0123456789."):
            self._type(items[self._place], event.key, event.character or "")
        self.sync()

    def rows(self, width: int, height: int) -> list[Strip]:
        listening = self._listening()
        items = self._items()
        symbols = self.view.symbols
        model = f"{listening.model} {symbols.dot} {listening.engine}" if listening.engine else listening.model
        title = f" tuning {symbols.dot} {clean(model)} "
        unsent = f" {words.plural(len(self.changes), 'change')} not sent " if self.changes else ""
        head = Row().add(symbols.rule, RULE).add(clip(title, width - len(unsent) - 4), HEADING)
        head.to(width - len(unsent) - 1, symbols.rule, RULE).add(unsent, WARN).add(symbols.rule, RULE)
        room, names = height - 1 - _MEANING_ROWS, max((len(item.name) for item in items), default=0) + 2
        self._place = min(self._place, max(0, len(items) - 1))
        first = max(0, min(self._place - room // 2, len(items) - room))
        shown = [
            self._row(item, number == self._place, names, width).strip(
                width, CHOSEN if number == self._place else None
            )
            for number, item in enumerate(items[first : first + room], first)
        ]
        shown += [Row().strip(width) for _ in range(room - len(shown))]
        meaning = wrap(_meaning(items[self._place]), width - 4) if items else []
        below = [Row().add("   ").add(text, DIM).strip(width) for text in [*meaning, "", ""][:_MEANING_ROWS]]
        return [head.strip(width), *shown, *below]

    def _fit(self) -> None:
        """As high as the settings need; the transcript above keeps a third of the rows."""
        room = self.parent.size.height - 1 if isinstance(self.parent, Widget) else 0
        height = max(4, min(len(self._items()) + 1 + _MEANING_ROWS, room - max(3, room // 3)))
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height

    def _row(self, item: _Item, chosen: bool, names: int, width: int) -> Row:
        symbols = self.view.symbols
        look = DIM if item.remark else PLAIN
        row = Row().add(f" {symbols.selected if chosen else ' '} ", STRONG if chosen else DIM)
        row.cell(item.name, names, look)
        # The value takes what name and source leave, since only it can be long.
        room = min(_MOST_VALUE, max(8, width - names - _SOURCE - 5))
        value = clean(words.value(item.value))
        if item.name in self.changes:
            new = words.value(self.changes[item.name])
            row.add(f"{clip(value, room // 2)} {symbols.arrow_right} ", DIM).add(f"{new} ", WARN)
            row.to(3 + names + room)
        else:
            row.cell(clip(value, room - 1, symbols.ellipsis), room, look)
        # In words too, since dim alone may not be seen.
        source = ", ".join(filter(None, (item.source, item.remark)))
        return row.add(clip(source, _SOURCE, symbols.ellipsis), DIM)

    def _items(self) -> list[_Item]:
        listening = self._listening()
        items: list[_Item] = []
        for setting in tuning.settings(listening):
            told = (setting.name, setting.value, setting.source, setting.meaning)
            if setting.name in listening.ignored:
                items.append(_Item(*told, _NO_EFFECT, listening.ignored[setting.name]))
            else:
                why = f"Fixed when the session opens: {tuning.elsewhere(setting.name)}"
                items.append(_Item(*told) if setting.live else _Item(*told, _FIXED, why))
        known = {item.name for item in items}
        items += [
            _Item(name, listening.parameters.get(name), "", "", _NO_EFFECT, why)
            for name, why in listening.ignored.items()
            if name not in known
        ]
        return sorted(items, key=lambda item: bool(item.remark))

    def _listening(self) -> Listening:
        call = self.view.call
        return call.state.listening if call is not None else Listening()

    def _step(self, item: _Item, step: int) -> None:
        parameter = tuning.PARAMETERS.get(item.name)
        if parameter is None or item.fixed:
            self._deeds.say(f"{item.name} cannot be changed in a call.")
            return
        now = self.changes.get(item.name, item.value)
        self._typed = ""
        match parameter.kind:
            case "int" | "number":
                value = _next(now if isinstance(now, (int, float)) else 0, _STEPS[parameter.kind], step)
                low, high = parameter.low or 0, parameter.high if parameter.high is not None else _MOST
                value = min(max(low, value), high)
                self._change(item, int(value) if parameter.kind == "int" else round(value, 2))
            case "bool":
                self._change(item, not now)
            case "choice":
                place = parameter.choices.index(now) + step if now in parameter.choices else 0
                self._change(item, parameter.choices[place % len(parameter.choices)])
            case _:
                self._deeds.prompt(f"stt {item.name}=")

    def _type(self, item: _Item, key: str, character: str) -> None:
        """Digits replace the value as they come."""
        parameter = tuning.PARAMETERS.get(item.name)
        if parameter is None or item.fixed or parameter.kind not in _STEPS:
            return
        self._typed = self._typed[:-1] if key == "backspace" else self._typed + character
        try:
            value = int(self._typed) if parameter.kind == "int" else float(self._typed)
        except ValueError:
            self._typed = "" if not self._typed.strip(".") else self._typed[:-1]
            self.changes.pop(item.name, None)
        else:
            self._change(item, value)

    def _change(self, item: _Item, value: Any) -> None:
        if value == item.value:
            self.changes.pop(item.name, None)
        else:
            self.changes[item.name] = value

    def _send(self) -> None:
        if self.changes:
            self._deeds.send(dict(self.changes))
        else:
            self._deeds.say("Nothing was changed: left and right change the value, digits type it.")


_STEP_KEYS = {"left": -1, "right": 1, "minus": -1, "plus": 1, "equals_sign": 1}


def _next(now: float, size: float, step: int) -> float:
    """The next multiple of ``size`` up or down."""
    # Rounded, because 0.35 / 0.05 is a little less than 7.
    steps = round(now / size, 6)
    return (math.floor(steps) + 1 if step > 0 else math.ceil(steps) - 1) * size


def _meaning(item: _Item) -> str:
    why = f"{item.why[:1].upper()}{item.why[1:].rstrip('.')}." if item.why else ""
    return clean(f"{item.meaning} {why}").strip()

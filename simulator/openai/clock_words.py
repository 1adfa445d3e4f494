"""Times of day as callers name them, and as the front desk says them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from typing import Final, Literal

from simulator.openai.words import cardinal, read_cardinal, words

_DIGITS: Final = re.compile(r"(\d{1,2})[:.](\d\d)(am|pm)?|(\d{1,2})(am|pm)")
_LEADS: Final = {"at", "around", "about", "by"}
_FRACTIONS: Final = {"quarter": 15, "half": 30}
_OPENS, _CLOSES = 8, 18


@dataclass(frozen=True, slots=True)
class Clock:
    """A time somebody named; without `half` ("am", "pm") it is the one in office hours."""

    hour: int
    minute: int = 0
    half: Literal["am", "pm"] | None = None

    def resolve(self) -> time:
        if self.hour > 12 or (self.half is None and self.hour in range(_OPENS, 13)):
            return time(self.hour % 24, self.minute)
        late = self.half == "pm" or (self.half is None and self.hour + 12 <= _CLOSES)
        return time(self.hour % 12 + (12 if late else 0), self.minute)


def read_clock(text: str, *, bare: bool = False) -> Clock | None:
    """The time a caller names. `bare` also takes a mere number, as the answer to "which time?" is one."""
    spoken = words(text)
    for index in range(len(spoken)):
        clock = _clock_at(spoken, index, bare)
        if clock is not None:
            return clock
    return None


def say_time(moment: time) -> str:
    """two o'clock, half past three, nine twenty."""
    hour, following = cardinal((moment.hour - 1) % 12 + 1), cardinal(moment.hour % 12 + 1)
    match moment.minute:
        case 0:
            return f"{hour} o'clock"
        case 15:
            return f"quarter past {hour}"
        case 30:
            return f"half past {hour}"
        case 45:
            return f"quarter to {following}"
        case minute if minute < 10:
            return f"{hour} oh {cardinal(minute)}"
        case minute:
            return f"{hour} {cardinal(minute)}"


def _clock_at(spoken: Sequence[str], index: int, bare: bool) -> Clock | None:
    word = spoken[index]
    if word in ("noon", "midday") and spoken[index - 1 : index] != ["after"]:
        return Clock(12)
    digits = _DIGITS.fullmatch(word)
    if digits is not None:
        return _from_digits(digits, spoken[index + 1 :])
    relative = _relative(spoken, index)
    if relative is not None:
        return relative
    found = read_cardinal(spoken[index : index + 1])
    if found is None or not 1 <= found[0] <= 24:
        return None
    hour, rest = found[0], spoken[index + 1 :]
    if rest[:1] in (["o'clock"], ["oclock"]):
        return _checked(hour, 0, _half(rest[1:]))
    if rest[:2] == ["o", "clock"]:
        return _checked(hour, 0, _half(rest[2:]))
    minutes = read_cardinal(rest)
    if minutes is not None and minutes[0] in range(10, 60, 5):
        return _checked(hour, minutes[0], _half(rest[minutes[1] :]))
    led = spoken[index - 1 : index] and spoken[index - 1] in _LEADS
    # "That one" is a choice, not an hour.
    if _half(rest) is not None or led or (bare and (word != "one" or index == 0)):
        return _checked(hour, 0, _half(rest))
    return None


def _from_digits(digits: re.Match[str], rest: Sequence[str]) -> Clock | None:
    hour, minute, half, lone_hour, lone_half = digits.groups()
    if lone_hour is not None:
        return _checked(int(lone_hour), 0, lone_half)
    return _checked(int(hour), int(minute), half or _half(rest))


def _relative(spoken: Sequence[str], index: int) -> Clock | None:
    """Half past three, quarter to four, twenty past nine."""
    minutes = _FRACTIONS.get(spoken[index])
    length = 1
    if minutes is None:
        found = read_cardinal(spoken[index:])
        if found is None:
            return None
        minutes, length = found
    rest = spoken[index + length :]
    if rest[:1] not in (["past"], ["to"]):
        return None
    hour = read_cardinal(rest[1:2])
    if hour is None:
        return None
    half = _half(rest[2:])
    if rest[0] == "past":
        return _checked(hour[0], minutes, half)
    return _checked((hour[0] - 2) % 12 + 1, (60 - minutes) % 60, half)


def _half(rest: Sequence[str]) -> str | None:
    """am or pm at the beginning of `rest`, also as two letters."""
    joined = "".join(rest[:2])
    return next(
        (half for half in ("am", "pm") if rest[:1] == [half] or (joined == half and len(rest[0]) == 1)), None
    )


def _checked(hour: int, minute: int, half: str | None) -> Clock | None:
    if not (0 <= hour <= 24 and 0 <= minute <= 59) or (half is not None and not 1 <= hour <= 12):
        return None
    return Clock(hour, minute, "am" if half == "am" else "pm" if half == "pm" else None)

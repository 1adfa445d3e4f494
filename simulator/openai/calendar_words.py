"""Days as callers name them, and as the front desk says them. Pure."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, Literal

from simulator.openai.words import closest, ordinal, read_cardinal, read_ordinal, words

Part = Literal["morning", "afternoon", "any"]

_WEEKDAYS: Final = [name.lower() for name in calendar.day_name]
_SHORT_WEEKDAYS: Final = {"mon": 0, "tue": 1, "tues": 1, "weds": 2, "thu": 3, "thur": 3, "thurs": 3, "fri": 4}
_MONTHS: Final = [name.lower() for name in calendar.month_name][1:]
_NOT_A_DAY: Final = {"one", "slot", "option", "appointment", "time", "available", "thing"}


def read_day(text: str, today: date) -> date | None:
    """The day a caller means, never in the past; None when no day is named."""
    spoken = words(text)
    for index, word in enumerate(spoken):
        day = _iso(word) or _day_of_month(spoken, index, today)
        if day is not None:
            return day
    if "tomorrow" in spoken:
        return today + timedelta(days=2 if "after" in spoken and "day" in spoken else 1)
    if "today" in spoken:
        return today
    return _weekday(spoken, today)


def read_part(text: str) -> Part | None:
    spoken = set(words(text))
    if spoken & {"morning", "mornings", "early"}:
        return "morning"
    if (
        spoken & {"afternoon", "afternoons", "evening"}
        or {"after", "lunch"} <= spoken
        or {"after", "noon"} <= spoken
    ):
        return "afternoon"
    if spoken & {"anytime", "whenever"} or {"any", "time"} <= spoken:
        return "any"
    return None


def say_day(day: date) -> str:
    """Thursday the twenty-sixth."""
    return f"{calendar.day_name[day.weekday()]} the {ordinal(day.day)}"


def _iso(word: str) -> date | None:
    try:
        return date.fromisoformat(word) if len(word) == 10 else None
    except ValueError:
        return None


def _day_of_month(spoken: Sequence[str], index: int, today: date) -> date | None:
    """A day that begins at `index`: the twenty-sixth (of November), November 26th, 26 November."""
    month = _month(spoken[index])
    if month is not None:
        number = read_ordinal(_without_the(spoken[index + 1 :])) or read_cardinal(
            _without_the(spoken[index + 1 :])
        )
        return None if number is None else _coming(number[0], month, today)
    found = read_ordinal(spoken[index:])
    if found is None:
        # A bare number is a day only next to its month: 26 November.
        found = read_cardinal(spoken[index:])
        if found is None or _month_after(spoken, index + found[1]) is None:
            return None
    number, length = found
    month = _month_after(spoken, index + length)
    if month is None:
        following = spoken[index + length : index + length + 1]
        before = " ".join(spoken[max(0, index - 2) : index])
        # "The first one" and "second" are choices, "on the first" is a day.
        if set(following) & _NOT_A_DAY or (number <= 3 and before != "on the"):
            return None
    return _coming(number, month, today)


def _without_the(spoken: Sequence[str]) -> Sequence[str]:
    return spoken[1:] if spoken[:1] == ["the"] else spoken


def _month(word: str) -> int | None:
    name = closest(word, _MONTHS)
    # "May I" is hardly ever the month.
    return None if name is None or word == "may" else _MONTHS.index(name) + 1


def _month_after(spoken: Sequence[str], index: int) -> int | None:
    rest = spoken[index : index + 2]
    if rest[:1] == ["of"]:
        rest = rest[1:]
    return _month(rest[0]) if rest else None


def _coming(number: int, month: int | None, today: date) -> date | None:
    """The next day with that number, in that month if one was named."""
    for ahead in range(370):
        day = today + timedelta(days=ahead)
        if day.day == number and month in (None, day.month):
            return day
    return None


def _weekday(spoken: Sequence[str], today: date) -> date | None:
    for word in spoken:
        name = closest(word.removesuffix("'s"), _WEEKDAYS)
        index = _SHORT_WEEKDAYS.get(word) if name is None else _WEEKDAYS.index(name)
        if index is None:
            continue
        if "week" in spoken and "next" in spoken:
            return today + timedelta(days=7 - today.weekday() + index)
        # On a Thursday, "Thursday" is the one in a week.
        return today + timedelta(days=(index - today.weekday() - 1) % 7 + 1)
    return None

"""Numbers as they are spoken, and text reduced to words. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Final

_UNITS: Final = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS: Final = {20: "twenty", 30: "thirty", 40: "forty", 50: "fifty"}
_IRREGULAR: Final = {1: "first", 2: "second", 3: "third", 5: "fifth", 8: "eighth", 9: "ninth", 12: "twelfth"}
_IRREGULAR_TENS: Final = {20: "twentieth", 30: "thirtieth"}

_NUMBER: Final = re.compile(r"\d+")
_ORDINAL: Final = re.compile(r"(\d{1,2})(?:st|nd|rd|th)")
_WORD: Final = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}[:.]\d\d|[a-z0-9']+")


def words(text: str) -> list[str]:
    """Lower-case words, hyphens as spaces; clock times such as 3:30 and ISO dates stay whole."""
    return _WORD.findall(re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text.lower().replace("’", "'")))


def cardinal(number: int) -> str:
    """0 to 59 in words."""
    if number < 20:
        return _UNITS[number]
    tens, unit = number // 10 * 10, number % 10
    return _TENS[tens] + (f"-{_UNITS[unit]}" if unit else "")


def ordinal(number: int) -> str:
    """1 to 31 in words: the twenty-sixth."""
    if number in _IRREGULAR_TENS:
        return _IRREGULAR_TENS[number]
    if number > 20:
        return f"{_TENS[number // 10 * 10]}-{ordinal(number % 10)}"
    return _IRREGULAR.get(number) or _UNITS[number] + "th"


def read_cardinal(spoken: Sequence[str]) -> tuple[int, int] | None:
    """The number (0 to 59) that `spoken` begins with, and how many words it takes: ["forty", "five"] → (45, 2)."""
    return _read(spoken, _CARDINALS) or _read_digits(spoken, _NUMBER, 59)


def read_ordinal(spoken: Sequence[str]) -> tuple[int, int] | None:
    """Likewise for 1 to 31: ["twenty", "sixth"] → (26, 2), ["26th"] → (26, 1)."""
    return _read(spoken, _ORDINALS) or _read_digits(spoken, _ORDINAL, 31)


def closest(word: str, choices: Sequence[str]) -> str | None:
    """The choice that `word` is, or nearly is, as recognisers slip; short words must match exactly."""
    if word in choices:
        return word
    if len(word) < 5:
        return None
    near = difflib.get_close_matches(word, choices, n=1, cutoff=0.8)
    return near[0] if near else None


def _read(spoken: Sequence[str], table: dict[tuple[str, ...], int]) -> tuple[int, int] | None:
    for length in (2, 1):
        number = table.get(tuple(spoken[:length])) if len(spoken) >= length else None
        if number is not None:
            return number, length
    return None


def _read_digits(spoken: Sequence[str], pattern: re.Pattern[str], most: int) -> tuple[int, int] | None:
    found = pattern.fullmatch(spoken[0]) if spoken else None
    if found is None or len(found[0]) > 4:
        return None
    number = int(found[found.lastindex or 0])
    return (number, 1) if number <= most else None


_CARDINALS: Final = {tuple(cardinal(number).split("-")): number for number in range(60)}
_ORDINALS: Final = {tuple(ordinal(number).split("-")): number for number in range(1, 32)}

"""Days and times as callers say them and as the desk says them."""

from __future__ import annotations

from datetime import date, time

import pytest

from simulator.openai.calendar_words import read_day, read_part, say_day
from simulator.openai.clock_words import read_clock, say_time
from simulator.openai.intents import choice_of, name_of

SATURDAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Thursday afternoon", date(2026, 11, 26)),
        ("thirsday please", date(2026, 11, 26)),
        ("next thursday", date(2026, 11, 26)),
        ("thursday next week", date(2026, 11, 26)),
        ("saturday", date(2026, 11, 28)),
        ("today", SATURDAY),
        ("tomorrow morning", date(2026, 11, 22)),
        ("the day after tomorrow", date(2026, 11, 23)),
        ("the twenty-sixth", date(2026, 11, 26)),
        ("the twenty sixth", date(2026, 11, 26)),
        ("the 26th", date(2026, 11, 26)),
        ("the twentieth", date(2026, 12, 20)),
        ("November 26th", date(2026, 11, 26)),
        ("december the third", date(2026, 12, 3)),
        ("the third of december", date(2026, 12, 3)),
        ("26 november", date(2026, 11, 26)),
        ("on the first", date(2026, 12, 1)),
        ("2026-11-30", date(2026, 11, 30)),
        ("the first one is fine", None),
        ("the second slot", None),
        ("may I have two appointments", None),
        ("half past three", None),
        ("", None),
    ],
)
def test_days(text: str, day: date | None) -> None:
    assert read_day(text, SATURDAY) == day


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("half past three", time(15, 30)),
        ("at two", time(14, 0)),
        ("two o'clock", time(14, 0)),
        ("2 pm", time(14, 0)),
        ("3:30 p.m.", time(15, 30)),
        ("3:30pm", time(15, 30)),
        ("nine fifteen", time(9, 15)),
        ("quarter to four", time(15, 45)),
        ("twenty past nine", time(9, 20)),
        ("ten a m", time(10, 0)),
        ("at noon", time(12, 0)),
        ("14:00", time(14, 0)),
        ("eight o'clock", time(8, 0)),
        ("I need two appointments", None),
        ("the twenty-sixth", None),
        ("after noon", None),
    ],
)
def test_times(text: str, moment: time | None) -> None:
    clock = read_clock(text)
    assert (clock and clock.resolve()) == moment


def test_a_bare_number_is_a_time_only_as_an_answer() -> None:
    assert read_clock("two please") is None
    clock = read_clock("two please", bare=True)
    assert clock is not None
    assert clock.resolve() == time(14, 0)
    assert read_clock("that one is fine", bare=True) is None


@pytest.mark.parametrize(
    ("moment", "spoken"),
    [
        (time(14, 0), "two o'clock"),
        (time(9, 15), "quarter past nine"),
        (time(15, 30), "half past three"),
        (time(12, 45), "quarter to one"),
        (time(9, 5), "nine oh five"),
        (time(0, 20), "twelve twenty"),
        (time(16, 50), "four fifty"),
    ],
)
def test_saying_times(moment: time, spoken: str) -> None:
    assert say_time(moment) == spoken


def test_saying_days() -> None:
    assert say_day(date(2026, 11, 26)) == "Thursday the twenty-sixth"
    assert say_day(date(2026, 11, 30)) == "Monday the thirtieth"
    assert say_day(date(2026, 12, 12)) == "Saturday the twelfth"


@pytest.mark.parametrize(
    ("text", "part"),
    [("in the morning", "morning"), ("after lunch", "afternoon"), ("any time", "any"), ("tomorrow", None)],
)
def test_parts_of_the_day(text: str, part: str | None) -> None:
    assert read_part(text) == part


@pytest.mark.parametrize(
    ("text", "choice"),
    [("the first one", 0), ("the second", 1), ("the later one", -1), ("the third of may", None)],
)
def test_choices(text: str, choice: int | None) -> None:
    assert choice_of(text) == choice


@pytest.mark.parametrize(
    ("text", "asked", "name"),
    [
        ("My name is Anna Smith.", False, "Anna Smith"),
        ("this is john o'connor", False, "John O'Connor"),
        ("this is about my bill", False, None),
        ("anna", True, "Anna"),
        ("it's mary-jane watson thank you", True, "Mary-Jane Watson"),
        ("anna", False, None),
        ("why do you ask", True, None),
    ],
)
def test_names(text: str, asked: bool, name: str | None) -> None:
    assert name_of(text, asked=asked) == name

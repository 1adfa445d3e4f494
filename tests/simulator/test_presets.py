"""The magic numbers, and what the documentation says of them."""

from __future__ import annotations

from pathlib import Path

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.caller.presets import PRESETS, Preset, answers_after, drops_after, file_preset, preset_for
from tests.simulator.numbers_page import rows


def test_every_preset_has_a_number_of_its_own_that_a_client_takes() -> None:
    assert len({preset.number for preset in PRESETS.values()}) == len(PRESETS)
    for preset in PRESETS.values():
        assert phonenumbers.is_possible_number(phonenumbers.parse(preset.number))
        assert preset_for(preset.number) is preset


def test_the_last_digits_are_seconds() -> None:
    assert preset_for("+15550101037") == answers_after(37)
    assert answers_after(37).ring_ms == 37_000
    assert preset_for("+15550104008") == drops_after(8)
    assert drops_after(8).drop_after_ms == 8000
    assert preset_for("+15550101005") is PRESETS["answers-after-5"]


@pytest.mark.parametrize(
    "number",
    [
        "",
        "+15550100123",
        "+15550101100",
        "+1555010104",
        "+155501010001",
        "+1555010 004",
        "+1555010１000",
        "sip:a@b",
    ],
)
def test_other_numbers_have_no_preset(number: str) -> None:
    assert preset_for(number) is None


@settings(max_examples=100, deadline=None)
@given(st.text() | st.from_regex(r"\+1555010.{0,5}", fullmatch=True))
def test_any_text_is_a_preset_or_none(number: str) -> None:
    preset = preset_for(number)
    assert preset is None or preset.number == number


def test_the_documentation_lists_every_preset_and_no_other() -> None:
    timed = {"answers-after-N", "drops-after-N"}
    documented = {cells[1] for cells in rows().values()} - timed
    assert documented == {name for name in PRESETS if "-after-" not in name}


@pytest.mark.parametrize("preset", [preset for preset in PRESETS.values() if preset.outcome], ids=lambda p: p.name)
def test_the_documentation_says_how_an_unanswered_call_ends(preset: Preset) -> None:
    outcome = preset.outcome
    assert outcome is not None
    assert rows()[preset.number][3:] == [outcome.cause, outcome.sip, outcome.source]


@pytest.mark.parametrize("preset", [preset for preset in PRESETS.values() if preset.refusal], ids=lambda p: p.name)
def test_a_refused_dial_is_an_error_of_telnyx(preset: Preset) -> None:
    assert preset.refusal is not None
    error = preset.refusal.error()
    body = error.body()["errors"][0]
    documented = rows()[preset.number]
    assert documented[2:4] == [str(error.code.status), body["code"]]
    assert body["detail"].startswith(documented[4].removesuffix("…"))
    if preset.name == "rate-limited":
        assert set(error.headers) == {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
    else:
        assert error.headers == {}


def test_only_one_thing_goes_wrong_at_a_number() -> None:
    for preset in PRESETS.values():
        wrong = [preset.refusal, preset.outcome, preset.faults, preset.drop_after_ms]
        assert sum(one is not None for one in wrong) <= 1


def test_a_file_is_a_preset_without_a_number() -> None:
    preset = file_preset(Path("/tmp/hello.wav"), "G722")
    assert (preset.number, preset.codec) == ("", "G722")

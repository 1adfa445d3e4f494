"""Answering machine detection: what is said, and when."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.caller.answering_machine import Answered, detections
from simulator.telnyx.happenings import GreetingEnded, MachineDetected
from simulator.telnyx.requests.amd import AmdRules, amd_rules

VOICEMAIL: tuple[Answered, int, int] = ("machine", 6000, 5500)
"""Kind, beep, end of the greeting."""
NO_BEEP: tuple[Answered, None, int] = ("machine", None, 5500)
PERSON: tuple[Answered, None, int] = ("human_residence", None, 900)
OFFICE: tuple[Answered, None, int] = ("human_business", None, 1900)
FAX: tuple[Answered, None, None] = ("fax", None, None)
SILENCE: tuple[Answered, None, None] = ("silence", None, None)

PREMIUM = ("premium", "premium_ios_call_screening_detection")
STANDARD = ("detect", "detect_beep", "detect_words", "greeting_end")
SETTINGS = (
    "total_analysis_time_millis",
    "initial_silence_millis",
    "after_greeting_silence_millis",
    "greeting_duration_millis",
    "greeting_silence_duration_millis",
    "greeting_total_analysis_time_millis",
    "maximum_number_of_words",
    "maximum_word_length_millis",
    "prompt_end_timeout_millis",
)


def rules(mode: str, config: dict[str, Any] | None = None) -> AmdRules:
    """What a dial with these parameters asks for."""
    asked = {"answering_machine_detection": mode, "answering_machine_detection_config": config or {}}
    found = amd_rules(asked)
    assert found is not None
    return found


def told(mode: str, who: tuple[Answered, int | None, int | None], **config: Any) -> list[tuple[int, str, str]]:
    return [
        (found.after_ms, type(found.happening).__name__, found.happening.result)
        for found in detections(rules(mode, config), *who)
    ]


@pytest.mark.parametrize(
    ("mode", "who", "expected"),
    [
        ("detect", PERSON, [(1700, "MachineDetected", "human")]),
        ("detect", VOICEMAIL, [(2800, "MachineDetected", "machine")]),
        ("detect", FAX, [(3500, "MachineDetected", "machine")]),
        ("detect", SILENCE, [(3500, "MachineDetected", "machine")]),
        (
            "detect_beep",
            VOICEMAIL,
            [(2800, "MachineDetected", "machine"), (6300, "GreetingEnded", "beep_detected")],
        ),
        ("detect_beep", NO_BEEP, [(2800, "MachineDetected", "machine")]),
        (
            "detect_words",
            VOICEMAIL,
            [(2800, "MachineDetected", "machine"), (6300, "GreetingEnded", "beep_detected")],
        ),
        (
            "detect_words",
            NO_BEEP,
            [(2800, "MachineDetected", "machine"), (32_800, "GreetingEnded", "not_sure")],
        ),
        (
            "greeting_end",
            VOICEMAIL,
            [(2800, "MachineDetected", "machine"), (6300, "GreetingEnded", "beep_detected")],
        ),
        ("greeting_end", NO_BEEP, [(2800, "MachineDetected", "machine"), (7000, "GreetingEnded", "ended")]),
        ("greeting_end", PERSON, [(1700, "MachineDetected", "human")]),
        ("premium", PERSON, [(1300, "MachineDetected", "human_residence")]),
        ("premium", OFFICE, [(2300, "MachineDetected", "human_business")]),
        ("premium", FAX, [(2000, "MachineDetected", "fax_detected")]),
        ("premium", SILENCE, [(3500, "MachineDetected", "silence")]),
        (
            "premium",
            VOICEMAIL,
            [(4300, "MachineDetected", "machine"), (6300, "GreetingEnded", "beep_detected")],
        ),
        (
            "premium",
            NO_BEEP,
            [(4300, "MachineDetected", "machine"), (30_000, "GreetingEnded", "no_beep_detected")],
        ),
        (
            "premium_ios_call_screening_detection",
            NO_BEEP,
            [(4300, "MachineDetected", "machine"), (5500, "GreetingEnded", "prompt_ended")],
        ),
        (
            "premium_ios_call_screening_detection",
            VOICEMAIL,
            [(4300, "MachineDetected", "machine"), (6300, "GreetingEnded", "beep_detected")],
        ),
    ],
)
def test_every_mode_tells_of_everybody(
    mode: str, who: tuple[Answered, int | None, int | None], expected: list[tuple[int, str, str]]
) -> None:
    assert told(mode, who) == expected


def test_a_beep_before_the_detection_is_the_only_news_of_premium() -> None:
    assert told("premium", ("machine", 3000, 2800)) == [(3200, "MachineDetected", "machine"), (3300, *BEEP)]
    assert told("premium", ("machine", 1000, 9000)) == [(1300, *BEEP)]


BEEP = ("GreetingEnded", "beep_detected")


@pytest.mark.parametrize("mode", [*PREMIUM, *STANDARD])
@pytest.mark.parametrize("who", [PERSON, VOICEMAIL, FAX, SILENCE])
def test_the_analysis_ends_undecided_at_its_limit(mode: str, who: tuple[Answered, int | None, int | None]) -> None:
    assert told(mode, who, total_analysis_time_millis=1000) == [(1000, "MachineDetected", "not_sure")]


def test_the_settings_move_the_times() -> None:
    slow = {"total_analysis_time_millis": 20_000}
    assert told("detect", PERSON, after_greeting_silence_millis=2000, **slow)[0] == (
        2900,
        "MachineDetected",
        "human",
    )
    assert told("detect", SILENCE, initial_silence_millis=1800)[0] == (1800, "MachineDetected", "machine")
    assert told("detect", FAX, maximum_word_length_millis=2000)[0] == (2000, "MachineDetected", "machine")
    assert told("detect", VOICEMAIL, greeting_duration_millis=1500)[0] == (1900, "MachineDetected", "machine")
    assert told("detect", OFFICE, greeting_duration_millis=1000)[0] == (1400, "MachineDetected", "machine")
    assert told("greeting_end", NO_BEEP, greeting_silence_duration_millis=500)[1][0] == 6000
    assert told("greeting_end", VOICEMAIL, greeting_total_analysis_time_millis=2000)[1] == (
        4800,
        "GreetingEnded",
        "ended",
    )
    assert told("premium", OFFICE, greeting_duration_millis=1000)[0] == (1800, "MachineDetected", "machine")
    assert told("premium", NO_BEEP, total_analysis_time_millis=8000)[1][0] == 8000
    assert told(PREMIUM[1], ("machine", None, 25_000), prompt_end_timeout_millis=2000)[1] == (
        6300,
        "GreetingEnded",
        "prompt_ended",
    )


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([*PREMIUM, *STANDARD]),
    st.sampled_from(["human_residence", "human_business", "machine", "fax", "silence"]),
    st.none() | st.integers(0, 60_000),
    st.none() | st.integers(0, 60_000),
    st.dictionaries(st.sampled_from(SETTINGS), st.integers(0, 120_000)),
)
def test_what_is_told_is_in_order_and_in_the_words_of_the_mode(
    mode: str, kind: Answered, beep: int | None, greeting: int | None, config: dict[str, int]
) -> None:
    found = detections(rules(mode, config), kind, beep, greeting)
    times = [detected.after_ms for detected in found]
    assert times == sorted(times)
    assert 1 <= len(found) <= 2
    assert all(time >= 0 for time in times)
    for detected in found:
        happening = detected.happening
        assert happening.premium == (mode in PREMIUM)
        assert happening.result in _RESULTS[type(happening), happening.premium]
    if len(found) == 2:
        assert isinstance(found[0].happening, MachineDetected)
        assert found[0].happening.result == "machine"


_RESULTS = {
    (MachineDetected, False): {"human", "machine", "not_sure"},
    (GreetingEnded, False): {"beep_detected", "ended", "not_sure"},
    (MachineDetected, True): {
        "human_residence",
        "human_business",
        "machine",
        "silence",
        "fax_detected",
        "not_sure",
    },
    (GreetingEnded, True): {"beep_detected", "no_beep_detected", "prompt_ended"},
}

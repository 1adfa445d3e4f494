from __future__ import annotations

import pytest

from agent.call_state import CallState
from console import words


@pytest.mark.parametrize(
    ("e164", "written"),
    [
        ("+15550100123", "+1 555 010 0123"),
        ("+442079460958", "+44 207 946 0958"),
        ("+35312345678", "+353 123 456 78"),
        ("+4930123456", "+49 301 234 56"),
        ("+491512345678901", "+491512345678901"),
        ("anonymous", "anonymous"),
        ("", ""),
    ],
)
def test_numbers_are_written_in_groups(e164: str, written: str) -> None:
    assert words.number(e164) == written


def test_times_and_measures() -> None:
    assert words.duration(83.9) == "01:23"
    assert words.duration(3723) == "1:02:03"
    assert words.duration(-5) == "00:00"
    assert words.wall_fine("2026-11-21T17:04:14.317Z") == "04:14.31"
    assert words.confidence(0.94) == ".94"
    assert words.confidence(0.999) == "1.0"
    assert words.confidence(0) == ".00"
    assert words.count(4150) == "4 150"
    assert words.latency(642, {"first_media": 12, "end_of_turn": 180, "tts_first_audio": 140}) == (
        "eot 180 │ tts 140 │ out 12 │ e2e 642 ms"
    )


def test_percentiles_are_values_that_occurred() -> None:
    waits = [800, 900, 1000, 5000]

    assert words.percentile(waits, 0.5) == 1000
    assert words.percentile(waits, 0.95) == 5000
    assert words.percentile([7], 0.5) == 7


@pytest.mark.parametrize(
    ("answered", "cause", "by", "phase", "ending"),
    [
        (1, "normal_clearing", "caller", "ended", "ended normal_clearing by caller"),
        (0, "no_answer", "callee", "no answer", "no answer"),
        (0, "timeout", "carrier", "no answer", "no answer (timeout)"),
        (0, "user_busy", "callee", "busy", "busy (user_busy)"),
        (0, "dial_failed", "carrier", "failed", "failed: the carrier did not take the call"),
        (1, "agent_lost", "unknown", "failed", "failed: the agent died during the call"),
        (0, "originator_cancel", "operator", "ended", "ended originator_cancel by operator"),
    ],
)
def test_endings_are_told_in_words(answered: int, cause: str, by: str, phase: str, ending: str) -> None:
    state = CallState("c", phase="ended", answered_mono=answered, cause=cause, ended_by=by)

    assert words.phase(state) == phase
    assert words.ending(state) == ending
    assert len(phase) <= 9


def test_a_failed_call_says_what_the_carrier_said() -> None:
    state = CallState("c", phase="ended", cause="dial_failed", errors=["Telnyx refused the number (10015)."])

    assert words.ending(state) == "failed: Telnyx refused the number (10015)."


def test_a_conversation_that_had_to_be_ended_failed_and_says_why() -> None:
    state = CallState(
        "c",
        phase="ended",
        answered_mono=1,
        cause="normal_clearing",
        ended_by="agent",
        detail="The model is down.",
        errors=["Something else."],
    )

    assert words.phase(state) == "failed"
    assert words.ending(state) == "failed: The model is down."

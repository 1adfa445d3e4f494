from __future__ import annotations

import pytest

from simulator.assemblyai.endpointing import Endpointer, Event, Timing
from simulator.assemblyai.parameters import Settings


def timing(**asked: object) -> Timing:
    return Timing.of(Settings((name, str(value)) for name, value in asked.items()))


def events(endpointer: Endpointer, *stretches: tuple[bool, int]) -> list[tuple[int, Event]]:
    """The events of stretches of speech (True) and silence, with the end of their frame in ms."""
    found, now = [], 0
    for voiced, ms in stretches:
        for _ in range(ms // 20):
            now += 20
            event = endpointer.frame(voiced)
            if event:
                found.append((now, event))
                if event is Event.END:
                    endpointer.reset()
    return found


@pytest.mark.parametrize(
    ("mode", "first", "check", "end"),
    [("min_latency", 256, 384, 896), ("balanced", 756, 384, 1536), ("max_accuracy", 756, 768, 2816)],
)
def test_each_mode_has_its_own_patience(mode, first, check, end):
    assert timing(mode=mode) == Timing(first, 1000, check, end)


def test_what_is_asked_for_outweighs_the_mode():
    assert timing(min_turn_silence=100, max_turn_silence=100) == Timing(756, 1000, 356, 356)
    assert timing(mode="min_latency", interruption_delay=200).first_partial_ms == 456
    assert timing(continuous_partials="false").partial_every_ms == 3000
    assert timing(min_turn_silence=900, max_turn_silence=300).end_silence_ms == 1156


def test_the_older_models_count_silence_as_it_is():
    asked = timing(speech_model="universal-streaming-english")
    assert (asked.check_silence_ms, asked.end_silence_ms) == (400, 1280)


def test_silence_before_the_first_word_is_no_turn():
    endpointer = Endpointer(timing())
    assert events(endpointer, (False, 10_000)) == []
    assert not endpointer.in_turn


def test_partials_come_early_and_then_every_second():
    assert events(Endpointer(timing()), (False, 1000), (True, 3000)) == [
        (1760, Event.PARTIAL),
        (2760, Event.PARTIAL),
        (3760, Event.PARTIAL),
    ]


def test_a_pause_within_a_sentence_is_no_event():
    assert events(Endpointer(timing()), (True, 400), (False, 180), (True, 160)) == []


def test_a_pause_is_checked_once_held_with_rising_confidence_and_ended():
    endpointer = Endpointer(timing())
    events(endpointer, (True, 1000))
    seen = []
    for silence in range(20, 1560, 20):
        event = endpointer.frame(False)
        if event:
            seen.append((silence, event, endpointer.held_confidence))
    assert seen == [
        (400, Event.PAUSE, 0.0),
        (860, Event.HELD, 0.4),
        (1260, Event.HELD, 0.75),
        (1540, Event.END, 0.75),
    ]


def test_speech_after_a_held_pause_goes_on_with_the_turn():
    endpointer = Endpointer(timing())
    first = events(endpointer, (True, 1000), (False, 800), (True, 200))
    assert [event for _, event in first] == [Event.PARTIAL, Event.PAUSE, Event.PARTIAL]
    assert events(endpointer, (False, 420)) == [(400, Event.PAUSE)]


def test_equal_silences_end_the_turn_without_a_check():
    ended = events(Endpointer(timing(min_turn_silence=100, max_turn_silence=100)), (True, 400), (False, 1000))
    assert ended == [(760, Event.END)]


def test_a_turn_lasts_a_minute_at_most():
    ends = [now for now, event in events(Endpointer(timing()), (True, 61_000)) if event is Event.END]
    assert ends == [60_000]


def test_a_change_of_timing_applies_to_the_pause_that_is_going_on():
    endpointer = Endpointer(timing())
    events(endpointer, (True, 400), (False, 500))
    endpointer.timing = timing(max_turn_silence=300)
    assert events(endpointer, (False, 60))[-1] == (60, Event.END)


def test_the_first_partial_is_tried_again_when_nothing_was_understood_yet():
    endpointer = Endpointer(timing(mode="min_latency"))
    assert events(endpointer, (True, 260)) == [(260, Event.PARTIAL)]
    endpointer.retry_partial()
    assert events(endpointer, (True, 120)) == [(100, Event.PARTIAL)]

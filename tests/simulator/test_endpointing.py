from __future__ import annotations

from math import inf

import pytest

from simulator.assemblyai.endpointing import Endpointer, Event, Timing
from simulator.assemblyai.settings import Settings
from simulator.speech.utterance import HeardWord, Hypothesis

US = "universal-streaming-english"


def settings(**asked: object) -> Settings:
    return Settings((name, str(value)) for name, value in asked.items())


def timing(**asked: object) -> Timing:
    return Timing.of(settings(**asked))


def endpointer(**asked: object) -> Endpointer:
    return Endpointer(settings(**asked))


def heard(text: str) -> Hypothesis:
    return Hypothesis(tuple(HeardWord(word, 0, 100, 0.9) for word in text.split()))


def events(
    endpointer: Endpointer, *stretches: tuple[bool, int], says: str = "and then"
) -> list[tuple[int, Event]]:
    """The events of stretches of speech (True) and silence, with the end of their frame in ms.

    `says` is what is heard at each pause; a turn that it ends is an END too.
    """
    found, now = [], 0
    for voiced, ms in stretches:
        for _ in range(ms // 20):
            now += 20
            event = endpointer.frame(voiced)
            if event is Event.PAUSE and endpointer.judge(heard(says)):
                event = Event.END
            if event:
                found.append((now, event))
                if event is Event.END:
                    endpointer.reset()
    return found


def ends_after(says: str, **asked: object) -> tuple[float, str]:
    """How long the silence lasts that ends a turn in which this was said, and what ended it."""
    listener = endpointer(**asked)
    for _ in range(50):
        listener.frame(True)
    for silence_ms in range(20, 20_000, 20):
        event = listener.frame(False)
        if event is Event.END or (event is Event.PAUSE and listener.judge(heard(says))):
            return silence_ms, listener.ended_by
    return inf, ""


@pytest.mark.parametrize(
    ("mode", "first", "check", "end"),
    [("min_latency", 256, 384, 896), ("balanced", 756, 384, 1536), ("max_accuracy", 756, 768, 2816)],
)
def test_each_mode_has_its_own_patience(mode, first, check, end):
    assert timing(mode=mode) == Timing(first, 1000, check, end, 60_000)


def test_what_is_asked_for_outweighs_the_mode():
    assert timing(min_turn_silence=100, max_turn_silence=100) == Timing(756, 1000, 356, 356, 60_000)
    assert timing(mode="min_latency", interruption_delay=200).first_partial_ms == 456
    assert timing(continuous_partials="false").partial_every_ms == 3000
    assert timing(min_turn_silence=900, max_turn_silence=300).end_silence_ms == 1156


def test_the_older_models_count_silence_as_it_is():
    asked = timing(speech_model=US)
    assert (asked.check_silence_ms, asked.end_silence_ms) == (400, 1280)


@pytest.mark.parametrize("model", ["universal-3-6-pro", US])
def test_more_min_turn_silence_ends_a_complete_sentence_later(model):
    quick = ends_after("That is all.", speech_model=model, min_turn_silence=100)
    slow = ends_after("That is all.", speech_model=model, min_turn_silence=800)
    assert quick[1] == slow[1] == "confidence"
    assert slow[0] - quick[0] == 700


@pytest.mark.parametrize("model", ["universal-3-6-pro", US])
def test_more_max_turn_silence_ends_an_unfinished_sentence_later(model):
    quick = ends_after("I would like to", speech_model=model, max_turn_silence=600)
    slow = ends_after("I would like to", speech_model=model, max_turn_silence=2000)
    assert quick[1] == slow[1] == "max_silence"
    assert slow[0] - quick[0] == 1400


def test_min_turn_silence_does_not_matter_to_an_unfinished_sentence():
    assert ends_after("I would like to", min_turn_silence=100) == ends_after(
        "I would like to", min_turn_silence=800
    )


def test_the_confidence_threshold_decides_for_the_older_models_alone():
    ends = {
        threshold: ends_after("That is all.", speech_model=US, end_of_turn_confidence_threshold=threshold)
        for threshold in (0, 0.4, 0.9, 1)
    }
    assert ends == {
        0: (400, "confidence"),
        0.4: (400, "confidence"),
        0.9: (960, "confidence"),
        1: (1280, "max_silence"),
    }
    assert ends_after("That is all.", end_of_turn_confidence_threshold=1)[1] == "confidence"


def test_words_that_could_be_all_are_trusted_after_some_silence():
    quick, _ = ends_after("That is all.", speech_model=US, min_turn_silence=100)
    unsure, by = ends_after("that is all", speech_model=US, min_turn_silence=100)
    assert (quick, by) == (100, "confidence")
    assert quick < unsure < 1280


def test_a_click_ends_no_turn_of_the_older_models_by_its_words():
    listener = endpointer(speech_model=US)
    assert events(listener, (True, 60), (False, 1280), says="That is all.")[-1] == (1340, Event.END)


def test_silence_before_the_first_word_is_no_turn():
    listener = endpointer()
    assert events(listener, (False, 10_000)) == []
    assert not listener.in_turn


def test_partials_come_early_and_then_every_second():
    assert events(endpointer(), (False, 1000), (True, 3000)) == [
        (1760, Event.PARTIAL),
        (2760, Event.PARTIAL),
        (3760, Event.PARTIAL),
    ]


def test_a_pause_within_a_sentence_is_no_event():
    assert events(endpointer(), (True, 400), (False, 180), (True, 160)) == []


def test_a_pause_is_checked_once_held_with_rising_confidence_and_ended():
    listener = endpointer()
    events(listener, (True, 1000))
    seen = []
    for silence in range(20, 1560, 20):
        event = listener.frame(False)
        if event is Event.PAUSE:
            assert not listener.judge(heard("and then"))
        if event:
            seen.append((silence, event, listener.confidence))
    assert seen == [
        (400, Event.PAUSE, 0.0),
        (860, Event.HELD, 0.4),
        (1260, Event.HELD, 0.75),
        (1540, Event.END, 0.75),
    ]
    assert listener.ended_by == "max_silence"


def test_the_confidence_of_the_older_models_rises_with_the_silence():
    listener = endpointer(speech_model=US, end_of_turn_confidence_threshold=1)
    events(listener, (True, 1000))
    seen = []
    for _ in range(60):
        event = listener.frame(False)
        if event is Event.PAUSE:
            listener.judge(heard("that is all"))
        seen.append(listener.confidence)
    told = [one for one in seen if one]
    assert told == sorted(told)
    assert 0 < told[0] < told[-1] < 1


def test_speech_after_a_held_pause_goes_on_with_the_turn():
    listener = endpointer()
    first = events(listener, (True, 1000), (False, 800), (True, 200))
    assert [event for _, event in first] == [Event.PARTIAL, Event.PAUSE, Event.PARTIAL]
    assert events(listener, (False, 420)) == [(400, Event.PAUSE)]


@pytest.mark.parametrize(("says", "by"), [("That is all.", "confidence"), ("and then", "max_silence")])
def test_equal_silences_end_any_turn_at_the_first_check(says, by):
    assert ends_after(says, min_turn_silence=100, max_turn_silence=100) == (360, by)


@pytest.mark.parametrize(("asked", "longest"), [({}, 60_000), ({"speaker_labels": True}, 10_000)])
def test_no_turn_lasts_for_ever(asked, longest):
    listener = endpointer(**asked)
    ends = [now for now in range(20, 70_000, 20) if listener.frame(True) is Event.END]
    assert (ends[0], listener.ended_by) == (longest, "forced")


def test_a_change_of_the_settings_applies_to_the_pause_that_is_going_on():
    listener = endpointer()
    events(listener, (True, 400), (False, 500))
    listener.tune(settings(max_turn_silence=300))
    assert events(listener, (False, 60))[-1] == (60, Event.END)


def test_the_first_partial_is_tried_again_when_nothing_was_understood_yet():
    listener = endpointer(mode="min_latency")
    assert events(listener, (True, 260)) == [(260, Event.PARTIAL)]
    listener.retry_partial()
    assert events(listener, (True, 220)) == [(200, Event.PARTIAL)]

"""What a call's events tell of each turn: what ended it, how long that took, whether the caller was cut off."""

from __future__ import annotations

from typing import Any

import pytest

from agent import events, turn_detection
from agent.events import Event
from agent.turn_detection import Heard, Listening, cut_offs, hear, waits_ms

U3, STREAMING = "universal-3-6-pro", "universal-streaming-english"


def opened(model: str = U3, session: int = 1, **query: str) -> Event:
    return events.SttOpened(session=session, parameters={"speech_model": model, **query})


def begin(model: str = U3, mode: str | None = "balanced", session: int = 1) -> Event:
    configuration = {"model": model, "mode": mode}
    message = {"type": "Begin", "configuration": configuration, "simulator": {"engine": "whisper tiny.en"}}
    return events.SttBegin(session=session, message=message)


def words(*given: tuple[str, int, int]) -> list[dict[str, Any]]:
    return [
        {"text": text, "start": start, "end": end, "confidence": 0.9, "word_is_final": False}
        for text, start, end in given
    ]


def turn(
    given: list[dict[str, Any]],
    at_ms: int,
    *,
    order: int = 0,
    final: bool = False,
    sure: float = 0.0,
    session: int = 1,
    mono_ms: int | None = None,
    **extra: Any,
) -> Event:
    message = {
        "type": "Turn",
        "turn_order": order,
        "end_of_turn": final,
        "transcript": " ".join(word["text"] for word in given),
        "end_of_turn_confidence": sure,
        "words": given,
        **extra,
    }
    mono = (at_ms if mono_ms is None else mono_ms) * 1_000_000
    return events.SttTurn(session=session, message=message, audio_ms=at_ms, mono=mono)


def sent(kind: str, mono_ms: int = 0, **fields: Any) -> Event:
    return events.SttSent(session=1, message={"type": kind, **fields}, mono=mono_ms * 1_000_000)


def heard(*stream: Event) -> list[Heard]:
    listening = Listening()
    for event in stream:
        hear(listening, event)
    return listening.heard


HELLO = words(("Hello", 200, 600), ("there", 640, 1000))


def test_the_ramp_has_a_point_for_each_message() -> None:
    (one,) = heard(
        opened(),
        turn(HELLO[:1], 700, sure=0.1),
        turn(HELLO, 1100, sure=0.2),
        turn(HELLO, 1384, sure=0.8, final=True),
    )

    assert [(point.audio_ms, point.confidence, point.words) for point in one.ramp] == [
        (700, 0.1, 1),
        (1100, 0.2, 2),
        (1384, 0.8, 2),
    ]
    assert (one.transcript, one.confidence, one.silence_ms, one.ended_at_ms) == ("Hello there", 0.8, 384, 1384)
    assert [word.text for word in one.words] == ["Hello", "there"]


@pytest.mark.parametrize(
    ("before", "silence_ms", "sure", "ended_by"),
    [
        ([opened(), begin()], 1279, 1.0, "confidence"),
        ([opened(), begin()], 1280, 1.0, "max_silence"),
        ([opened(mode="min_latency"), begin(mode="min_latency")], 640, 1.0, "max_silence"),
        ([opened(max_turn_silence="900"), begin()], 900, 1.0, "max_silence"),
        ([opened(max_turn_silence="900"), begin()], 899, 1.0, "confidence"),
        ([opened(), begin(), events.SttTuned(session=1, who="console", fields={"max_turn_silence": 500})],
         500, 1.0, "max_silence"),
        ([opened(max_turn_silence="900"), begin(), sent("UpdateConfiguration", max_turn_silence=2000)],
         1500, 1.0, "confidence"),
        ([opened(STREAMING), begin(STREAMING, None)], 500, 0.41, "confidence"),
        ([opened(STREAMING), begin(STREAMING, None)], 1280, 0.4, "max_silence"),
        ([opened(STREAMING, end_of_turn_confidence_threshold="1.0"), begin(STREAMING, None)],
         1280, 1.0, "max_silence"),
    ],
)  # fmt: skip
def test_what_ended_a_turn_is_inferred_from_the_settings_in_force(
    before: list[Event], silence_ms: int, sure: float, ended_by: str
) -> None:
    (one,) = heard(*before, turn(HELLO, 1100), turn(HELLO, 1000 + silence_ms, sure=sure, final=True))

    assert (one.ended_by, one.silence_ms) == (ended_by, silence_ms)


def test_what_the_stand_in_says_itself_counts_more_than_what_can_be_inferred() -> None:
    played = {"recogniser": "script", "rough": False, "audio_ms": 1400, "ended_by": "max_silence"}
    (one,) = heard(opened(), turn(HELLO, 1500, final=True, sure=1.0, simulator=played))

    assert (one.ended_by, one.ended_at_ms, one.silence_ms, one.recogniser) == ("max_silence", 1400, 400, "script")


def test_a_force_endpoint_ends_the_turn_that_is_open_and_no_later_one() -> None:
    first, second = heard(
        opened(),
        turn(HELLO, 1100),
        sent("ForceEndpoint", 1200),
        turn(HELLO, 1250),
        turn(HELLO, 1400, final=True),
        turn(words(("Yes", 3000, 3200)), 3300, order=1),
        turn(words(("Yes", 3000, 3200)), 3500, order=1, final=True),
    )

    assert (first.ended_by, first.forced_by) == ("forced", "framework")
    assert second.ended_by == "confidence"


def test_a_force_endpoint_that_found_no_turn_is_forgotten() -> None:
    (one,) = heard(opened(), sent("ForceEndpoint", 100), turn(HELLO, 1200), turn(HELLO, 1400, final=True))

    assert (one.ended_by, one.forced_by) == ("confidence", "")


def test_a_short_turn_may_be_forced_before_its_first_message() -> None:
    (one,) = heard(opened(), sent("ForceEndpoint", 1100), turn(HELLO, 1300, final=True))

    assert one.ended_by == "forced"


def test_an_operator_who_ends_a_turn_is_named() -> None:
    (one,) = heard(
        opened(),
        turn(HELLO, 1100),
        sent("ForceEndpoint", 1150),
        events.SttTuned(session=1, who="console", end_turn=True),
        turn(HELLO, 1300, final=True),
    )

    assert (one.ended_by, one.forced_by) == ("forced", "console")


def test_a_hang_up_ends_the_turn_and_counts_for_nothing() -> None:
    found = heard(opened(), turn(HELLO, 1100), sent("Terminate", 1150), turn(HELLO, 1160, final=True))

    assert found[0].ended_by == "hangup"
    assert (waits_ms(found), cut_offs(found)) == ([], 0)


def test_the_formatted_final_is_the_same_turn_again() -> None:
    (one,) = heard(
        opened(STREAMING),
        turn(HELLO, 1400, final=True, sure=0.9),
        turn(words(("Hello", 200, 600), ("there.", 640, 1000)), 1600, final=True, sure=0.9),
    )

    assert (one.transcript, one.silence_ms, len(one.ramp)) == ("Hello there.", 400, 1)


def test_the_empty_final_of_a_terminated_session_is_no_turn() -> None:
    assert heard(opened(STREAMING), turn([], 5000, order=3, final=True)) == []


@pytest.mark.parametrize(("resumes_ms", "count"), [(1900, 1), (2100, 1), (2101, 0), (1300, 1)])
def test_speech_that_goes_on_soon_after_an_end_of_turn_was_cut_off(resumes_ms: int, count: int) -> None:
    after = words(("and", resumes_ms, resumes_ms + 200))
    found = heard(opened(), turn(HELLO, 1400, final=True), turn(after, resumes_ms + 900, order=1, final=True))

    assert cut_offs(found) == count
    assert waits_ms(found) == [400, 700]


def test_speech_begins_where_the_service_says_so() -> None:
    found = heard(
        opened(),
        turn(HELLO, 1400, final=True),
        events.SttSpeechStarted(session=1, message={"type": "SpeechStarted", "timestamp": 2000}),
        turn(words(("and", 2300, 2500)), 2600, order=1),
    )

    assert found[1].started_ms == 2000
    assert cut_offs(found) == 1


def test_times_of_two_sessions_are_not_compared() -> None:
    found = heard(
        opened(), turn(HELLO, 1400, final=True), opened(session=2), turn(HELLO, 1500, session=2, final=True)
    )

    assert cut_offs(found) == 0


def test_the_final_is_timed_against_the_audio_even_when_the_audio_stops() -> None:
    (flowing,) = heard(opened(), turn(HELLO, 1100), turn(HELLO, 1650, final=True))
    (stopped,) = heard(opened(), turn(HELLO, 1100), turn(HELLO, 1100, mono_ms=1800, final=True))
    (alone,) = heard(opened(), turn(HELLO, 1400, final=True))

    assert (flowing.final_ms, stopped.final_ms, alone.final_ms) == (650, 800, 400)


def test_journals_of_before_the_audio_was_counted_claim_nothing() -> None:
    found = heard(opened(), turn(HELLO, 0, final=True, sure=1.0))

    assert (found[0].silence_ms, found[0].final_ms, found[0].ended_by) == (0, 0, "confidence")
    assert waits_ms(found) == []


def test_the_frameworks_turn_takes_what_has_ended_since_the_one_before() -> None:
    found = heard(
        opened(),
        turn(HELLO, 1400, final=True),
        turn(HELLO, 2400, order=1, final=True),
        turn(HELLO, 2500, order=2),
        events.TurnUserStopped(turn=1, text="Hello there", decided_by="assemblyai", silence_ms=400),
        turn(HELLO, 3400, order=2, final=True),
        events.TurnUserStopped(turn=2, text="Hello there", decided_by="vad", silence_ms=400),
    )

    assert [one.turn for one in found] == [1, 1, 2]


def test_a_split_marks_the_first_turn_of_the_next_session() -> None:
    found = heard(
        opened(),
        turn(HELLO, 1100),
        events.SttSplit(session=1, text="Hello there", replayed_ms=900),
        opened(session=2),
        turn(HELLO, 1000, session=2, final=True),
        turn(HELLO, 1500, session=2, order=1, final=True),
        events.TurnUserStopped(turn=1, text="Hello there", decided_by="assemblyai", silence_ms=400),
    )

    assert [one.turn for one in found] == [1, 1, 1]
    assert [(one.split, one.ended_by) for one in found] == [
        (False, ""), (True, "confidence"), (False, "confidence")
    ]  # fmt: skip


def test_what_is_known_of_the_session_follows_the_messages() -> None:
    listening = Listening()
    for event in (
        opened(mode="max_accuracy", keyterms_prompt='["Ada"]'),
        begin(mode="max_accuracy"),
        events.SttIgnored(session=1, parameters={"formatted_finals": "unknown to AssemblyAI"}),
        sent("UpdateConfiguration", agent_context="How can I help?", language_codes=["en"]),
        events.SttTuned(session=1, who="console", fields={"min_turn_silence": 600}, ignored={"prompt": "no"}),
    ):
        hear(listening, event)

    assert (listening.session, listening.model, listening.mode) == (1, U3, "max_accuracy")
    assert listening.engine == "whisper tiny.en"
    assert listening.parameters["agent_context"] == "How can I help?"
    assert listening.parameters["language_codes"] == '["en"]'
    assert listening.tuned == {"min_turn_silence": 600}
    assert set(listening.ignored) == {"formatted_finals", "prompt"}

    hear(listening, opened(STREAMING, session=2))
    assert (listening.session, listening.model, listening.tuned, listening.ignored) == (2, STREAMING, {}, {})


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"turn_order": "0", "transcript": "x"},
        {"turn_order": None},
        {"turn_order": 0, "transcript": None, "words": None, "simulator": 7},
    ],
)
def test_messages_without_sense_make_no_turn(message: dict[str, Any]) -> None:
    assert heard(events.SttTurn(session=1, message=message, audio_ms=100)) == []


def test_words_without_sense_do_not_harm_the_turn() -> None:
    given = [{"text": None, "start": "x", "end": 1e300, "confidence": "high"}, "word", None, *HELLO]
    (one,) = heard(events.SttTurn(session=1, message={"turn_order": 0, "transcript": "x", "words": given}))
    found = turn_detection.words_of(one)

    assert [(word.text, word.start_ms, word.end_ms, word.confidence) for word in found][:2] == [
        ("", 0, 0, 0.0),
        ("Hello", 200, 600, 0.9),
    ]


def test_memory_is_bounded_however_long_the_call_is() -> None:
    listening = Listening()
    kept: list[Heard] = []
    for order in range(turn_detection.MAX_HEARD * 2):
        for final in (False, True):
            one = hear(listening, turn(HELLO, order * 2000, order=order, final=final))
            assert one is not None
            kept.append(one)
    for at in range(501):
        hear(listening, turn(HELLO * 300, at, order=9_999, final=at == 500))

    last = listening.heard[-1]
    assert len(listening.heard) <= turn_detection.MAX_HEARD
    assert sum(bool(one.words) for one in listening.heard) == turn_detection.MAX_DETAILED
    assert len(last.ramp) <= turn_detection.MAX_RAMP
    assert len(last.words) == turn_detection.MAX_WORDS
    assert (last.ramp[0].audio_ms, last.ramp[-1].audio_ms) == (0, 500)
    assert turn_detection.words_of(kept[0]), "who holds an old turn keeps its words"

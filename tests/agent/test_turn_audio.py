from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.turn_audio import HELD_MS, QUIET_MS, REPLAY_MS, TurnAudio

RATE = 8000
QUERY = {"sample_rate": str(RATE), "encoding": "pcm_s16le"}
MS = RATE * 2 // 1000


def loud(ms: int, mark: int = 1) -> bytes:
    """Audio with a voice in it; ``mark`` makes one piece unlike another."""
    return struct.pack("<h", 4_000 + mark) * (ms * RATE // 1000)


def silent(ms: int) -> bytes:
    return bytes(ms * MS)


def turn(start: int, end: int, *texts: str, last: bool = False, **more: object) -> dict[str, object]:
    step = (end - start) // max(1, len(texts))
    words = [
        {"text": text, "start": start + n * step, "end": start + (n + 1) * step} for n, text in enumerate(texts)
    ]
    return {"type": "Turn", "end_of_turn": last, "words": words, **more}


def sent(audio: TurnAudio, *messages: bytes) -> None:
    for message in messages:
        audio.add(message)
        audio.passed()


def pieces(audio: TurnAudio) -> list[bytes]:
    found: list[bytes] = []
    while piece := audio.next_piece():
        found.append(piece)
    return found


def test_the_open_turn_is_given_again_from_a_little_before_its_first_word() -> None:
    audio = TurnAudio(QUERY)
    sent(audio, *[silent(50)] * 20, *[loud(50)] * 30)
    assert not audio.turn(turn(1_000, 2_400, "half", "past"))

    assert audio.text == "half past"
    assert audio.begin_again() == 1_800
    assert b"".join(pieces(audio)) == silent(300) + loud(1_500)
    assert (audio.base_ms, audio.sent_ms) == (700, 1_800)


def test_what_was_said_before_an_end_of_turn_is_never_given_again() -> None:
    audio = TurnAudio(QUERY)
    sent(audio, *[loud(50)] * 20, *[silent(50)] * 10)
    assert audio.turn(turn(0, 1_000, "Hello", last=True))

    assert audio.text == ""
    assert audio.begin_again() == 0
    assert pieces(audio) == []


def test_speech_that_has_no_words_yet_is_given_again_and_the_silence_before_it_is_not() -> None:
    audio = TurnAudio(QUERY)
    sent(audio, *[silent(50)] * 40, *[loud(50)] * 4)

    assert audio.begin_again() == 500
    assert b"".join(pieces(audio)) == silent(300) + loud(200)


def test_what_comes_while_there_is_no_session_is_given_once_and_in_order() -> None:
    audio = TurnAudio(QUERY)
    sent(audio, *[silent(50)] * 2)
    for n in range(30):
        audio.add(loud(50, n))

    assert audio.begin_again() == 0
    first = audio.next_piece()
    audio.add(loud(50, 30))
    assert first + b"".join(pieces(audio)) == b"".join(loud(50, n) for n in range(31))


def test_a_session_that_breaks_again_in_the_same_turn_is_replaced_from_the_same_place() -> None:
    audio = TurnAudio(QUERY)
    sent(audio, *[silent(50)] * 20, *[loud(50)] * 20)
    audio.turn(turn(1_000, 1_900, "half"))
    audio.begin_again()
    pieces(audio)
    sent(audio, loud(50, 7))
    audio.begin_again()

    assert b"".join(pieces(audio)) == silent(300) + loud(1_000) + loud(50, 7)
    audio.turn(turn(300, 1_300, "half", last=True))
    assert audio.begin_again() == 50
    assert b"".join(pieces(audio)) == loud(50, 7)


def test_word_times_are_those_of_the_session_they_came_in() -> None:
    audio = TurnAudio(QUERY)
    sent(audio, *[silent(50)] * 100)
    audio.begin_again()
    sent(audio, *[loud(50)] * 20)
    audio.turn(turn(0, 900, "half"))

    assert audio.base_ms == 5_000
    assert audio.begin_again() == 1_300


def test_the_plain_end_of_a_turn_is_not_its_last_where_a_formatted_one_follows() -> None:
    audio = TurnAudio({**QUERY, "format_turns": "true"})
    sent(audio, *[loud(50)] * 20)

    assert not audio.turn(turn(0, 1_000, "hello", last=True, turn_is_formatted=False))
    assert audio.text == "hello"
    assert audio.turn(turn(0, 1_000, "Hello.", last=True, turn_is_formatted=True))


@pytest.mark.parametrize(("text", "limit_ms"), [("", QUIET_MS), ("hello", REPLAY_MS)])
def test_only_so_much_is_kept(text: str, limit_ms: int) -> None:
    audio = TurnAudio(QUERY)
    sent(audio, *[loud(50)] * 20)
    audio.turn(turn(0, 900, text) if text else {"type": "Turn", "words": []})
    sent(audio, *[loud(50)] * (HELD_MS // 50))

    assert limit_ms - 50 <= audio.begin_again() <= limit_ms


def test_what_waits_for_a_session_is_bounded_too() -> None:
    audio = TurnAudio(QUERY)
    sent(audio, loud(50))
    for _ in range(2 * HELD_MS // 50):
        audio.add(loud(50))
    audio.begin_again()

    assert HELD_MS - 50 <= len(b"".join(pieces(audio))) // MS <= HELD_MS


def test_encodings_without_time_are_passed_by() -> None:
    audio = TurnAudio({"encoding": "opus", "sample_rate": "48000"})
    sent(audio, b"packet")
    audio.turn(turn(0, 900, "half"))

    assert (audio.sent_ms, audio.begin_again(), pieces(audio)) == (0, 0, [])
    assert audio.text == "half"


@pytest.mark.parametrize("words", [None, [1], [{}], [{"text": "a", "start": "x", "end": -5}], [{"start": 10**12}]])
def test_words_that_make_no_sense_do_no_harm(words: object) -> None:
    audio = TurnAudio(QUERY)
    sent(audio, loud(500))
    audio.turn({"type": "Turn", "end_of_turn": False, "words": words})
    audio.turn({"type": "Turn", "end_of_turn": True, "words": words})
    audio.begin_again()

    assert len(b"".join(pieces(audio))) <= len(loud(500))


@settings(max_examples=60)
@given(st.data(), st.sampled_from([8_000, 11_025, 16_000, 96_000]))
def test_messages_are_as_the_service_wants_them_and_nothing_is_lost_or_said_twice(
    data: st.DataObject, rate: int
) -> None:
    audio = TurnAudio({"sample_rate": str(rate)})
    message_ms = data.draw(st.integers(50, 200))
    length = math.ceil(rate * message_ms / 1000) * 2
    before, after = data.draw(st.integers(0, 30)), data.draw(st.integers(0, 60))
    whole = [bytes([n % 251]) * length for n in range(before + after)]
    sent(audio, *whole[:before])
    for message in whole[before:]:
        audio.add(message)
    replayed_ms = audio.begin_again()
    got = pieces(audio)

    assert b"".join(whole).endswith(b"".join(got))
    assert len(b"".join(got)) >= min(after * length, rate * 2 * (HELD_MS - 250) // 1000)
    assert replayed_ms <= QUIET_MS
    assert all(len(piece) % 2 == 0 for piece in got)
    for piece in got:
        assert 50 <= math.ceil(len(piece) / 2 * 1000 / rate) <= 1_000
        assert len(piece) <= 128 * 1024

from __future__ import annotations

import numpy as np
import pytest

from agent.line_meter import FRAME_NS, MARK_EVERY_MS, Ear, Mouth, Samples, loudness_db

MS = 1_000_000
SILENCE = np.zeros(160, np.int16)
VOICE = (8000 * np.sin(np.arange(160) / 3)).astype(np.int16)


def feed(ear: Ear, frames: list[Samples], *, at: int = 0, first_chunk: int = 1) -> int:
    for n, samples in enumerate(frames):
        ear.received(at + n * FRAME_NS, first_chunk + n, samples)
    return at + len(frames) * FRAME_NS


def test_loudness_is_in_dbfs() -> None:
    full = np.tile(np.array([32767, -32768], np.int16), 80)
    assert loudness_db(full) == pytest.approx(0, abs=0.1)
    assert loudness_db((full // 10).astype(np.int16)) == pytest.approx(-20, abs=0.1)
    assert loudness_db(SILENCE) == -90
    assert loudness_db(SILENCE[:0]) == -90


def test_the_last_voiced_frame_is_remembered_and_silence_is_not_voice() -> None:
    ear = Ear(8000)
    feed(ear, [SILENCE] * 50)
    assert ear.last_voiced == 0

    end = feed(ear, [VOICE] * 10, at=50 * FRAME_NS, first_chunk=51)
    feed(ear, [SILENCE] * 30, at=end, first_chunk=61)

    assert ear.last_voiced == end - FRAME_NS


def test_steady_noise_becomes_the_floor_and_is_not_voice() -> None:
    ear = Ear(8000)
    noise = np.random.default_rng(1).normal(0, 60, (100, 160)).astype(np.int16)
    feed(ear, list(noise))

    assert ear.last_voiced == 0


def test_missing_chunks_are_gaps_and_reordered_ones_are_not() -> None:
    ear = Ear(8000)
    for n, chunk in enumerate([1, 2, 5, 4, 6]):
        ear.received(n * FRAME_NS, chunk, SILENCE)

    assert ear.gaps == 2


def test_frames_on_their_grid_have_no_jitter_and_uneven_ones_do() -> None:
    steady, uneven = Ear(8000), Ear(8000)
    for n in range(100):
        steady.received(n * FRAME_NS, n + 1, SILENCE)
        uneven.received(n * FRAME_NS + (n % 2) * 12 * MS, n + 1, SILENCE)

    assert (steady.jitter_ms, steady.late) == (0, 0)
    assert 3 <= uneven.jitter_ms <= 12
    assert uneven.late == 0


@pytest.mark.parametrize("rate", [8000, 16_000])
def test_a_frame_is_20_ms_at_any_rate(rate: int) -> None:
    ear = Ear(rate)
    for n in range(50):
        ear.received(n * FRAME_NS, n + 1, np.zeros(rate // 50, np.int16))
    ear.received(50 * FRAME_NS, 51, np.zeros(rate // 10, np.int16))
    ear.received(55 * FRAME_NS, 52, np.zeros(rate // 50, np.int16))

    assert (ear.frames, ear.gaps, ear.late, ear.jitter_ms) == (56, 0, 0, 0)


def test_a_stall_is_one_burst_of_late_frames_and_then_over() -> None:
    ear = Ear(8000)
    at = feed(ear, [SILENCE] * 50) + 60 * MS
    for n in range(3):
        ear.received(at, 51 + n, SILENCE)
    feed(ear, [SILENCE] * 100, at=at + FRAME_NS, first_chunk=54)

    assert 1 <= ear.late <= 4


def test_what_was_played_follows_the_carriers_marks() -> None:
    mouth = Mouth()
    for n in range(50):
        mouth.sent(0, 20, -20)
        if (name := mouth.mark_due()) is not None:
            last = name
            at = (n + 1) * 20
    assert mouth.sent_ms == 1000
    assert at == 800

    assert mouth.played_ms(300 * MS) == 300
    # The carrier started 100 ms late: time alone would say 500, but the mark at 400 is not back.
    assert mouth.played_ms(500 * MS) == MARK_EVERY_MS
    mouth.mark_returned(500 * MS, "played-1")
    assert mouth.played_ms(650 * MS) == 550
    mouth.mark_returned(900 * MS, last)
    assert mouth.played_ms(950 * MS) == 850
    assert mouth.queue_ms(950 * MS) == 150


def test_a_clear_drops_what_waits_and_its_marks_say_nothing() -> None:
    mouth = Mouth()
    for _ in range(50):
        mouth.sent(0, 20, -20)
        mouth.mark_due()
    dropped = mouth.cleared(250 * MS)
    mouth.mark_returned(251 * MS, "played-1")
    mouth.mark_returned(251 * MS, "played-2")

    assert dropped == 750
    assert (mouth.sent_ms, mouth.played_ms(251 * MS), mouth.queue_ms(251 * MS)) == (250, 250, 0)


def test_a_pause_between_two_answers_is_not_counted_as_played() -> None:
    mouth = Mouth()
    mouth.sent(0, 100, -20)
    assert mouth.queue_ms(5_000 * MS) == 0

    mouth.sent(5_000 * MS, 100, -20)

    assert mouth.queue_ms(5_000 * MS) == 100
    assert mouth.queue_ms(5_040 * MS) == 60


def test_a_carrier_that_never_returns_marks_does_not_stop_the_clock() -> None:
    mouth = Mouth()
    for _ in range(50):
        mouth.sent(0, 20, -20)
        mouth.mark_due()

    assert mouth.played_ms(10_000 * MS) == 1000


def test_a_short_answer_still_gets_a_mark_at_its_end() -> None:
    mouth = Mouth()
    mouth.sent(0, 60, -20)
    assert mouth.mark_due() is None
    assert mouth.mark_due(at_end=True) == "played-1"
    assert mouth.mark_due(at_end=True) is None

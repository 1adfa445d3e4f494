from __future__ import annotations

import numpy as np

from simulator.speech import shaping


def test_a_number_spoken_as_many_words_stays_one_written_word():
    text = "Is it 2:30 now?"
    events = [(0, 0), (3, 100), (6, 200), (8, 300), (11, 400)]
    assert shaping.written_words(text, events, 500) == [
        ("Is", 0, 100),
        ("it", 100, 200),
        ("2:30", 200, 400),
        ("now?", 400, 500),
    ]


def test_words_spoken_as_one_share_its_time_and_silent_marks_are_left_out():
    words = shaping.written_words("one of the – last", [(0, 0), (4, 100), (13, 600)], 900)
    assert [word for word, _, _ in words] == ["one", "of", "the", "last"]
    assert words[1] == ("of", 100, 300)
    assert words[2] == ("the", 300, 600)


def test_the_same_word_twice_is_found_at_its_own_place():
    words = shaping.written_words("no no", [(0, 0), (3, 50)], 90)
    assert words == [("no", 0, 50), ("no", 50, 90)]


def test_long_pauses_are_cut_down_and_edges_trimmed():
    voiced = np.zeros(200, np.bool_)
    voiced[50:60] = voiced[120:130] = True
    keep = shaping.kept_samples(voiced, 80, 200 * 80)
    kept_frames = keep.reshape(-1, 80).all(axis=1)
    assert kept_frames.sum() == 2 + 10 + 18 + 10 + 6
    assert not kept_frames[:48].any()
    assert not kept_frames[70:110].any()


def test_short_pauses_stay():
    voiced = np.ones(60, np.bool_)
    voiced[20:35] = False
    assert shaping.kept_samples(voiced, 80, 60 * 80).all()


def test_silence_is_nothing_to_keep():
    assert not shaping.kept_samples(np.zeros(10, np.bool_), 80, 800).any()


def test_level_is_set_by_the_voiced_part_and_never_clips():
    tone = np.rint(np.sin(np.arange(8000) / 3) * 300).astype(np.int16)
    rms = np.sqrt(np.square(shaping.at_level(tone, tone).astype(float)).mean())
    assert abs(20 * np.log10(rms / 32768) - shaping.LEVEL_DBFS) < 0.1
    spiky = np.zeros(8000, np.int16)
    spiky[::400] = 20000
    assert np.abs(shaping.at_level(spiky, spiky).astype(int)).max() <= 32768 * shaping.PEAK + 1

from __future__ import annotations

import numpy as np
import pytest

from simulator.speech.resampler import StreamResampler


def tone(hz: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    return np.rint(10000 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)).astype(np.int16)


def level_db(samples: np.ndarray) -> float:
    middle = samples[len(samples) // 4 : -len(samples) // 4].astype(float)
    return 20 * np.log10(np.sqrt(np.square(middle).mean()) / (10000 / np.sqrt(2)) + 1e-9)


@pytest.mark.parametrize("rate", [11025, 16000, 22050, 24000, 44100, 48000, 96000])
def test_speech_passes_and_what_would_alias_does_not(rate):
    assert abs(level_db(StreamResampler(rate, 8000).push(tone(1000, rate)))) < 0.2
    assert level_db(StreamResampler(rate, 8000).push(tone(5200, rate))) < -40


def test_upsampling_leaves_no_image():
    up = StreamResampler(8000, 16000).push(tone(1000, 8000))
    spectrum = np.abs(np.fft.rfft(up[400:-400] * np.hanning(len(up) - 800)))
    hz = np.arange(len(spectrum)) * 16000 / (len(up) - 800)
    assert spectrum[hz > 5000].max() < spectrum.max() / 100


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_the_result_does_not_depend_on_the_size_of_the_chunks(rate):
    samples = tone(700, rate)
    whole = StreamResampler(rate, 8000).push(samples)
    rng = np.random.default_rng(1)
    resampler, parts, at = StreamResampler(rate, 8000), [], 0
    while at < len(samples):
        size = int(rng.integers(1, 700))
        parts.append(resampler.push(samples[at : at + size]))
        at += size
    assert np.array_equal(np.concatenate(parts), whole)


def test_it_holds_back_less_than_two_milliseconds():
    given = StreamResampler(16000, 8000).push(tone(500, 16000))
    assert 8000 * 0.5 - len(given) <= 16


def test_time_is_kept():
    click = np.zeros(16000, np.int16)
    click[8000] = 20000
    assert abs(int(np.argmax(np.abs(StreamResampler(16000, 8000).push(click)))) - 4000) <= 1


def test_a_rate_without_a_common_step_is_refused():
    with pytest.raises(ValueError, match="8001 Hz"):
        StreamResampler(8001, 8000)

from __future__ import annotations

import importlib
import warnings

import numpy as np
import pytest

from simulator import audio

EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)


@pytest.fixture(scope="module")
def audioop():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return importlib.import_module("audioop")
        except ImportError:
            pytest.skip("audioop left the standard library in Python 3.13")


def test_ulaw_is_bit_identical_to_audioop(audioop):
    every_byte = bytes(range(256))
    assert audio.ulaw_encode(EVERY_SAMPLE) == audioop.lin2ulaw(EVERY_SAMPLE.tobytes(), 2)
    assert audio.ulaw_decode(every_byte).tobytes() == audioop.ulaw2lin(every_byte, 2)


def test_alaw_is_bit_identical_to_audioop(audioop):
    every_byte = bytes(range(256))
    assert audio.alaw_encode(EVERY_SAMPLE) == audioop.lin2alaw(EVERY_SAMPLE.tobytes(), 2)
    assert audio.alaw_decode(every_byte).tobytes() == audioop.alaw2lin(every_byte, 2)


@pytest.mark.parametrize(
    ("encode", "decode", "silence"),
    [
        (audio.ulaw_encode, audio.ulaw_decode, audio.ULAW_SILENCE),
        (audio.alaw_encode, audio.alaw_decode, audio.ALAW_SILENCE),
    ],
)
def test_companding_keeps_the_shape_of_a_sample(encode, decode, silence):
    restored = decode(encode(EVERY_SAMPLE)).astype(int)
    assert np.all(np.abs(restored - EVERY_SAMPLE) <= np.maximum(np.abs(EVERY_SAMPLE.astype(int)) / 16, 16))
    assert encode(np.zeros(1, np.int16)) == silence


def test_resample_keeps_the_duration_and_the_tone():
    tone = (8000 * np.sin(np.arange(22050) * 2 * np.pi * 440 / 22050)).astype(np.int16)
    eight = audio.resample(tone, 22050, 8000)
    assert abs(len(eight) - 8000) <= 1
    assert np.argmax(np.abs(np.fft.rfft(eight))) in range(438, 443)
    assert audio.resample(eight, 8000, 8000) is eight

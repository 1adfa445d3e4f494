"""WAV files of every kind, and broken ones."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.audio import alaw_encode, ulaw_encode
from simulator.caller.wav import read_wav

TONE = (12_000 * np.sin(2 * np.pi * 440 * np.arange(800) / 8000)).astype(np.int16)


def riff(tag: int, bits: int, body: bytes, channels: int = 1, rate: int = 8000, size: int | None = None) -> bytes:
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits)
    if tag == 0xFFFE:
        form += struct.pack("<HHI", 22, bits, 4) + struct.pack("<H", 1) + bytes(14)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"LIST" + struct.pack("<I", 3) + b"abc\0"
    chunks += b"data" + struct.pack("<I", len(body) if size is None else size) + body
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks


def in_24_bits(samples: np.ndarray) -> bytes:
    return b"".join(struct.pack("<i", int(sample) << 8)[:3] for sample in samples)


@pytest.mark.parametrize(
    ("tag", "bits", "body", "tolerance"),
    [
        (1, 16, TONE.astype("<i2").tobytes(), 0),
        (0xFFFE, 16, TONE.astype("<i2").tobytes(), 0),
        (1, 24, in_24_bits(TONE), 0),
        (1, 32, (TONE.astype("<i4") << 16).tobytes(), 0),
        (1, 8, ((TONE >> 8) + 128).astype(np.uint8).tobytes(), 256),
        (3, 32, (TONE / 32767).astype("<f4").tobytes(), 1),
        (6, 8, alaw_encode(TONE), 600),
        (7, 8, ulaw_encode(TONE), 600),
    ],
)
def test_every_usual_format_is_read(tag: int, bits: int, body: bytes, tolerance: int) -> None:
    samples, rate = read_wav(riff(tag, bits, body))
    assert (rate, len(samples), samples.dtype) == (8000, 800, np.int16)
    assert np.abs(samples.astype(int) - TONE).max() <= tolerance


def test_channels_are_averaged() -> None:
    both = np.stack((TONE, -TONE // 2), axis=1).astype("<i2").tobytes()
    samples, _ = read_wav(riff(1, 16, both, channels=2, rate=48_000))
    assert np.abs(samples - TONE // 4).max() <= 1


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 10_000_000])
def test_a_recording_that_was_cut_off_is_read_to_its_end(size: int) -> None:
    samples, _ = read_wav(riff(1, 16, TONE.tobytes() + b"\0", size=size))
    assert np.array_equal(samples, TONE)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is no WAV file: it does not begin with RIFF and WAVE."),
        (b"RIFF\0\0\0\0WAVE", "The WAV file is broken: it has no format or no data."),
        (riff(85, 16, b"\0\0"), "WAV format 85 with 16 bits is not read; save the file as 16-bit PCM."),
        (
            riff(1, 16, b"\0\0", rate=1),
            "1 channel(s) at 1 Hz are not read; save the file as mono at 8000 Hz.",
        ),
    ],
)
def test_what_is_no_wav_file_is_refused_in_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(ValueError) as refused:
        read_wav(data)
    assert str(refused.value) == sentence


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_file_raises_anything_else(data: st.DataObject) -> None:
    whole = bytearray(
        riff(data.draw(st.sampled_from([1, 3, 6, 7, 0xFFFE])), 16, bytes(data.draw(st.binary(max_size=60))))
    )
    for _ in range(data.draw(st.integers(0, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    del whole[data.draw(st.integers(0, len(whole))) :]
    try:
        samples, rate = read_wav(bytes(whole))
    except ValueError:
        return
    assert samples.dtype == np.int16
    assert 4000 <= rate <= 192_000

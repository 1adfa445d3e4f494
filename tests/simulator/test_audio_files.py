"""Recordings of every usual format and rate, and broken ones; and one of them played over and over into a call."""

from __future__ import annotations

import contextlib
import io
import struct
import wave
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.caller import sound_file
from simulator.caller.sound_file import read_sound
from tests.simulator.codec_house import decoded, track
from tests.simulator.conftest import Bot
from tests.simulator.media_house import similarity


def tone(rate: int, seconds: float = 0.5) -> Any:
    times = np.arange(int(rate * seconds)) / rate
    return 0.4 * np.sin(2 * np.pi * 440 * times) * np.minimum(1, times * 20)


EXACT = [
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "FLOAT"),
    ("WAVEX", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("AIFF", "PCM_16"),
]
CLOSE = [
    ("WAV", "PCM_U8"),
    ("WAV", "ULAW"),
    ("WAV", "ALAW"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
]


@pytest.mark.parametrize(("kind", "coding"), EXACT + CLOSE)
def test_every_usual_format_is_read(tmp_path: Path, kind: str, coding: str) -> None:
    path = tmp_path / "sound"
    soundfile.write(path, tone(16_000), 16_000, format=kind, subtype=coding)
    samples = read_sound(path, 16_000, 10)
    meant = np.rint(tone(16_000) * 32_768).astype(np.int16)
    assert samples.dtype == np.int16
    if (kind, coding) in EXACT:
        assert np.abs(samples.astype(int) - meant).max() <= 1
    else:
        assert abs(len(samples) - len(meant)) < 2400
        assert similarity(samples[: len(meant)], meant, 0)[0] > 15


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_any_rate_becomes_that_of_the_line(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "sound.flac"
    soundfile.write(path, tone(rate), rate)
    for wanted in (8000, 16_000):
        samples = read_sound(path, wanted, 10)
        assert len(samples) == pytest.approx(wanted / 2, abs=2)
        inner = slice(wanted // 10, wanted * 4 // 10)
        assert similarity(samples[inner], np.rint(tone(wanted) * 32_768).astype(np.int16)[inner], 0)[0] > 35


def test_channels_are_averaged_and_loud_ones_not_wrapped(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, np.stack([tone(8000), -tone(8000) / 2, np.zeros(4000)], 1), 8000, subtype="FLOAT")
    samples = read_sound(path, 8000, 10)
    assert np.abs(samples - tone(8000) / 6 * 32_768).max() <= 1
    soundfile.write(path, np.array([2.0, -2.0, np.nan, np.inf]), 8000, subtype="FLOAT")
    assert list(read_sound(path, 8000, 10)) == [32_767, -32_768, 0, 32_767]


def test_no_more_is_read_than_can_be_played(tmp_path: Path) -> None:
    path = tmp_path / "sound.ogg"
    soundfile.write(path, np.tile(tone(8000), 20), 8000)
    assert len(read_sound(path, 16_000, 3)) == 48_000


def test_a_recorder_that_was_killed_leaves_what_it_has_written(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, tone(8000), 8000)
    whole = bytearray(path.read_bytes())
    for size in (0xFFFFFFFF, 10_000_000):
        whole[40:44] = struct.pack("<I", size)
        path.write_bytes(whole)
        assert len(read_sound(path, 8000, 10)) == 4000
    whole[40:44] = bytes(4)
    path.write_bytes(whole)
    with pytest.raises(
        ValueError, match=r"holds no audio\. One that a killed recorder left: `sox --ignore-length`"
    ):
        read_sound(path, 8000, 10)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file or directory."),
        (b"", "cannot be played: it is no WAV, FLAC, Ogg or MP3 file that libsndfile reads"),
        (b"Dear diary, " * 100, "cannot be played: it is no WAV, FLAC, Ogg or MP3 file that libsndfile reads"),
    ],
)
def test_what_is_no_recording_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / "diary.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError) as refused:
        read_sound(path, 8000, 10)
    assert str(refused.value).startswith(f"{path} {sentence}")
    assert str(refused.value).endswith(".")


def test_rates_and_sizes_that_are_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 200, 0, "NONE", ""))
        file.writeframes(bytes(400))
    with pytest.raises(ValueError, match=r"1 channel\(s\) at 200 Hz are not read; save it as mono at 16000 Hz\."):
        read_sound(path, 8000, 10)
    monkeypatch.setattr(sound_file, "MAX_BYTES", 100)
    with pytest.raises(ValueError, match=r"larger than 0 MB; cut it\."):
        read_sound(path, 8000, 10)


@cache
def written(kind: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, tone(8000, 0.05), 8000, format=kind)
    return file.getvalue()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_file_raises_anything_else(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "sound"
    whole = bytearray(written(data.draw(st.sampled_from(["WAV", "FLAC", "OGG", "MP3"]))))
    for _ in range(data.draw(st.integers(0, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    del whole[data.draw(st.integers(0, len(whole))) :]
    path.write_bytes(whole)
    with contextlib.suppress(ValueError):
        assert read_sound(path, 8000, 2).dtype == np.int16


async def test_a_recording_is_played_over_and_over(control: httpx.AsyncClient, bot: Bot, tmp_path: Path) -> None:
    path = tmp_path / "caller.mp3"
    soundfile.write(path, tone(44_100, 0.3), 44_100)
    order = {"wav": str(path), "loop": True, "codec": "L16", "stream_url": bot.stream_url}
    placed = await control.post("/calls", json=order)
    stream = await bot.streams.get()
    await stream.until("media", 60)
    await control.delete(f"/calls/{placed.json()['call_control_id']}")
    samples, rate = decoded(stream.of("start")[0]["start"]["media_format"]["encoding"], track(stream, "inbound"))
    once = len(read_sound(path, rate, 10))
    period = -(-once // (rate // 50)) * (rate // 50)
    assert np.array_equal(samples[:period], samples[period : 2 * period])
    assert samples[:period].any()


NONSENSE: list[tuple[dict[str, Any], str]] = [
    ({"loop": True}, "loop is for a recording: give wav with it."),
    ({"wav": "/none.flac"}, "There is no file '/none.flac' to play."),
    ({"noise": {"file": "/none.flac"}}, "There is no file '/none.flac' to be the noise."),
    ({"noise": {"file": "x", "snr_db": 100}}, "The request is not valid: snr_db must be between -20 and 60"),
    ({"noise": "x"}, "The request is not valid"),
]


async def test_orders_that_make_no_sense(control: httpx.AsyncClient) -> None:
    for order, sentence in NONSENSE:
        for method, path, body in (
            ("POST", "/calls", {"texml_url": "http://127.0.0.1:1/", **order}),
            ("PUT", "/numbers/+15550100031", {"faults": None, **order}),
        ):
            refused = await control.request(method, path, json=body)
            assert refused.status_code == 422
            assert refused.json()["error"]["message"].startswith(sentence)

"""Sound files that a call plays: decoded to the sample, bounded, and harmless whatever they hold."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable

import av
import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.recording import sound
from simulator.recording.sound import SoundNotFound, SoundUnreadable, fetch_sound, load_sound


def wav(samples: np.ndarray, rate: int = 8000, channels: int = 1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


def mp3(samples: np.ndarray, rate: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def tone(hertz: int, rate: int, seconds: float = 1.0) -> np.ndarray:
    times = np.arange(int(rate * seconds)) / rate
    return (10_000 * np.sin(2 * np.pi * hertz * times)).astype(np.int16)


def frequency(samples: np.ndarray, rate: int) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples)))) * rate / len(samples)


async def test_a_wav_at_the_rate_comes_through_to_the_sample() -> None:
    samples = np.random.default_rng(1).integers(-32768, 32768, 12_345).astype(np.int16)
    np.testing.assert_array_equal(await load_sound(wav(samples), 8000), samples)


async def test_stereo_becomes_mono() -> None:
    left, right = tone(440, 8000), tone(1000, 8000)
    heard = await load_sound(wav(np.stack((left, right), axis=1), channels=2), 8000)
    expected = (left.astype(int) + right) / 2
    assert np.abs(heard - expected).max() <= 1


@pytest.mark.parametrize("rate", [8000, 16_000, 24_000])
async def test_another_rate_keeps_pitch_and_length(rate: int) -> None:
    heard = await load_sound(wav(tone(440, 44_100), 44_100), rate)
    assert abs(len(heard) - rate) <= 2
    assert frequency(heard, rate) == pytest.approx(440, abs=2)


async def test_mp3_keeps_pitch_and_length() -> None:
    heard = await load_sound(mp3(tone(440, 44_100), 44_100), 8000)
    assert abs(len(heard) - 8000) < 600
    assert frequency(heard, 8000) == pytest.approx(440, abs=4)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "neither WAV nor MP3"),
        (b"#EXTM3U\nhttp://127.0.0.1/secret\n", "neither WAV nor MP3"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "neither WAV nor MP3"),
        (b"RIFF\0\0\0\0WAVE", "damaged"),
        (b"ID3", "damaged"),
        (wav(np.zeros(0, np.int16)), "holds no audio"),
        (wav(np.zeros(100, np.int16), rate=1), "at 1 Hz"),
        (wav(np.zeros(100, np.int16), rate=4_000_000), "at 4000000 Hz"),
        (b"RIFF" + bytes(sound.MOST_BYTES), "longer than 10 MB"),
    ],
)
async def test_what_cannot_be_played_says_why(data: bytes, why: str) -> None:
    with pytest.raises(SoundUnreadable, match=why):
        await load_sound(data, 8000)


async def test_a_sound_has_a_longest_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "MOST_SECONDS", 60)
    assert len(await load_sound(wav(np.zeros(60 * 8000, np.int16)), 8000)) == 60 * 8000
    with pytest.raises(SoundUnreadable, match="longer than 1 minutes"):
        await load_sound(wav(np.zeros(60 * 8000 + 1, np.int16)), 8000)


_GOOD = [wav(tone(440, 8000, 0.1)), mp3(tone(440, 16_000, 0.2), 16_000)]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good file with some bytes changed and perhaps its end missing."""
    data = bytearray(draw(st.sampled_from(_GOOD)))
    for at, value in draw(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=12)):
        data[at % len(data)] = value
    return bytes(data[: draw(st.integers(0, len(data)))])


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=200) | st.binary(max_size=100).map(lambda end: b"RIFF\0\0\0\0WAVEfmt " + end) | damaged()
)
async def test_no_bytes_raise_anything_else(data: bytes) -> None:
    try:
        samples = await load_sound(data, 8000)
    except SoundUnreadable as error:
        sentence = str(error)
    else:
        assert samples.dtype == np.int16
        assert samples.ndim == 1
        sentence = "played."
    assert sentence.endswith(".")


def client(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


async def test_a_sound_is_fetched_and_redirects_are_followed() -> None:
    samples = tone(440, 8000)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/old.wav":
            return httpx.Response(302, headers={"location": "/new.wav"})
        return httpx.Response(200, content=wav(samples))

    async with client(answer) as http:
        np.testing.assert_array_equal(await fetch_sound(http, "http://media.test/old.wav", 8000), samples)


@pytest.mark.parametrize(
    ("answer", "kind", "why"),
    [
        (httpx.Response(404), SoundNotFound, "answered 404"),
        (httpx.Response(403), SoundNotFound, "answered 403"),
        (httpx.Response(500), SoundUnreadable, "answered 500"),
        (httpx.Response(302, headers={"location": "/again"}), SoundUnreadable, "broke off"),
        (httpx.Response(200, content=b"<html>"), SoundUnreadable, "neither WAV nor MP3"),
        (httpx.Response(200, content=bytes(sound.MOST_BYTES + 1)), SoundUnreadable, "longer than 10 MB"),
        (httpx.ConnectError("no such host"), SoundNotFound, "cannot be reached: no such host"),
        (httpx.ReadTimeout(""), SoundUnreadable, "broke off: ReadTimeout"),
    ],
)
async def test_what_cannot_be_fetched_says_why(
    answer: httpx.Response | Exception, kind: type[Exception], why: str
) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    async with client(handle) as http:
        with pytest.raises(kind, match=why) as caught:
            await fetch_sound(http, "http://media.test/folder/secret.wav?key=1", 8000)
    assert "secret" not in str(caught.value)


async def test_an_address_that_is_none_is_not_found() -> None:
    async with client(lambda request: httpx.Response(200)) as http:
        for url in ("", "file:///etc/passwd", "http://", "nonsense"):
            with pytest.raises(SoundNotFound):
                await fetch_sound(http, url, 8000)

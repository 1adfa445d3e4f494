"""Noise behind a speaker: how far below the speech it is, for speech known before the call and a microphone."""

from __future__ import annotations

import asyncio
import os
from importlib.util import find_spec
from math import log10
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from simulator.audio import Samples
from simulator.caller.file_party import AudioFile, FileParty
from simulator.caller.noise import Noise
from simulator.caller.noisy_party import NoisyParty, with_noise
from simulator.caller.phone_party import PhoneParty
from simulator.caller.presets import PRESETS
from simulator.caller.speech_level import active_power, decibels
from simulator.speech.services import SpeechServices
from tests.simulator.call_house import streams_of
from tests.simulator.codec_house import decoded, track, wav_of
from tests.simulator.conftest import Bot

RATE = 16_000


def bursts(level: float, seconds: float = 4.0, seed: int = 1) -> Samples:
    """Something that is active for 600 ms and silent for 400 ms, at `level` dBov while it is active."""
    voice = np.random.default_rng(seed).normal(0, 32_768 * 10 ** (level / 20), int(seconds * RATE))
    voice[np.arange(len(voice)) % RATE >= 0.6 * RATE] = 0
    return np.clip(voice, -32_768, 32_767).astype(np.int16)


@pytest.fixture
def street(tmp_path: Path) -> str:
    """A second and a bit of steady noise at -20 dBov; its end meets its beginning in the middle of a frame."""
    path = tmp_path / "street.wav"
    hiss = np.random.default_rng(7).normal(0, 3276.8, 17_000).astype(np.int16)
    path.write_bytes(wav_of(hiss, RATE))
    return str(path)


def db(ratio: float) -> float:
    return 10 * log10(ratio)


def power(samples: Any) -> float:
    return float(np.mean(np.asarray(samples, np.float64) ** 2))


class Nowhere:
    """The handset of nobody."""

    def play(self, heard: Samples | None) -> None: ...
    def key_arrives(self, digit: str) -> None: ...
    def receiving(self, reception: Any) -> None: ...


def test_the_active_level_leaves_pauses_and_breath_out() -> None:
    frames = np.array([0.0] * 50 + [1.0] * 30 + [1000.0] * 60 + [2000.0] * 20)
    assert active_power(frames) == pytest.approx(1250)
    assert active_power(np.zeros(10)) is None


@pytest.mark.parametrize("snr", [0.0, 15.0, 40.0])
@pytest.mark.parametrize("level", [-35.0, -20.0])
async def test_the_snr_of_a_recording(tmp_path: Path, street: str, snr: float, level: float) -> None:
    voice = bursts(level)
    (tmp_path / "voice.wav").write_bytes(wav_of(voice, RATE))
    party = NoisyParty(FileParty(AudioFile(tmp_path / "voice.wav"), "L16"), Noise(street, snr))
    await party.prepare()
    assert party.greeting_end_ms == 4000
    heard = np.concatenate([party.tick(None).samples for _ in range(200)])
    noise = heard.astype(int) - voice
    assert level - db(power(noise) / 32_768**2) == pytest.approx(snr, abs=0.3)
    for _ in range(5):
        after = party.tick(None).samples
        assert after is not None
        assert db(power(after) / power(noise)) == pytest.approx(0, abs=2)
    report = party.report()
    assert (report["noise"]["file"], report["noise"]["snr_db"]) == ("street.wav", snr)
    assert report["noise"]["speech_dbov"] == pytest.approx(level, abs=0.3)
    assert report["file"] == "voice.wav"
    party.close()
    assert party.tick(None).samples is None


@pytest.mark.parametrize("level", [-38.0, -26.0, -15.0])
async def test_the_snr_of_a_microphone_once_it_has_spoken(street: str, level: float) -> None:
    party = PhoneParty(Nowhere(), "L16")
    noisy = NoisyParty(party, Noise(street, 12.0))
    await noisy.prepare()
    noisy.tick(None)
    voice = bursts(level, 5.0).reshape(-1, 320)
    noise = []
    for number, frame in enumerate(voice):
        party.speak(frame, number * 0.02)
        noise.append(noisy.tick(None).samples.astype(int) - frame)
    assert level - db(power(noise[150:]) / 32_768**2) == pytest.approx(12, abs=1)
    assert noisy.report()["noise"]["speech_dbov"] == pytest.approx(level, abs=0.5)


async def test_a_loud_mix_is_turned_down_and_does_not_clip(tmp_path: Path, street: str) -> None:
    """Both by the same, so that the SNR stays."""
    voice = (32_000 * np.sin(np.arange(2 * RATE) * 2 * np.pi * 300 / RATE)).astype(np.int16)
    (tmp_path / "loud.wav").write_bytes(wav_of(voice, RATE))
    party = NoisyParty(FileParty(AudioFile(tmp_path / "loud.wav"), "L16"), Noise(street, 3.0))
    await party.prepare()
    frames = [party.tick(None).samples.astype(np.float64) for _ in range(100)]
    assert max(np.abs(frame).max() for frame in frames) <= 32_767
    assert np.mean([np.mean(np.abs(frame) >= 32_767) for frame in frames]) < 0.01
    mixed, clean = np.concatenate(frames[10:]), voice[3200:].astype(np.float64)
    scale = mixed @ clean / (clean @ clean)
    assert scale < 0.9
    assert db(power(scale * clean) / power(mixed - scale * clean)) == pytest.approx(3, abs=1)


async def test_on_the_wire_under_a_script_on_a_narrow_line(
    simulator: Any, control: httpx.AsyncClient, bot: Bot, street: str
) -> None:
    """The call with noise against the one without: the difference of what the application got."""
    if find_spec("espeakng_loader") is None:
        pytest.skip("espeak-ng is not installed")
    script = {"turns": [{"user": "Six fresh fish, please."}], "wait_for_greeting": False, "answer_timeout_ms": 600}
    orders = [{}, {"noise": {"file": street, "snr_db": 10}}]
    placed = [
        await control.post("/calls", json={"script": script, "stream_url": bot.stream_url, **order})
        for order in orders
    ]
    calls = [answer.json()["call_control_id"] for answer in placed]
    streams = await streams_of(bot, 2)
    for call in calls:
        await streams[call].closed.wait()
    audio = [decoded("PCMU", track(streams[call], "inbound"))[0] for call in calls]
    report = (await control.get(f"/calls/{calls[1]}?wait_ms=5000")).json()
    assert len(report["lines"]) == 1
    assert report["warnings"] == []
    length = min(len(part) for part in audio)
    clean, mixed = (part[:length].astype(np.float64) for part in audio)
    frames = np.mean(clean[: length // 160 * 160].reshape(-1, 160) ** 2, axis=1)
    active = active_power(frames)
    assert active is not None
    assert db(active / power((mixed - clean)[: 160 * 15])) == pytest.approx(10, abs=1)
    assert report["noise"]["speech_dbov"] == pytest.approx(decibels(active), abs=0.5)


async def test_calls_with_the_same_noise_share_it(street: str) -> None:
    speech = SpeechServices()
    noisy = [with_noise(PRESETS["silence"].party(speech), Noise(street)) for _ in range(3)]
    for party in noisy:
        await party.prepare()
    loops: list[Any] = [party._loop for party in noisy if isinstance(party, NoisyParty)]
    assert loops[0]._samples is loops[1]._samples is loops[2]._samples
    os.utime(street, (1, 1))
    await noisy[0].prepare()
    assert noisy[0]._loop._samples is not loops[1]._samples
    await speech.close()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file or directory."),
        (b"RIFF", "cannot be played: it is no WAV, FLAC, Ogg or MP3 file"),
        (wav_of(np.zeros(800, np.int16), RATE), "holds silence and no noise."),
    ],
)
async def test_noise_that_cannot_be_had(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    path = tmp_path / "noise.wav"
    if content is not None:
        await asyncio.to_thread(path.write_bytes, content)
    party = NoisyParty(PhoneParty(Nowhere()), Noise(str(path)))
    with pytest.raises(ValueError, match=sentence):
        await party.prepare()


@pytest.mark.parametrize("snr", [-21.0, 61.0, float("nan")])
def test_an_snr_that_makes_no_sense(snr: float) -> None:
    with pytest.raises(ValueError, match="snr_db must be between -20 and 60"):
        Noise("x.wav", snr)


async def test_a_street_with_knocks_says_none_of_the_lines() -> None:
    """Nobody speaks: a low noise, and every 750 ms something that a detector may take for speech."""
    if find_spec("espeakng_loader") is None:
        pytest.skip("espeak-ng is not installed")
    dice = np.random.default_rng(4)
    rumble = np.convolve(dice.normal(0, 1, 40_000), np.exp(-np.arange(40) / 8), "same")
    rumble *= 500 / rumble.std()
    for at in range(4000, 39_000, 6000):
        rumble[at : at + 400] += dice.normal(0, 3000, 400) * np.exp(-np.arange(400) / 120)
    speech = SpeechServices()
    await speech.synthesiser.start()
    await speech.vocabulary.add(["And when are you open on Friday?"], voice="en-us+klatt6")
    recogniser = speech.recogniser(8000)
    voiced: list[bool] = []
    said: list[str] = []
    for frame in rumble.astype(np.int16).reshape(-1, 160):
        voiced += await recogniser.push(frame)
        if any(voiced[-25:-24]) and not any(voiced[-24:]):
            said.append((await recogniser.hypothesis("final")).transcript)
            await recogniser.end_utterance()
    await speech.close()
    assert len(said) >= 5
    assert not any(said)

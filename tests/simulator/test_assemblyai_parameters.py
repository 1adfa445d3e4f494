from __future__ import annotations

import pytest

from simulator.assemblyai.errors import SessionRefused
from simulator.assemblyai.settings import Settings

PREFIX = "User Input Validation Error: Invalid "


def settings(**asked: str) -> Settings:
    return Settings(asked.items())


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("sample_rate", "7999", PREFIX + "'sample_rate': Value error, sample_rate must be at least 8,000 Hz"),
        (
            "sample_rate",
            "fast",
            PREFIX + "'sample_rate': Input should be a valid integer, unable to parse string as an",
        ),
        ("encoding", "flac", "'flac' is not a valid Encoding"),
        (
            "speech_model",
            "u3-pro",
            PREFIX + "'speech_model': Input should be 'universal-streaming-english', "
            "'universal-streaming-multilingual', 'whisper-rt', 'u3-rt-pro', 'u3-rt-pro-beta-1', 'u3-rt-agent', "
            "'universal-3-5-pro', 'universal-3-6-pro', 'universal-3-6', 'universal-3-7-preview' or "
            "'_universal-3-5-notetaker'",
        ),
        ("sample_rate", "96001", PREFIX + "'sample_rate': Input should be less than or equal to 96000"),
        ("language_codes", '["en","xx"]', PREFIX + "'language_codes.1': Input should be 'en', 'es', 'de', "),
        ("language_code", "xx", PREFIX + "'language_codes.0': Input should be 'en', "),
        ("voice_focus_threshold", "0.5", PREFIX + "'voice_focus_threshold': Value error, "),
        ("prompt", "x" * 1751, PREFIX + "'prompt': Value error, prompt exceeds maximum length of 1750 characters"),
        ("llm_gateway", "[]", PREFIX + "'llm_gateway': Input should be a valid dictionary"),
        ("max_turn_silence", "9" * 5000, PREFIX + "'max_turn_silence': Input should be a valid integer"),
        ("mode", "fast", PREFIX + "'mode': Input should be 'min_latency', 'balanced' or 'max_accuracy'"),
        (
            "interruption_delay",
            "1001",
            PREFIX + "'interruption_delay': Input should be less than or equal to 1000",
        ),
        ("vad_threshold", "nan", PREFIX + "'vad_threshold': Input should be greater than or equal to 0"),
        ("format_turns", "perhaps", PREFIX + "'format_turns': Input should be a valid boolean"),
        ("keyterms_prompt", "[", PREFIX + "'keyterms_prompt': Invalid JSON: "),
        ("keyterms_prompt", "[1]", PREFIX + "'keyterms_prompt': Input should be a valid list"),
        (
            "keyterms_prompt",
            str(["a"] * 101).replace("'", '"'),
            PREFIX + "'keyterms_prompt': Value error, Max 100 items",
        ),
        (
            "agent_context",
            "x" * 1800,
            PREFIX
            + "'agent_context': Value error, agent_context exceeds maximum length of 1750 characters (got 1800)",
        ),
        ("inactivity_timeout", "4", PREFIX + "'inactivity_timeout': Input should be greater than or equal to 5"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_in_the_words_of_the_service(name, value, text):
    with pytest.raises(SessionRefused) as refused:
        settings(**{name: value})
    assert refused.value.code == 3006
    assert refused.value.text.startswith(text)


def test_defaults():
    defaults = settings()
    assert (defaults.model.name, defaults["sample_rate"], defaults["encoding"]) == (
        "universal-3-6-pro",
        16000,
        "pcm_s16le",
    )
    assert (defaults["min_turn_silence"], defaults["max_turn_silence"], defaults["vad_threshold"]) == (
        128,
        1280,
        0.2,
    )
    older = settings(speech_model="universal-streaming-multilingual")
    assert (older["min_turn_silence"], older["max_turn_silence"], older["vad_threshold"]) == (400, 1280, 0.4)
    assert older.mode is None


def test_a_mode_brings_its_preset_and_what_is_asked_for_outweighs_it():
    chosen = settings(mode="max_accuracy", max_turn_silence="900")
    assert (chosen["min_turn_silence"], chosen["max_turn_silence"], chosen["interruption_delay"]) == (
        512,
        900,
        500,
    )


def test_telling_speakers_apart_puts_its_own_timing_in_the_place_of_the_mode():
    chosen = settings(mode="min_latency", speaker_labels="True", min_turn_silence="200")
    assert (chosen["min_turn_silence"], chosen["max_turn_silence"], chosen["vad_threshold"]) == (200, 768, 0.5)
    assert chosen["continuous_partials"] is False
    assert chosen.longest_turn_ms == 10_000


def test_redaction_holds_partials_back_unless_they_are_asked_for():
    assert settings(redact_pii="true")["include_partial_turns"] is False
    assert settings(redact_pii="true", include_partial_turns="true")["include_partial_turns"] is True


@pytest.mark.parametrize(("text", "value"), [("True", True), ("false", False), ("1", True), ("off", False)])
def test_booleans_come_in_any_way(text, value):
    assert settings(format_turns=text)["format_turns"] is value


def test_what_is_too_small_or_large_is_brought_into_range_where_the_service_does_so():
    assert settings(min_turn_silence="1")["min_turn_silence"] == 50
    assert settings(min_turn_silence="99999")["min_turn_silence"] == 10_000
    asked = settings(speaker_labels_revision_interval_ms="1")
    assert asked["speaker_labels_revision_interval_ms"] == 120_000


def test_former_names_still_work():
    asked = settings(min_end_of_turn_silence_when_confident="160", noise_suppression_model="far-field")
    assert (asked["min_turn_silence"], asked["voice_focus"]) == (160, "far-field")


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ({"language_codes": '["es","en"]'}, "es"),
        ({"language_codes": "de, fr"}, "de"),
        ({"language_code": "hi"}, "hi"),
        ({"language_codes": '["multi"]'}, ""),
        ({"speech_model": "universal-streaming-english", "language": "en"}, "en"),
        ({}, ""),
    ],
)
def test_the_language_is_the_first_that_is_expected(asked, language):
    assert settings(**asked).language == language


def test_unknown_parameters_are_named_and_bounded():
    assert settings(formatted_finals="true").unknown == ["formatted_finals"]
    many = settings(**{f"{'x' * 100}{number}": "" for number in range(100)}, **{f"y{n}": "" for n in range(100)})
    assert len(many.unknown) == 50
    assert max(map(len, many.unknown)) == 50


def test_what_changes_nothing_is_named_with_the_reason():
    ignored = settings(speaker_labels="true", voice_focus="near-field", format_turns="true", domain="medical-v1")
    assert ignored.ignored() == {
        "speaker_labels": "No speakers are told apart here. "
        "The turn detection of Universal-3 that comes with it is played.",
        "voice_focus": "No noise is taken out of the audio here.",
        "format_turns": "It has no effect on universal-3-6-pro, here or at AssemblyAI.",
        "domain": "The recogniser here knows no domains.",
    }


def test_a_value_that_is_the_default_anyway_is_not_worth_a_word():
    assert settings(speaker_labels="false", format_turns="false", redact_pii="False").ignored() == {}


def test_a_model_that_is_played_as_another_says_so():
    assert "Universal-Streaming" in settings(speech_model="whisper-rt").ignored()["speech_model"]


@pytest.mark.parametrize("name", ["mode", "prompt"])
def test_a_parameter_is_refused_where_the_service_refuses_it_for_the_model(name):
    value = {"mode": "balanced", "prompt": "names"}[name]
    with pytest.raises(SessionRefused, match=f"{name} is not supported for universal-streaming-english"):
        settings(speech_model="universal-streaming-english", **{name: value})


def test_an_update_changes_what_may_change_and_names_the_rest():
    changed = settings(keyterms_prompt='["a"]')
    ignored = changed.update(
        {"max_turn_silence": 900, "keyterms_prompt": "", "sample_rate": 8000, "colour": 1, "format_turns": True}
    )
    assert changed["max_turn_silence"] == 900
    assert changed["keyterms_prompt"] == []
    assert changed["sample_rate"] == 16000
    assert ignored == {
        "sample_rate": "It can be set when a session is opened, not later.",
        "colour": "v3 has no such parameter.",
        "format_turns": "It has no effect on universal-3-6-pro.",
    }


def test_an_update_of_the_mode_brings_the_whole_preset():
    changed = settings(min_turn_silence="300", max_turn_silence="900", interruption_delay="100")
    changed.update({"mode": "max_accuracy", "max_turn_silence": 1000})
    assert [changed[name] for name in ("min_turn_silence", "max_turn_silence", "interruption_delay")] == [
        512,
        1000,
        500,
    ]


def test_null_leaves_a_value_as_it_is():
    changed = settings(max_turn_silence="900")
    changed.update({"max_turn_silence": None})
    assert changed["max_turn_silence"] == 900


@pytest.mark.parametrize(
    "fields",
    [
        {"max_turn_silence": "900"},
        {"max_turn_silence": True},
        {"max_turn_silence": 1.5},
        {"prompt": 3},
        {"keyterms_prompt": ["a", 1]},
    ],
)
def test_an_update_is_as_strict_as_the_query(fields):
    with pytest.raises(SessionRefused, match="Input should be a valid"):
        settings().update(fields)


def test_a_wrong_update_changes_nothing():
    changed = settings()
    with pytest.raises(SessionRefused, match="agent_context exceeds maximum length"):
        changed.update({"max_turn_silence": 900, "agent_context": "x" * 1751})
    assert changed["max_turn_silence"] == 1280


def test_an_update_is_checked_against_the_model():
    older = settings(speech_model="universal-streaming-english")
    assert list(older.update({"prompt": "names", "min_turn_silence": 200})) == ["prompt"]
    assert older["min_turn_silence"] == 200

from __future__ import annotations

import pytest

from simulator.assemblyai.parameters import Settings
from simulator.assemblyai.protocol import SessionRefused

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
        ("speech_model", "u3-pro", PREFIX + "'speech_model': Input should be 'universal-3-6-pro', "),
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
    assert (defaults.model, defaults["sample_rate"], defaults["encoding"]) == (
        "universal-3-6-pro",
        16000,
        "pcm_s16le",
    )
    assert defaults["min_turn_silence"] is None
    assert defaults["continuous_partials"] is True


def test_booleans_come_in_any_case():
    assert settings(format_turns="True")["format_turns"] is True
    assert settings(format_turns="false")["format_turns"] is False


def test_min_turn_silence_is_clamped_and_known_by_its_former_name():
    assert settings(min_turn_silence="1")["min_turn_silence"] == 50
    assert settings(min_end_of_turn_silence_when_confident="160")["min_turn_silence"] == 160


def test_unknown_parameters_are_ignored_and_named():
    assert settings(formatted_finals="true", speaker_labels="true").ignored == [
        "formatted_finals",
        "speaker_labels",
    ]


def test_a_mode_is_refused_where_the_model_has_none():
    with pytest.raises(SessionRefused, match="mode"):
        settings(speech_model="universal-streaming-english", mode="balanced")


def test_an_update_changes_what_may_change_and_names_the_rest():
    changed = settings()
    ignored = changed.update({"max_turn_silence": 900, "keyterms_prompt": "", "sample_rate": 8000, "colour": 1})
    assert changed["max_turn_silence"] == 900
    assert changed["keyterms_prompt"] == []
    assert changed["sample_rate"] == 16000
    assert ignored == ["sample_rate", "colour"]
    changed.update({"max_turn_silence": None})
    assert changed["max_turn_silence"] is None


@pytest.mark.parametrize(
    "fields", [{"max_turn_silence": "900"}, {"max_turn_silence": 900.5}, {"max_turn_silence": True}, {"prompt": 3}]
)
def test_an_update_is_as_strict_as_the_query(fields):
    with pytest.raises(SessionRefused, match="Input should be a valid"):
        settings().update(fields)


def test_an_update_is_checked_against_the_model():
    older = settings(speech_model="universal-streaming-english")
    assert older.update({"prompt": "names", "min_turn_silence": 200}) == ["prompt"]
    assert older["min_turn_silence"] == 200

"""The settings that `sidetone tune` tries."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

import pytest

from console.command_line import tune_base, tune_grid
from console.command_line.tune_base import Base, BaseError
from console.command_line.tune_grid import Grid, GridError

BASE = Base(
    Path("desk.toml"),
    {"speech_model": "universal-3-6-pro", "mode": "balanced", "min_turn_silence": 400, "max_turn_silence": 1280},
)


def _made(*given: str, base: Base = BASE) -> Grid:
    return tune_grid.make(given, base)


def test_every_combination_is_tried_and_the_present_one_besides() -> None:
    grid = _made("min_turn_silence=100,800", "max_turn_silence=1000,1600")

    assert [(one.name, one.text, one.now) for one in grid.settings] == [
        ("a", "min_turn_silence=400 max_turn_silence=1280", True),
        ("b", "min_turn_silence=100 max_turn_silence=1000", False),
        ("c", "min_turn_silence=100 max_turn_silence=1600", False),
        ("d", "min_turn_silence=800 max_turn_silence=1000", False),
        ("e", "min_turn_silence=800 max_turn_silence=1600", False),
    ]
    assert [one.silence_ms for one in grid.settings] == [1280, 1000, 1600, 1000, 1600]


def test_a_point_of_the_grid_can_be_the_present_one() -> None:
    grid = _made("min_turn_silence=100,400")

    assert [(one.values["min_turn_silence"], one.now) for one in grid.settings] == [(100, False), (400, True)]


def test_what_nobody_set_is_the_services_own_value() -> None:
    base = Base(Path("desk.toml"), {"speech_model": "universal-3-6-pro", "mode": "max_accuracy"})
    now, point = _made("max_turn_silence=1000", base=base).settings

    assert (now.now, now.text) == (True, "max_turn_silence=2560")
    assert "max_turn_silence" not in now.query
    assert (now.silence_ms, point.silence_ms) == (2560, 1000)


def test_the_query_is_that_of_the_agents_own_sessions() -> None:
    base = Base(BASE.path, {**BASE.values, "keyterms_prompt": ["half past three", "Ada"]})
    grid = _made("min_turn_silence=100", "continuous_partials=false", base=base)

    assert parse_qs(tune_grid.query(grid.settings[1], 44100)) == {
        "sample_rate": ["44100"],
        "encoding": ["pcm_s16le"],
        "format_turns": ["true"],
        "speech_model": ["universal-3-6-pro"],
        "mode": ["balanced"],
        "min_turn_silence": ["100"],
        "max_turn_silence": ["1280"],
        "keyterms_prompt": ['["half past three","Ada"]'],
        "continuous_partials": ["false"],
    }


def test_another_family_gets_nothing_that_it_would_end_the_session_over() -> None:
    grid = _made("speech_model=universal-3-6-pro,universal-streaming-english")
    ours, streaming = grid.settings

    assert ours.now
    assert "mode" in ours.query
    assert dict(streaming.query) == {
        "speech_model": "universal-streaming-english",
        "min_turn_silence": 400,
        "max_turn_silence": 1280,
    }


def test_combinations_that_make_no_sense_are_left_out_and_told() -> None:
    grid = _made("min_turn_silence=100,800", "max_turn_silence=640,1600")

    assert [one.text for one in grid.settings if not one.now] == [
        "min_turn_silence=100 max_turn_silence=640",
        "min_turn_silence=100 max_turn_silence=1600",
        "min_turn_silence=800 max_turn_silence=1600",
    ]
    (reason,) = grid.left_out
    assert reason.startswith("max_turn_silence=640 is below min_turn_silence=800")


def test_a_value_that_changes_nothing_is_told() -> None:
    (note,) = _made("end_of_turn_confidence_threshold=0.2,0.8").notes

    assert note.startswith("end_of_turn_confidence_threshold: ")


def test_lists_are_values_too() -> None:
    grid = _made('keyterms_prompt=[],["Ada","half past, or so"]')

    assert [one.values["keyterms_prompt"] for one in grid.settings] == [None, [], ["Ada", "half past, or so"]]
    assert [one.text for one in grid.settings[1:]] == [
        "keyterms_prompt=[]",
        'keyterms_prompt=["Ada","half past, or so"]',
    ]


def test_an_agent_with_a_vad_of_its_own_has_no_present_setting() -> None:
    base = Base(BASE.path, {"speech_model": "universal-3-6-pro"}, by_vad=True)

    assert not any(one.now for one in _made("min_turn_silence=100,128", base=base).settings)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["min_turn_silence"], "is no grid: write --grid min_turn_silence=100,400,800"),
        (["min_turn_silence="], "is no grid"),
        (["min_turn_silence=fast"], "min_turn_silence=fast is not a whole number"),
        (["min_turn_silense=100"], "did you mean min_turn_silence?"),
        (["vad_threshold=0.2,7"], "vad_threshold=7 is out of range"),
        (["mode=fast"], "mode cannot be "),
        (["sample_rate=8000,16000"], "sample_rate is nothing that an agent definition sets"),
        (["token=abc"], "token is nothing that an agent definition sets"),
        (["min_turn_silence=100", "min_turn_silence=200"], "is in the grid twice"),
        (["min_turn_silence=2000"], "max_turn_silence=1280 is below min_turn_silence=2000"),
        ([f"min_turn_silence={','.join(map(str, range(100, 151)))}"], "The grid has 51 settings: 50 are the most"),
    ],
)
def test_a_wrong_grid_is_told_in_one_sentence(given: list[str], told: str) -> None:
    with pytest.raises(GridError) as caught:
        _made(*given)
    assert told in str(caught.value)


def test_the_shipped_definition_is_the_base() -> None:
    base = tune_base.read(None, {})

    assert base.path.name == "front_desk.toml"
    assert base.values["speech_model"] == "universal-3-6-pro"
    assert isinstance(base.values["min_turn_silence"], int)
    assert "Riverside Clinic" in base.values["keyterms_prompt"]


def test_a_definition_can_be_chosen_or_set(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine.toml", tmp_path / "other.toml"
    mine.write_text(
        '[listening]\nmodel = "universal-3-5-pro"\nkeyterms = ["Ada"]\nprompt = ""\n'
        "[turn.assemblyai]\nmin_turn_silence = 300\n"
    )
    other.write_text('[turn]\nended_by = "vad"\n[turn.assemblyai]\nmin_turn_silence = 100\nvad_threshold = 0.3\n')

    assert tune_base.read(mine, {"SIDETONE_AGENT": str(other)}).values == {
        "speech_model": "universal-3-5-pro",
        "keyterms_prompt": ["Ada"],
        "mode": "balanced",
        "min_turn_silence": 300,
    }
    by_vad = tune_base.read(None, {"SIDETONE_AGENT": str(other)})
    assert by_vad.by_vad
    assert by_vad.values == {"speech_model": "universal-3-6-pro", "vad_threshold": 0.3}


def test_a_streaming_agent_is_compared_without_a_mode(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('[listening]\nmodel = "universal-streaming-english"\n')

    now, _ = _made("max_turn_silence=700", base=tune_base.read(mine, {})).settings

    assert (now.now, now.text) == (True, "max_turn_silence=1280")
    assert dict(now.query) == {"speech_model": "universal-streaming-english"}


def test_a_definition_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    for text, told in (
        ("[", "is not TOML"),
        ("[turn.assemblyai]\nvad_threshold = 7", "vad_threshold=7 is out of"),
    ):
        broken.write_text(text)
        with pytest.raises(BaseError, match=told):
            tune_base.read(broken, {})
    with pytest.raises(BaseError, match="cannot be read: No such file"):
        tune_base.read(tmp_path / "nowhere.toml", {})

"""What `sidetone tune` makes of what was heard."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from agent.turn_detection import Heard, Listening
from console.command_line import tune_advice, tune_grid, tune_result
from console.command_line.tune_base import SHIPPED, Base
from console.command_line.tune_grid import Grid, Setting
from console.command_line.tune_output import JsonOutput, TextOutput
from console.command_line.tune_plot import Dot, plot
from console.command_line.tune_recordings import Recording
from console.command_line.tune_result import Measured, Row
from console.command_line.tune_session import Listened
from console.symbols import ASCII, UNICODE

BASE = Base(
    Path("desk.toml"),
    {"speech_model": "universal-3-6-pro", "mode": "balanced", "min_turn_silence": 400, "max_turn_silence": 1280},
)
GRID = tune_grid.make(["min_turn_silence=100,200,800"], BASE)
NOW, FAST, MIDDLE, SLOW = GRID.settings
ONE, TWO = (Recording(Path(f"{name}.wav"), 8000, 1, 0, 44, 80_000) for name in ("one", "two"))


def _turn(order: int, start: int, end: int, ended: int, by: Any = "confidence", text: str = "So it is.") -> Heard:
    return Heard(
        1, order, transcript=text, started_ms=start, ended_by=by, ended_at_ms=ended, silence_ms=ended - end
    )


def _measured(setting: Setting, cut_offs: int, *waits: int, words: int = 30, **more: Any) -> Measured:
    recording = more.pop("recording", ONE)
    return Measured(setting, recording, "LIVE", len(waits), cut_offs, waits, words, recogniser="an ear", **more)


def _rows(*done: Measured, recordings: int = 1) -> list[Row]:
    return tune_result.rows(done, GRID.settings, recordings)


def test_cut_offs_waits_and_words_of_a_session() -> None:
    heard = [
        _turn(0, 0, 1000, 1400),
        _turn(1, 1900, 3000, 3900, "max_silence"),
        _turn(2, 9000, 9500, 9900, "hangup"),
        Heard(1, 3, transcript="still op", started_ms=9950),
    ]
    listened = Listened("SIM", Listening(engine="an ear", ignored={"prompt": "why"}), heard, ["slow"])

    found = tune_result.measure(NOW, ONE, listened)

    assert (found.turns, found.cut_offs, found.waits_ms, found.words) == (3, 1, (400, 900), 9)
    assert (found.recogniser, found.ignored, found.warnings) == ("an ear", {"prompt": "why"}, ("slow",))


@pytest.mark.parametrize(("answered", "cut_offs"), [(range(15, 20), 0), (range(19, 20), 1), (range(21, 30), 1)])
def test_who_was_answered_in_the_recording_was_not_cut_off(answered: Sequence[int], cut_offs: int) -> None:
    heard = [_turn(0, 0, 1000, 1800), _turn(1, 2000, 3000, 3800)]
    agent_spoke = [block in answered for block in range(100)]

    assert tune_result.measure(NOW, ONE, Listened("SIM", heard=heard), agent_spoke).cut_offs == cut_offs


def test_the_settings_that_nothing_beats_are_marked() -> None:
    rows = _rows(_measured(NOW, 2, 660, 700), _measured(FAST, 3, 400, 420), _measured(MIDDLE, 3, 900, 900),
                 _measured(SLOW, 0, 1100, 1200))  # fmt: skip

    assert [row.best for row in rows] == [True, True, False, True]
    best = tune_result.advised(rows)
    assert best is not None
    assert best.setting is SLOW


def test_waits_that_nobody_can_tell_apart_are_the_same() -> None:
    rows = _rows(_measured(NOW, 0, 690), _measured(FAST, 0, 660), _measured(MIDDLE, 1, 620))

    assert [row.best for row in rows] == [True, True, False]
    best = tune_result.advised(rows)
    assert best is not None
    assert best.setting is NOW


def test_losing_words_or_sessions_is_no_way_to_win() -> None:
    rows = _rows(
        _measured(NOW, 2, 660), _measured(FAST, 0, 400, words=20), _measured(SLOW, 0, 300, problem="It broke.")
    )

    assert [row.best for row in rows] == [True, False, False]
    assert [row.lost_words for row in rows] == [False, True, False]
    assert rows[2].problem == "one.wav: It broke."


def test_settings_that_were_not_tried_on_everything_are_left_out() -> None:
    done = [_measured(NOW, 2, 660), _measured(NOW, 1, 640, recording=TWO), _measured(SLOW, 0, 900)]

    (row,) = _rows(*done, recordings=2)

    assert (row.setting, row.turns, row.cut_offs, row.waits_ms) == (NOW, 2, 3, (660, 640))


def test_the_conclusion_says_what_to_set_and_where() -> None:
    rows = _rows(_measured(NOW, 3, 380, 400, 420), _measured(SLOW, 0, 660))

    assert tune_advice.sentences(BASE, rows) == [
        "min_turn_silence=800 cuts off 0 of 1 and waits 0.66 s; now: 3 of 3 at 0.40 s.",
        "To try it in a live call: :stt min_turn_silence=800",
        "To keep it: min_turn_silence in [turn.assemblyai] of desk.toml",
        "That is 1 turn: more recordings make it surer.",
    ]


def test_the_conclusion_keeps_to_what_each_parameter_is_for() -> None:
    grid = tune_grid.make(
        ["speech_model=universal-3-5-pro", "max_turn_silence=700", "keyterms_prompt=[]"],
        Base(SHIPPED, BASE.values),
    )
    row = tune_result.rows([_measured(grid.settings[1], 0, 660)], grid.settings, 1)

    assert tune_advice.sentences(Base(SHIPPED, BASE.values), row)[1:-1] == [
        "To try it in a live call: :stt max_turn_silence=700 keyterms_prompt=[]",
        "To keep it: model and keyterms in [listening], max_turn_silence in [turn.assemblyai] of a copy of "
        "front_desk.toml that SIDETONE_AGENT names",
    ]


def test_the_conclusion_is_surer_with_more_turns() -> None:
    waits = [660] * 20

    assert len(tune_advice.sentences(BASE, _rows(_measured(NOW, 0, *waits)))) == 1


def test_the_conclusion_can_be_that_nothing_is_to_be_done() -> None:
    rows = _rows(_measured(NOW, 0, 660), _measured(SLOW, 0, 900))

    assert tune_advice.sentences(BASE, rows)[:1] == [
        "What is set now is the best of these: min_turn_silence=400 cuts off 0 of 1 and waits 0.66 s."
    ]
    rows = _rows(Measured(NOW, ONE, "SIM", 1, 0, (660,), 3))
    assert tune_advice.sentences(BASE, rows)[-1].startswith("This was the stand-in")
    (silent,) = tune_advice.sentences(BASE, _rows(_measured(NOW, 0), _measured(SLOW, 0)))
    assert silent.startswith("No turn was heard: is the caller on the other channel (--channel right)")


def test_the_plot_has_every_setting_at_its_place() -> None:
    dots = [Dot("a", 400, 6), Dot("b", 410, 6), Dot("c", 660, 0, True), Dot("d", 1200, 3)]

    assert plot(dots, 62, 10, UNICODE, lambda text: f"*{text}") == [
        "  cut off",
        "      6 ├ab",
        "      5 ├",
        "      4 ├",
        "      3 ├                                                  d",
        "      2 ├",
        "      1 ├",
        "      0 ├                *c",
        "        ┴───────────────────────────────────────────────────",
        "        0.4         0.6          0.8           1          1.2 s",
        "         wait from the last word to the end of the turn (p50)",
    ]


def test_the_plot_does_without_anything() -> None:
    assert plot([], 60, 10, UNICODE) == []
    (*_, scale, _) = one = plot([Dot("a", 900, 40)], 30, 5, ASCII)
    assert one[1] == "     40 +a"
    assert scale.split() == ["0.9", "0.95", "1", "s"]
    assert all(line.isascii() for line in one)


def _printed(
    capsys: pytest.CaptureFixture[str], output: TextOutput | JsonOutput, grid: Grid, done: Sequence[Measured]
) -> tuple[str, str]:
    for one in done:
        output.session(one)
    output.finish("stt SIM (an ear)", grid, BASE, tune_result.rows(done, grid.settings, 2))
    printed = capsys.readouterr()
    return printed.out, printed.err


DONE = [
    _measured(NOW, 3, 380, 400), _measured(NOW, 0, 390, recording=TWO), _measured(FAST, 0, problem="It broke."),
    _measured(FAST, 0, 100, recording=TWO), _measured(MIDDLE, 4, 300, words=9),
    _measured(MIDDLE, 0, recording=TWO, words=9), _measured(SLOW, 0, 640, 680),
    _measured(SLOW, 0, 660, recording=TWO),
]  # fmt: skip


def test_the_table_for_people(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDETONE_ASCII", "1")
    out, err = _printed(capsys, TextOutput(), GRID, DONE)

    assert err == "min_turn_silence=100 on one.wav: It broke.\n"
    lines = out.splitlines()
    assert lines[:9] == [
        "stt SIM (an ear)",
        "",
        "      min_turn_",
        "        silence   turns  cut off  wait p50    p95  words",
        " a >*       400       3        3      0.39   0.40     60",
        " b          100       -        -         -      -      -   failed",
        " c          200       1        4      0.30   0.30     18   loses words",
        " d  *       800       3        0      0.66   0.68     60",
        "   > is set now   * nothing beats these: fewer cut-offs cost a longer wait",
    ]
    assert " one.wav  a: 3 of 2 at 0.40 s   d: 0 of 2 at 0.68 s" in lines
    assert lines[-4] == "min_turn_silence=800 cuts off 0 of 3 and waits 0.66 s; now: 3 of 3 at 0.39 s."
    assert out.isascii()


def test_the_lines_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = _printed(capsys, JsonOutput(), GRID, DONE)

    assert err == ""
    told = [json.loads(line) for line in out.splitlines()]
    assert len(told) == len(DONE) + len(GRID.settings)
    assert told[0] == {
        "setting": {"min_turn_silence": 400},
        "now": True,
        "recording": "one.wav",
        "turns": 2,
        "cut_offs": 3,
        "wait_p50_ms": 400,
        "wait_p95_ms": 400,
        "waits_ms": [380, 400],
        "words": 30,
        "problem": "",
        "service": "LIVE",
        "transcripts": [],
        "recogniser": "an ear",
        "ignored": {},
    }
    sums = [one for one in told if one["recording"] is None]
    assert [(one["cut_offs"], one["best"]) for one in sums] == [(3, True), (0, False), (4, False), (0, True)]

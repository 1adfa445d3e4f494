from __future__ import annotations

from typing import Any

import pytest

from simulator.caller.demo import DEMO
from simulator.caller.script import Script, ScriptError, SendAfter, Turn, parse_script


def test_a_script_in_the_words_of_pipecat_evals() -> None:
    parsed = parse_script(
        {
            "turns": [
                {"user": "hello"},
                {"dtmf": "12#", "pause_ms": 50},
                {"user": "stop", "send_after": {"event": "bot_started_speaking", "delay_ms": 900}},
            ],
            "codec": "PCMA",
        }
    )
    assert parsed == Script(
        turns=(
            Turn(user="hello"),
            Turn(dtmf="12#", pause_ms=50),
            Turn(user="stop", send_after=SendAfter("bot_started_speaking", 900)),
        ),
        codec="PCMA",
    )


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ({"turns": [{}]}, "Turn 1 needs either user or dtmf."),
        ({"turns": [{"user": "x"}, {"user": " "}]}, "Turn 2 has nothing to say: give user some words."),
        ({"turns": [{"user": "x", "dtmf": "1"}]}, "Turn 1 needs either user or dtmf."),
        ({"turns": [{"dtmf": "1x"}]}, "Turn 1: dtmf takes 1 to 32 of the keys 0-9, A-D, * and #."),
        ({"patience_ms": 5}, "patience_ms must be between 100 and 60000, not 5."),
        ({"answer_after_ms": -1}, "answer_after_ms must be between 0 and 600000, not -1."),
        ({"voice": "../x"}, "voice must name an espeak-ng voice such as en-us+klatt6, not '../x'."),
    ],
)
def test_a_script_that_makes_no_sense(script: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ScriptError) as refused:
        parse_script(script)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    "script",
    [{"codec": "AMR-WB"}, {"turns": "hello"}, {"turn": []}, {"turns": [{"user": 3}]}, {"patience_ms": "9"}],
)
def test_the_wrong_shape_is_refused(script: dict[str, Any]) -> None:
    with pytest.raises(ScriptError, match=r"^The script is not valid: "):
        parse_script(script)


def test_the_demo_is_a_valid_script_with_a_barge_in() -> None:
    assert parse_script({"turns": [{"user": turn.user} for turn in DEMO.turns]}).turns
    assert [turn.send_after for turn in DEMO.turns if turn.send_after] == [SendAfter("bot_started_speaking", 900)]

"""The caller's state machine, fed tick by tick."""

from __future__ import annotations

from typing import Any

from simulator.caller.conversation import Conversation
from simulator.caller.script import parse_script

LINE_TICKS = 50


class Call:
    """Plays an agent who is heard at given times, and notes what the caller does."""

    def __init__(self, script: dict[str, Any]) -> None:
        parsed = parse_script(script)
        self.conversation = Conversation(parsed, [LINE_TICKS] * len(parsed.turns))
        self.hung_up = False

    def hear(self, milliseconds: int, voiced: bool) -> None:
        for _ in range(milliseconds // 20):
            self.hung_up = self.conversation.tick(voiced).hang_up or self.hung_up

    def lines(self) -> list[dict[str, Any]]:
        return [line.report() for line in self.conversation.lines]


def test_a_line_waits_for_the_greeting_and_the_patience() -> None:
    call = Call({"turns": [{"user": "hello"}], "patience_ms": 900})
    call.hear(1000, True)
    call.hear(880, False)
    assert call.lines()[0]["started_ms"] is None
    call.hear(40, False)
    assert call.lines()[0]["started_ms"] == 1880


def test_answers_are_credited_to_their_lines_and_the_caller_hangs_up_after_the_last() -> None:
    call = Call({"turns": [{"user": "one"}, {"user": "two", "pause_ms": 200}], "patience_ms": 500})
    call.hear(400, True)
    call.hear(480 + 1000 + 300, False)
    call.hear(600, True)
    call.hear(480 + 200 + 1000 + 100, False)
    call.hear(200, True)
    call.hear(600, False)
    first, second = call.lines()
    assert (first["started_ms"], first["ended_ms"]) == (880, 1880)
    assert (first["answer_after_ms"], first["heard_ms"]) == (300, 600)
    assert (second["started_ms"], second["answer_after_ms"], second["heard_ms"]) == (3460, 100, 200)
    assert call.hung_up


def test_the_caller_cuts_in_after_the_agent_began() -> None:
    script = {
        "turns": [
            {"user": "tell me"},
            {"user": "wait", "send_after": {"event": "bot_started_speaking", "delay_ms": 700}},
        ],
        "wait_for_greeting": False,
    }
    call = Call(script)
    call.hear(400 + 1000 + 200, False)
    call.hear(700, True)
    assert call.lines()[1]["started_ms"] is None
    call.hear(300, True)
    call.hear(1500, False)
    call.hear(200, True)
    first, second = call.lines()
    assert first["answer_after_ms"] == 200
    assert (second["started_ms"], second["cut_in"]) == (2300, True)
    assert (second["answered"], second["answer_after_ms"]) == (True, 800)


def test_speech_that_goes_on_through_a_line_is_not_its_answer() -> None:
    script = {
        "turns": [{"user": "wait", "send_after": {"event": "bot_started_speaking", "delay_ms": 200}}],
        "answer_timeout_ms": 1000,
    }
    call = Call(script)
    call.hear(3000, True)
    call.hear(1500, False)
    line = call.lines()[0]
    assert (line["cut_in"], line["answered"]) == (True, False)
    assert call.hung_up


def test_an_agent_who_begins_before_the_line_is_over_answers_early() -> None:
    call = Call({"turns": [{"user": "hello"}], "wait_for_greeting": False})
    call.hear(400 + 800, False)
    call.hear(600, True)
    assert call.lines()[0]["answer_after_ms"] == -200


def test_a_blip_is_no_greeting() -> None:
    call = Call({"turns": [{"user": "hello"}], "answer_timeout_ms": 5000})
    call.hear(40, True)
    call.hear(3000, False)
    assert call.lines()[0]["started_ms"] is None


def test_the_caller_goes_on_once_and_then_gives_up() -> None:
    call = Call({"turns": [{"user": str(n)} for n in range(5)], "answer_timeout_ms": 2000})
    call.hear(10_000, False)
    started = [line["started_ms"] for line in call.lines()]
    assert started == [2000, None, None, None, None]
    assert call.hung_up
    assert call.conversation.warnings == ["The caller gave up: the agent did not answer twice in a row."]


def test_a_caller_who_does_not_hang_up_waits_until_the_limit() -> None:
    call = Call({"turns": [], "hang_up": False, "max_seconds": 5})
    call.hear(500, True)
    call.hear(4400, False)
    assert not call.hung_up
    call.hear(200, False)
    assert call.hung_up


def test_a_line_the_call_ended_in_ends_with_it() -> None:
    call = Call({"turns": [{"user": "hello"}], "wait_for_greeting": False})
    call.hear(600, False)
    call.conversation.end()
    assert call.lines()[0]["ended_ms"] == 600

"""``sidetone show ID --turns``: why the turns of a call ended, from the journal alone."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from agent import call_state, events, paths
from agent.call_state import CallState
from agent.journal import Journal
from console.command_line import history
from console.command_line.transcript_printer import TranscriptPrinter
from console.command_line.turn_list import show_turns


@pytest.fixture
async def journal(recorded: Callable[[str], list[events.Event]]) -> None:
    """The calls of the recording in the journal of this data folder."""
    made = Journal(paths.journal_file())
    made.open()
    for event in recorded("clinic"):
        if event.seq:
            made.append(event)
    await made.close()


@pytest.mark.usefixtures("journal")
def test_each_turn_is_told_as_on_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert history.show_call("c_ad", as_json=False, turns=True) == 0
    lines = capsys.readouterr().out.splitlines()

    assert lines[0].startswith("   1  ")
    assert lines[0].endswith("  complete after 180 ms  final 180 ms after the last word  eot .94")
    assert lines[1].endswith("█  speech 2.72 s, silence 180 ms")
    assert lines[2].strip() == "Hi, um, I need to move my appointment?.52"
    assert lines[-4].endswith("  no end came  eot .22")
    assert lines[-1] == "cut off 0 of 2   waited p50 180, p95 180 ms"


@pytest.mark.usefixtures("journal")
def test_programs_get_one_object_a_turn_and_one_across_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert history.show_call("c_bob", as_json=True, turns=True) == 0
    first, second, across = map(json.loads, capsys.readouterr().out.splitlines())

    assert (first["type"], first["turn"], first["ended_by"], first["cut_off"]) == ("turn", 1, "max_silence", False)
    assert (first["words"][-1]["text"], first["words"][-1]["confidence"]) == ("balance.", 0.55)
    assert first["ramp"][-1] == {"audio_ms": 6910, "confidence": 0.71, "words": 7}
    assert second["ended_by"] == ""
    assert across == {"type": "turns", "ended": 1, "cut_offs": 0, "waited_p50_ms": 1410, "waited_p95_ms": 1410}


def turn(order: int, start: int, end: int, at: int) -> events.Event:
    word = {"text": "and\x1b", "start": start, "end": end, "confidence": 0.3}
    message = {
        "turn_order": order,
        "end_of_turn": True,
        "transcript": "and",
        "end_of_turn_confidence": 1.0,
        "words": [word],
    }
    return events.SttTurn(call="c", session=1, message=message, audio_ms=at)


def test_a_cut_off_is_named_and_words_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show_turns([turn(0, 100, 1000, 1300), turn(1, 1500, 1800, 2500)], as_json=False)
    shown = capsys.readouterr().out

    assert "▲ cut off: the caller spoke on 200 ms later" in shown
    assert "cut off 1 of 2" in shown
    assert "\x1b" not in shown


def test_every_turn_of_a_long_call_has_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    show_turns([turn(order, order * 3000, order * 3000 + 500, order * 3000 + 900) for order in range(400)], True)
    told: list[dict[str, Any]] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert len(told) == 401
    assert all(one["words"] and one["ramp"] for one in told[:-1])


def test_a_call_without_turns_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show_turns([], as_json=False)
    show_turns([], as_json=True)
    text, across = capsys.readouterr().out.splitlines()

    assert text == "No turn ended."
    assert json.loads(across)["waited_p50_ms"] is None


def test_the_transcript_names_words_that_may_be_misheard_and_turns_that_were_split() -> None:
    out = io.StringIO()
    printer = TranscriptPrinter(out, 0, colour=False)
    state = CallState("c")
    for event in (events.SttSplit(session=1, text="and", replayed_ms=0), turn(0, 100, 1000, 1300)):
        call_state.apply(state, event)
        printer.update(state)

    assert [line[15:] for line in out.getvalue().splitlines()] == [
        "and  (split)",
        "and  (split, unsure: and, eot 1.0)",
    ]

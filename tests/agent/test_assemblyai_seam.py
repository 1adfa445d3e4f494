from __future__ import annotations

import json
from typing import Any

from agent.assemblyai_seam import Seam


def shown(seam: Seam, message: dict[str, Any], *, last: bool = False) -> dict[str, Any] | None:
    text = seam.show(json.dumps(message), message, last=last)
    return None if text is None else json.loads(text)


def turn(order: int, **more: Any) -> dict[str, Any]:
    words = [{"text": "Hi", "start": 100, "end": 300, "confidence": 0.9, "word_is_final": False}]
    return {"type": "Turn", "turn_order": order, "words": words, **more}


def test_the_first_session_passes_as_it_came() -> None:
    seam = Seam()
    for text in (
        '{"type": "Begin",  "id": "x"}',
        '{"type":"SpeechStarted","timestamp":5}',
        '{"type":"SpeechStarted","timestamp":9}',
        '{"turn_order": 4,"type":"Turn"}',
    ):
        assert seam.show(text, json.loads(text), last=False) == text


def test_a_second_session_has_no_beginning_and_goes_on_in_turns_and_times() -> None:
    seam = Seam()
    shown(seam, {"type": "Begin"})
    shown(seam, turn(0), last=True)
    shown(seam, turn(1), last=True)
    seam.join(60_000)

    assert shown(seam, {"type": "Begin"}) is None
    assert shown(seam, {"type": "SpeechStarted", "timestamp": 40, "confidence": 0.9}) == {
        "type": "SpeechStarted",
        "timestamp": 60_040,
        "confidence": 0.9,
    }
    got = shown(seam, turn(0, transcript="Hi"))
    assert got is not None
    assert got["turn_order"] == 2
    assert got["words"] == [
        {"text": "Hi", "start": 60_100, "end": 60_300, "confidence": 0.9, "word_is_final": False}
    ]
    assert got["transcript"] == "Hi"


def test_a_turn_that_was_open_stays_the_same_turn_and_begins_once() -> None:
    seam = Seam()
    shown(seam, {"type": "Begin"})
    shown(seam, {"type": "SpeechStarted", "timestamp": 0})
    shown(seam, turn(0))
    seam.join(1_000)

    assert shown(seam, {"type": "SpeechStarted", "timestamp": 0}) is None
    assert (shown(seam, turn(0), last=True) or {})["turn_order"] == 0
    assert (shown(seam, {"type": "SpeechStarted", "timestamp": 500}) or {})["timestamp"] == 1_500
    seam.join(9_000)
    assert (shown(seam, turn(0), last=True) or {})["turn_order"] == 1
    assert (shown(seam, turn(1), last=True) or {})["turn_order"] == 2


def test_a_begin_that_the_framework_has_not_seen_is_shown() -> None:
    seam = Seam()
    seam.join(0)

    assert shown(seam, {"type": "Begin"}) == {"type": "Begin"}


def test_what_makes_no_sense_passes_as_it_came() -> None:
    seam = Seam()
    seam.join(1_000)
    for message in (
        {"type": "Turn", "turn_order": "x", "words": [1, {"start": "y"}]},
        {"type": "Turn", "words": None},
        {"type": "SpeechStarted"},
        {"type": "Heartbeat", "total_audio_received_ms": 5},
        {"value": [1]},
    ):
        assert shown(seam, message) == message

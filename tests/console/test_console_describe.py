from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent import events
from console.describe import describe

_VALUES: dict[Any, Any] = {str: "text", int: 7, float: 0.5, bool: True}


def _example(kind: type[events.Event]) -> events.Event:
    """An event of this type with something in every field."""
    given: dict[str, Any] = {}
    for part in msgspec.structs.fields(kind):
        if part.required:
            origin = getattr(part.type, "__origin__", part.type)
            given[part.name] = _VALUES.get(part.type, {} if origin is dict else "inbound")
    return kind(**given)


@pytest.mark.parametrize("kind", sorted(set(events.KNOWN) - {"media.level", "unknown"}))
def test_every_event_of_the_contract_has_words_of_its_own(kind: str) -> None:
    told = describe(_example(events.KNOWN[kind]))

    assert told.text
    assert 2 <= len(told.family) <= 5
    if not kind.startswith("agent."):
        assert told.text != kind


def test_errors_are_marked() -> None:
    assert describe(events.Error(where="llm", message="It timed out.")).bad
    assert describe(events.SttError(session=1, code=3007, text="too slow", final=True)).bad
    assert not describe(events.CallRinging()).bad


def test_a_heartbeat_says_how_much_was_heard() -> None:
    message = {"type": "Heartbeat", "total_audio_received_ms": 9888}

    assert describe(events.SttOther(session=1, message=message)).text == "alive, 9.89 s heard"


def test_a_partial_and_an_end_of_turn_are_told_apart() -> None:
    message = {"transcript": "half past", "end_of_turn": False, "end_of_turn_confidence": 0.88}

    assert describe(events.SttTurn(session=1, message=message)).text == "partial half past"
    assert describe(events.SttTurn(session=1, message={**message, "end_of_turn": True})).text == (
        "end of turn .88 half past"
    )


def test_a_warning_of_the_services_stands_out_from_its_other_messages() -> None:
    warning = {"type": "Warning", "warning_code": 1234, "warning": "session ending soon"}

    assert describe(events.SttOther(session=1, message=warning)).text == "warning: session ending soon"
    assert describe(events.SttOther(session=1, message=warning)).bad
    assert not describe(events.SttOther(session=1, message={"type": "Heartbeat"})).bad


def test_what_was_tuned_is_told_with_what_is_not_honoured() -> None:
    fields = {"min_turn_silence": 600, "keyterms_prompt": ["Ada", "clinic"], "continuous_partials": False}
    tuned = events.SttTuned(session=1, who="console", fields=fields)
    in_vain = events.SttTuned(session=1, who="console", fields={"mode": "balanced"}, ignored={"mode": "no modes"})

    assert describe(tuned).text == (
        "operator set min_turn_silence 600, keyterms_prompt Ada, clinic, continuous_partials no"
    )
    assert not describe(tuned).bad
    assert describe(in_vain).text == "operator set mode balanced; not honoured: mode, no modes"
    assert describe(in_vain).bad
    assert describe(events.SttTuned(session=1, who="api", end_turn=True)).text == "api ended the turn"


def test_what_changes_nothing_and_what_was_split_are_told() -> None:
    ignored = events.SttIgnored(session=1, parameters={"formatted_finals": "unknown to AssemblyAI"})

    assert describe(ignored).text == "changes nothing: formatted_finals, unknown to AssemblyAI"
    assert not describe(ignored).bad
    assert describe(events.SttSplit(session=1, text="I would", replayed_ms=900)).text == (
        "turn split, 900 ms heard again: I would"
    )
    assert (
        describe(events.SttSplit(session=1, text="I would")).text == "turn split, the rest alone is heard: I would"
    )

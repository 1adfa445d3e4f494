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


def test_a_partial_and_an_end_of_turn_are_told_apart() -> None:
    message = {"transcript": "half past", "end_of_turn": False, "end_of_turn_confidence": 0.88}

    assert describe(events.SttTurn(session=1, message=message)).text == "partial half past"
    assert describe(events.SttTurn(session=1, message={**message, "end_of_turn": True})).text == (
        "end of turn .88 half past"
    )

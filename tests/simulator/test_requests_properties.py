"""No request raises anything but TelnyxError, and every refusal has Telnyx's shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.telnyx.errors import TelnyxError
from simulator.telnyx.requests import texml_updates
from simulator.telnyx.requests.body import decode_body, decode_form, decode_object
from simulator.telnyx.requests.commands import COMMANDS, check_call_control_id, parse_action
from simulator.telnyx.requests.dial import DIAL, parse_dial
from simulator.telnyx.requests.fields import Object
from simulator.telnyx.requests.texml_calls import CALL, parse_connection_call, parse_texml_call
from tests.simulator import requests_examples as examples
from tests.simulator.json_values import paths, replaced

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["", "+15550100002", "sip:a@b.c", "https://a.example/", "%", "~1/~0", "\ud800", "self"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
BODIES: dict[str, tuple[dict[str, Any], Callable[[Any], Any]]] = {
    "dial": (examples.DIAL, parse_dial),
    "texml": (examples.TEXML_CALL, parse_texml_call),
    "texml by connection": (examples.TEXML_CALL, lambda body: parse_connection_call(body, "1")),
    "update": ({"Status": "completed", "Url": "https://a.example/"}, texml_updates.parse_update),
    "stream": ({"Url": "ws://a.example/", "Track": "both_tracks"}, texml_updates.parse_stream),
    "recording": ({"PlayBeep": True, "RecordingTrack": "both"}, texml_updates.parse_recording),
    **{
        name: (
            {**examples.COMMANDS[name], **examples.EVERY_COMMAND},
            lambda body, name=name: parse_action(name, body),
        )
        for name in COMMANDS
    },
}


def refused(parse: Callable[[Any], Any], body: Any) -> TelnyxError | None:
    """The refusal, its shape checked, or None; anything else that is raised fails the test."""
    try:
        parse(body)
    except TelnyxError as error:
        check(error)
        return error
    return None


def check(error: TelnyxError) -> None:
    answer = error.body()
    assert 400 <= error.code.status < 500
    assert answer.keys() == {"errors"}
    (only,) = answer["errors"]
    assert only.keys() - {"source"} == {"code", "title", "detail", "meta"}
    assert all(isinstance(only[name], str) and only[name] for name in ("code", "title", "detail"))
    assert len(only["detail"]) < 3000
    assert only["detail"].endswith(".")
    if "source" in only:
        assert only["source"]["pointer"].startswith("/")
    json.dumps(answer)


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_arbitrary_json(data: st.DataObject):
    example, parse = BODIES[data.draw(st.sampled_from(sorted(BODIES)))]
    names = st.sampled_from(sorted(example)) | st.text(max_size=8) if example else st.text(max_size=8)
    refused(parse, data.draw(st.dictionaries(names, JSON, max_size=8)))


@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_valid_bodies_with_one_value_changed(data: st.DataObject):
    example, parse = BODIES[data.draw(st.sampled_from(sorted(BODIES)))]
    path = data.draw(st.sampled_from(paths(example) or [()]))
    body = replaced(example, path, data.draw(JSON)) if path else {}
    refused(parse, body)


WRONG: list[Any] = [[[]], {"a": [5]}, -(10**40), 1e400, "\x00", True]


@pytest.mark.parametrize("name", sorted(BODIES))
def test_every_value_of_every_example_replaced_by_nonsense(name: str):
    example, parse = BODIES[name]
    assert refused(parse, example) is None
    faults = [refused(parse, replaced(example, path, wrong)) for path in paths(example) for wrong in WRONG]
    assert len(example) == 0 or any(faults)


@pytest.mark.parametrize("name", sorted(BODIES))
def test_every_parameter_refuses_some_wrong_type_at_its_own_pointer(name: str):
    example, parse = BODIES[name]
    table = {"dial": DIAL, "texml": CALL}.get(name) or (COMMANDS[name].table if name in COMMANDS else Object({}))
    for parameter in table.kinds.keys() & example.keys():
        pointers = {
            error.pointer
            for wrong in (5, "\x00", [[]], {"a": 5}, True)
            if (error := refused(parse, {**example, parameter: wrong})) is not None and error.pointer is not None
        }
        assert any(pointer.startswith(f"/{parameter}") for pointer in pointers), parameter


@given(body=st.binary(max_size=200), content_type=st.sampled_from(["", "application/json", "text/plain"]))
@settings(max_examples=150, deadline=None)
def test_arbitrary_bytes(body: bytes, content_type: str):
    refused(lambda raw: decode_body(raw, content_type, CALL), body)
    refused(decode_object, body)
    refused(lambda raw: parse_texml_call(decode_form(raw, CALL)), body)


@given(fields=st.lists(st.tuples(st.sampled_from(sorted(CALL.kinds)), st.text(max_size=30)), max_size=20))
@settings(max_examples=150, deadline=None)
def test_arbitrary_forms(fields: list[tuple[str, str]]):
    body = "&".join(f"{name}={value}" for name, value in fields).encode("utf-8", "ignore")
    refused(lambda raw: parse_texml_call(decode_form(raw, CALL)), body)


@given(text=st.text(max_size=80))
@settings(max_examples=100, deadline=None)
def test_arbitrary_ids(text: str):
    refused(check_call_control_id, text)


def test_a_body_that_is_no_object():
    for wrong in (None, 5, "text", [], True):
        assert refused(parse_dial, wrong) is not None


def test_deep_json_is_refused():
    assert refused(decode_object, b'{"a":' * 100_000) is not None

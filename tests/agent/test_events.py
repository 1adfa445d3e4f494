from __future__ import annotations

import msgspec
import pytest

from agent import events


def test_an_event_is_one_flat_json_object() -> None:
    event = events.CallInitiated(
        seq=7, at="2026-11-21T17:04:31.123Z", mono=5, call="c_1", direction="inbound", from_="+1", to="+2"
    )

    flat = msgspec.json.decode(events.encode(event))

    assert flat == {
        "type": "call.initiated",
        "seq": 7,
        "at": "2026-11-21T17:04:31.123Z",
        "mono": 5,
        "call": "c_1",
        "direction": "inbound",
        "from": "+1",
        "to": "+2",
        "framework": "",
        "line": "telnyx",
        "parameters": {},
    }
    assert events.decode(events.encode(event)) == event


def test_a_raw_turn_message_stays_as_it_came() -> None:
    message = {"type": "Turn", "turn_order": 2, "end_of_turn_confidence": 0, "words": [{"start": 1, "text": "Hi"}]}

    back = events.decode(events.encode(events.SttTurn(session=1, message=message)))

    assert isinstance(back, events.SttTurn)
    assert back.message == message
    assert isinstance(back.message["end_of_turn_confidence"], int)


def test_an_event_of_a_newer_version_is_kept() -> None:
    event = events.decode(b'{"type":"fax.received","seq":9,"at":"x","mono":1,"call":"c_1","pages":3}')

    assert isinstance(event, events.Unknown)
    assert (event.original, event.fields, event.seq, event.call) == ("fax.received", {"pages": 3}, 9, "c_1")
    assert events.type_of(event) == "fax.received"


def test_unknown_fields_of_a_known_event_are_ignored() -> None:
    assert events.decode(b'{"type":"call.dtmf","digit":"5","duration_ms":80}') == events.CallDtmf(digit="5")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        b"[]",
        b"3",
        b'{"seq":1}',
        b'{"type":7}',
        b'{"type":"call.dtmf"}',
        b'{"type":"call.dtmf","digit":5}',
    ],
)
def test_what_is_not_an_event_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not an event"):
        events.decode(data)


@pytest.mark.parametrize("kind", events.KNOWN.values(), ids=list(events.KNOWN))
def test_every_event_says_when_it_happens(kind: type[events.Event]) -> None:
    assert kind.__doc__
    assert len(kind.__doc__) > 30

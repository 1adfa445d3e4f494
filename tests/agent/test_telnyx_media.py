from __future__ import annotations

import base64
import json

import pytest

from agent.carriers import telnyx_media as wire

START = {
    "event": "start",
    "sequence_number": "1",
    "stream_id": "32DE0DEA-53CB-4B21-89A4-9E1819C043BC",
    "start": {
        "user_id": "u",
        "call_control_id": "v3:abc",
        "call_session_id": "s",
        "from": "+13122010094",
        "to": "+13122123456",
        "tags": ["A"],
        "client_state": "aGk=",
        "custom_parameters": {"customer_id": "7"},
        "media_format": {"encoding": "PCMA", "sample_rate": 8000, "channels": 1},
    },
}


def test_telnyx_own_start_message_is_understood() -> None:
    start = wire.parse(json.dumps(START))

    assert isinstance(start, wire.Start)
    assert (start.stream_id[:4], start.start.call_control_id, start.start.from_) == (
        "32DE",
        "v3:abc",
        "+13122010094",
    )
    assert start.start.custom_parameters == {"customer_id": "7"}
    assert wire.encoding_fault(start.start.media_format) == ""


def test_media_gives_its_bytes_and_its_chunk() -> None:
    media = wire.parse(
        '{"event":"media","sequence_number":"4","stream_id":"s","media":{"track":"inbound","chunk":"2","timestamp":"5","payload":"/v8="}}'
    )

    assert isinstance(media, wire.Media)
    assert (media.audio(), media.chunk) == (b"\xfe\xff", 2)


@pytest.mark.parametrize("chunk", ["x", "-3", "", "9" * 40, "٣"])
def test_a_chunk_that_is_no_number_counts_as_none(chunk: str) -> None:
    media = wire.parse(json.dumps({"event": "media", "media": {"payload": "", "chunk": chunk}}))

    assert isinstance(media, wire.Media)
    assert media.chunk in (0, 3)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"event":"connected","version":"1.0.0"}', wire.Connected),
        (
            '{"event":"connected","version":"1.0.0","connected":{"x-telnyx-streaming-auth-token":"t"}}',
            wire.Connected,
        ),
        (
            '{"event":"dtmf","stream_id":"s","occurred_at":"x","sequence_number":"5","dtmf":{"digit":"1"}}',
            wire.Dtmf,
        ),
        ('{"event":"mark","stream_id":"s","sequence_number":"5","mark":{"name":"m"}}', wire.Mark),
        (
            '{"event":"stop","sequence_number":"5","stream_id":"s","stop":{"user_id":"u","call_control_id":"v2:x"}}',
            wire.Stop,
        ),
        (
            '{"event":"error","stream_id":"s","payload":{"code":100004,"title":"invalid_media","detail":"d"}}',
            wire.LineError,
        ),
    ],
)
def test_the_other_messages_are_understood(text: str, kind: type) -> None:
    assert isinstance(wire.parse(text), kind)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[]",
        "null",
        "{}",
        '{"event":"fax"}',
        '{"event":7}',
        '{"event":"media"}',
        '{"event":"media","media":{"payload":5}}',
        '{"event":"start","stream_id":"s","start":{}}',
        '{"event":"dtmf","dtmf":{}}',
        b"\xff\xfe",
        "{" * 5_000,
        " " * (wire.MAX_MESSAGE_BYTES + 1),
    ],
)
def test_anything_else_is_refused_and_never_crashes(text: str) -> None:
    with pytest.raises(wire.BadMessage):
        wire.parse(text)


@pytest.mark.parametrize("payload", ["not base64!", "A", "AA=A", "\u00e9"])
def test_a_payload_that_is_not_base64_is_refused(payload: str) -> None:
    media = wire.parse(json.dumps({"event": "media", "media": {"payload": payload}}))
    assert isinstance(media, wire.Media)
    with pytest.raises(wire.BadMessage, match="base64"):
        media.audio()


@pytest.mark.parametrize("encoding", ["OPUS", "AMR-WB", "l16", ""])
def test_a_codec_we_do_not_speak_is_named_with_its_fix(encoding: str) -> None:
    assert "stream_codec" in wire.encoding_fault(wire.MediaFormat(encoding, 8000))


@pytest.mark.parametrize(
    ("encoding", "rate"), [("PCMU", 8000), ("PCMA", 8000), ("G722", 8000), ("G722", 16000), ("L16", 16000)]
)
def test_what_the_line_may_send(encoding: str, rate: int) -> None:
    assert wire.encoding_fault(wire.MediaFormat(encoding, rate)) == ""


@pytest.mark.parametrize(("encoding", "rate"), [("PCMU", 16000), ("L16", 24000), ("L16", 0), ("L16", -8000)])
def test_a_rate_we_do_not_speak_is_named(encoding: str, rate: int) -> None:
    assert f"{rate} Hz" in wire.encoding_fault(wire.MediaFormat(encoding, rate))


def test_two_channels_are_one_too_many() -> None:
    assert "2 channels" in wire.encoding_fault(wire.MediaFormat("L16", 16000, 2))


def test_our_mark_and_clear_have_telnyx_shape() -> None:
    assert json.loads(wire.mark("played-3")) == {"event": "mark", "mark": {"name": "played-3"}}
    assert json.loads(wire.CLEAR) == {"event": "clear"}
    assert base64.b64decode(json.loads(wire.media(b"\x01\x02"))["media"]["payload"]) == b"\x01\x02"

"""TeXML's REST bodies, as JSON and as forms."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from simulator.telnyx.call_rules import RecordRules
from simulator.telnyx.errors import TelnyxError
from simulator.telnyx.facts import Header
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.requests.amd import AmdRules
from simulator.telnyx.requests.body import decode_body, decode_form, decode_object
from simulator.telnyx.requests.numbers import Destination
from simulator.telnyx.requests.recording import RecordOrder
from simulator.telnyx.requests.texml_callbacks import CallbackRules
from simulator.telnyx.requests.texml_calls import (
    CALL,
    CONNECTION_CALL,
    TexmlDial,
    parse_connection_call,
    parse_texml_call,
)
from simulator.telnyx.requests.texml_updates import (
    RECORDING,
    STREAM,
    UPDATE,
    TexmlRecording,
    TexmlUpdate,
    parse_recording,
    parse_recording_update,
    parse_stream,
    parse_stream_update,
    parse_update,
)
from tests.simulator.requests_examples import TEXML_CALL

LEAST = {"ApplicationSid": "1", "From": "+15550100001", "To": "+15550100002"}
JSON, FORM = "application/json", "application/x-www-form-urlencoded; charset=UTF-8"

FULL = TexmlDial(
    to=Destination("+15550100002"),
    from_number="+15550100001",
    application_sid="1293384261075731499",
    url="https://example.com/texml",
    url_method="GET",
    fallback_url="https://example.com/fallback",
    caller_id="Info",
    custom_headers=(Header("X-Account", "42"),),
    timeout_secs=60,
    time_limit_secs=3600,
    amd=AmdRules(
        "greeting_end",
        total_analysis_ms=5000,
        initial_silence_ms=2000,
        greeting_ms=2500,
        after_greeting_silence_ms=900,
        prompt_end_ms=4000,
    ),
    detect_async=True,
    detect_message_end=True,
    amd_callback="https://example.com/amd",
    amd_callback_method="GET",
    cancel_playback_on_machine=False,
    cancel_playback_on_greeting_end=False,
    record=RecordOrder(RecordRules("dual", "mp3", silence_seconds=5)),
    status=CallbackRules("https://example.com/status", "GET", frozenset({"initiated", "answered"})),
    recording=CallbackRules(
        "https://example.com/recording", "GET", frozenset({"in-progress", "completed", "absent"})
    ),
    send_recording_url=False,
    supervise_call_sid="v3:abc",
    supervisor_role="monitor",
    ignored=(
        "DeepfakeDetection",
        "DeepfakeDetectionCallbackMethod",
        "DeepfakeDetectionCallbackUrl",
        "MachineDetectionBeepMaxFrequency",
        "MachineDetectionBeepMinFrequency",
        "MachineDetectionBeepMinToneDuration",
        "MachineDetectionBeepProfile",
        "MachineDetectionBeepSpectralConfirmation",
        "MachineDetectionBeepSpectralMinPurity",
        "MachineDetectionBeepSpectralRejectFaxCng",
        "MachineDetectionBeepSpectralWindow",
        "PreferredCodecs",
        "SipAuthPassword",
        "SipAuthUsername",
        "SipRegion",
    ),
)


def form(values: dict[str, Any]) -> bytes:
    text = {name: str(value).lower() if isinstance(value, bool) else value for name, value in values.items()}
    return urlencode(text).encode()


def test_a_full_call_and_what_is_made_of_it():
    assert TEXML_CALL.keys() == CALL.kinds.keys() - {"Texml"}
    assert parse_texml_call(TEXML_CALL) == FULL


def test_a_form_says_the_same_as_json():
    flat = {name: value for name, value in TEXML_CALL.items() if name != "CustomHeaders"}
    decoded = decode_body(form(flat), FORM, CALL)
    assert decoded == flat
    assert parse_texml_call(decoded) == parse_texml_call(flat)


def test_the_least_a_call_needs():
    assert parse_texml_call({**LEAST, "Texml": "<Response/>"}) == TexmlDial(
        to=Destination("+15550100002"), from_number="+15550100001", application_sid="1", texml="<Response/>"
    )
    assert parse_texml_call(LEAST).url is None


@pytest.mark.parametrize(
    ("detection", "mode", "expected"),
    [
        ("Enable", None, "detect"),
        ("DetectMessageEnd", "Regular", "greeting_end"),
        ("Enable", "Premium", "premium"),
        ("DetectMessageEnd", "PremiumCallScreening", "premium_ios_call_screening_detection"),
    ],
)
def test_modes_of_machine_detection(detection: str, mode: str | None, expected: str):
    amd = parse_texml_call({**LEAST, "MachineDetection": detection, "DetectionMode": mode}).amd
    assert amd is not None
    assert (amd.mode, amd.total_analysis_ms) == (expected, 30_000)


def test_unknown_events_count_for_nothing_beside_known_ones():
    dialled = parse_texml_call({**LEAST, "StatusCallbackEvent": "initiated no-answer  completed"})
    assert dialled.status == CallbackRules(None, "POST", frozenset({"initiated", "completed"}))


@pytest.mark.parametrize(
    ("more", "code", "pointer"),
    [
        ({"To": None}, "10004", "/To"),
        ({"From": ""}, "10004", "/From"),
        ({"ApplicationSid": None}, "10004", "/ApplicationSid"),
        ({"To": "bob"}, "10016", "/To"),
        ({"To": ["+15550100002"]}, "10026", "/To"),
        ({"Timeout": 121}, "10033", "/Timeout"),
        ({"Timeout": "60s"}, "10026", "/Timeout"),
        ({"TimeLimit": 29}, "10033", "/TimeLimit"),
        ({"MachineDetectionTimeout": 499}, "10033", "/MachineDetectionTimeout"),
        ({"MachineDetection": "enable"}, "10032", "/MachineDetection"),
        ({"MediaEncryption": "SRTP"}, "10011", "/MediaEncryption"),
        ({"Url": "https://a.example/", "Texml": "<Response/>"}, "10027", "/Texml"),
        ({"Url": "a.example"}, "10003", "/Url"),
        ({"UrlMethod": "PUT"}, "10032", "/UrlMethod"),
        ({"StatusCallbackEvent": "no-answer"}, "10032", "/StatusCallbackEvent"),
        ({"RecordingChannels": "stereo"}, "10032", "/RecordingChannels"),
        ({"Record": "yes"}, "10026", "/Record"),
        ({"Texml": "x" * 65_537}, "10025", "/Texml"),
    ],
)
def test_a_refused_call(more: dict[str, Any], code: str, pointer: str):
    with pytest.raises(TelnyxError) as refused:
        parse_texml_call({**LEAST, **more})
    assert (refused.value.code.value[1], refused.value.pointer) == (code, pointer)


def test_a_call_by_connection():
    dialled = parse_connection_call({**LEAST, "Url": "https://a.example/", "Method": "GET"}, "77")
    assert (dialled.application_sid, dialled.url, dialled.url_method) == ("77", "https://a.example/", "GET")
    assert dialled.unknown == ("ApplicationSid",)
    assert CONNECTION_CALL.required == ("From", "To")


def test_updates_of_a_call():
    assert parse_update(decode_body(b"Status=completed", FORM, UPDATE)) == TexmlUpdate(ends=True)
    redirect = b"Url=https%3A%2F%2Fa.example%2Fnext&Method=GET"
    assert parse_update(decode_body(redirect, FORM, UPDATE)) == TexmlUpdate(
        url="https://a.example/next", method="GET"
    )
    inline = parse_update(decode_body(b'{"Texml": "<Response><Hangup/></Response>"}', JSON, UPDATE))
    assert inline.texml == "<Response><Hangup/></Response>"
    with pytest.raises(TelnyxError):
        parse_update({"Status": "paused"})


def test_streams():
    body = (
        b"Url=wss%3A%2F%2Fa.example%2F&Name=mine&Track=both_tracks&BidirectionalMode=rtp&BidirectionalCodec=G722"
    )
    assert parse_stream(decode_body(body, FORM, STREAM)) == StreamOptions(
        "wss://a.example/", track="both_tracks", mode="rtp", send_codec="G722", name="mine"
    )
    for wrong in ({}, {"Url": "https://a.example/"}, {"Url": "ws://a.example/", "BidirectionalCodec": "L16"}):
        with pytest.raises(TelnyxError):
            parse_stream(wrong)
    parse_stream_update({"Status": "stopped"})
    with pytest.raises(TelnyxError):
        parse_stream_update({"Status": "paused"})


def test_recordings():
    body = b"PlayBeep=False&RecordingChannels=single&RecordingTrack=inbound&SendRecordingUrl=true"
    assert parse_recording(decode_body(body, FORM, RECORDING)) == TexmlRecording(
        RecordOrder(RecordRules("single", "mp3", "inbound"))
    )
    assert parse_recording_update({"Status": "paused"}) == "paused"
    with pytest.raises(TelnyxError):
        parse_recording_update({})


def test_forms_turn_text_into_what_the_table_wants_and_leave_the_rest():
    decoded = decode_form(b"Timeout=30&Record=TRUE&From=%2B1555&To=1&Timeout=x&Caf%C3%A9=%E2%82%AC&Empty=", CALL)
    assert decoded == {"Timeout": "x", "Record": True, "From": "+1555", "To": "1", "Café": "€", "Empty": ""}


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", JSON, 400, "10023"),
        (b"[]", JSON, 400, "10015"),
        (b'"\xff"', JSON, 400, "10028"),
        (b"a=%FF", FORM, 400, "10028"),
        (b"a=\xff", FORM, 400, "10028"),
        (b"&".join(b"a=1" for _ in range(1001)), FORM, 400, "10015"),
        (b"<a/>", "text/xml", 415, "10024"),
        (b"a=1", "multipart/form-data; boundary=x", 415, "10024"),
    ],
)
def test_bodies_that_cannot_be_read(body: bytes, content_type: str, status: int, code: str):
    with pytest.raises(TelnyxError) as refused:
        decode_body(body, content_type, CALL)
    assert refused.value.code.value[:2] == (status, code)


def test_bodies_without_a_content_type():
    assert decode_body(b' {"To": "1"}', "", CALL) == {"To": "1"}
    assert decode_body(b"To=1", "", CALL) == {"To": "1"}
    assert decode_body(b"", "", CALL) == {}
    assert decode_object(b"  ") == {}

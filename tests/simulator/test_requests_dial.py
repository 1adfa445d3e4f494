"""A dial: what becomes of its parameters, and each documented failure."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.telnyx.call_rules import RecordRules
from simulator.telnyx.errors import TelnyxError
from simulator.telnyx.facts import Header
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.requests.amd import AmdRules
from simulator.telnyx.requests.dial import DIAL, DialRequest, parse_dial, unknown_connection
from simulator.telnyx.requests.numbers import Destination, is_e164
from simulator.telnyx.requests.recording import RecordOrder
from simulator.telnyx.requests.transcription import StartTranscription
from simulator.telnyx.requests.webhook_rules import WebhookRules
from tests.simulator import requests_examples as examples

LEAST = {"connection_id": "1", "from": "+15550100001", "to": "+15550100002"}


def test_a_full_dial_and_what_is_made_of_it():
    assert examples.DIAL.keys() == DIAL.kinds.keys() - examples.LEFT_OUT["dial"]
    link = examples.DIAL["link_to"]
    assert parse_dial(examples.DIAL) == DialRequest(
        to=(Destination("+15550100002"), Destination("sip:bob@example.com", "srtp")),
        from_number="+15550100001",
        connection_id="7267000000000000000",
        client_state=examples.STATE,
        command_id="891510ac-f3e4-11e8-af5b-de00688a4901",
        from_display_name="Company Name",
        timeout_secs=60,
        time_limit_secs=600,
        retry_on_timeout=False,
        custom_headers=(Header("X-Account", "42"),),
        sip_headers=(Header("User-to-User", "12345"),),
        webhooks=WebhookRules(
            "https://example.com/hooks",
            "GET",
            {"call.hangup": ("https://example.com/ended",), "call.answered": ("https://example.com/up",)},
            "POST",
            {"call.hangup": (1000, 2000, 5000)},
        ),
        amd=AmdRules(
            "greeting_end",
            total_analysis_ms=4000,
            initial_silence_ms=1800,
            after_greeting_silence_ms=1000,
            between_words_silence_ms=60,
            greeting_ms=1500,
            greeting_silence_ms=2000,
            greeting_total_ms=7500,
            maximum_words=3,
            maximum_word_ms=2000,
        ),
        stream=StreamOptions(
            "wss://example.com/media",
            track="both_tracks",
            codec="PCMA",
            mode="rtp",
            send_codec="L16",
            rate=24_000,
            target_legs="self",
            auth_token="secret",
            send_silence_when_idle=True,
        ),
        stream_before_ringing=True,
        record=RecordOrder(
            RecordRules("single", "wav", max_seconds=1000, silence_seconds=10, trim_silence=True), "my_recording"
        ),
        transcription=StartTranscription("AssemblyAI", "both", interim=True),
        send_digits="wwww200",
        audio_url="https://example.com/hello.wav",
        link_to=link,
        bridge_intent=True,
        bridge_on_answer=True,
        prevent_double_bridge=True,
        park_after_unbridge=True,
        ignored=(
            "assistant",
            "billing_group_id",
            "conference_config",
            "conversation_relay_config",
            "deepfake_detection",
            "dialogflow_config",
            "diversion",
            "enable_dialogflow",
            "preferred_codecs",
            "privacy",
            "route_to_mobile",
            "sip_auth_password",
            "sip_auth_username",
            "sip_region",
            "sip_transport_protocol",
            "sound_modifications",
            "supervise_call_control_id",
            "supervisor_role",
        ),
    )


def test_the_least_a_dial_needs_and_telnyxs_defaults():
    dialled = parse_dial({**LEAST, "colour": "red"})
    assert dialled == DialRequest(
        to=(Destination("+15550100002"),), from_number="+15550100001", connection_id="1", unknown=("colour",)
    )
    assert (dialled.timeout_secs, dialled.time_limit_secs) == (30, 14_400)
    assert (dialled.to_number, dialled.webhooks.url) == ("+15550100002", None)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, StreamOptions("ws://a.example/", target_legs="opposite")),
        ({"stream_codec": "default"}, StreamOptions("ws://a.example/", target_legs="opposite")),
        (
            {"stream_bidirectional_codec": "OPUS", "stream_bidirectional_sampling_rate": 16_000},
            StreamOptions("ws://a.example/", send_codec="OPUS", rate=16_000, target_legs="opposite"),
        ),
        (
            # G.711 and G.722 have one rate, whatever is asked for.
            {"stream_bidirectional_codec": "PCMA", "stream_bidirectional_sampling_rate": 24_000},
            StreamOptions("ws://a.example/", send_codec="PCMA", rate=8000, target_legs="opposite"),
        ),
    ],
)
def test_stream_options(more: dict[str, Any], expected: StreamOptions):
    assert parse_dial({**LEAST, "stream_url": "ws://a.example/", **more}).stream == expected


def test_without_an_address_there_is_no_stream():
    assert parse_dial({**LEAST, "stream_track": "both_tracks"}).stream is None


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 24_000, 48_000])
def test_l16_runs_at_every_rate(rate: int):
    more = {"stream_bidirectional_codec": "L16", "stream_bidirectional_sampling_rate": rate}
    stream = parse_dial({**LEAST, "stream_url": "ws://a.example/", **more}).stream
    assert stream is not None
    assert stream.rate == rate


@pytest.mark.parametrize(
    ("to", "more", "expected"),
    [
        ("+15550100002,200", {}, Destination("+15550100002", None, "200")),
        ("sip:bob@example.com;secure=true", {}, Destination("sip:bob@example.com", "srtp")),
        ("sip:bob@example.com;secure=DTLS", {}, Destination("sip:bob@example.com", "dtls")),
        (
            "sip:bob@example.com:5061;transport=tls;secure=srtp",
            {"media_encryption": "DTLS"},
            Destination("sip:bob@example.com:5061;transport=tls", "dtls"),
        ),
        ("sip:+15550100002@sip.telnyx.com", {}, Destination("sip:+15550100002@sip.telnyx.com")),
        ("sip:[2001:db8::1]", {"media_encryption": "disabled"}, Destination("sip:[2001:db8::1]")),
    ],
)
def test_destinations(to: str, more: dict[str, Any], expected: Destination):
    dialled = parse_dial({**LEAST, "to": to, **more})
    assert dialled.to == (expected,)
    assert dialled.send_digits == expected.digits


def test_digits_by_their_own_parameter_go_before_those_of_the_destination():
    assert parse_dial({**LEAST, "to": "+15550100002,1", "send_digits_on_answer": "2"}).send_digits == "2"


def test_e164():
    assert is_e164("+15550100001")
    for wrong in (
        "15550100001",
        "+05550100001",
        "+1555",
        "+1555010000100000",
        "+1555\u0661\u0662\u0663\u0664",
        "+1 555 010 0001",
    ):
        assert not is_e164(wrong)


def test_a_single_track_is_recorded_in_one_channel_and_the_default_is_two():
    record = {**LEAST, "record": "record-from-answer"}
    assert parse_dial(record).record == RecordOrder(RecordRules("dual", "mp3"))
    assert parse_dial({**record, "record_track": "inbound"}).record == RecordOrder(
        RecordRules("single", "mp3", "inbound")
    )
    assert parse_dial({**LEAST, "record_format": "wav"}).record is None


def test_premium_detection_takes_thirty_seconds_unless_told_otherwise():
    premium = parse_dial({**LEAST, "answering_machine_detection": "premium"}).amd
    assert premium is not None
    assert (premium.mode, premium.total_analysis_ms) == ("premium", 30_000)
    plain = parse_dial({**LEAST, "answering_machine_detection": "detect_beep"}).amd
    assert plain == AmdRules("detect_beep", total_analysis_ms=3500)
    assert parse_dial({**LEAST, "answering_machine_detection": "disabled"}).amd is None


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"to": None}, "10004", "/to"),
    ({"to": ""}, "10004", "/to"),
    ({"to": []}, "10004", "/to"),
    ({"from": None}, "10004", "/from"),
    ({"connection_id": ""}, "10004", "/connection_id"),
    ({"connection_id": 7267}, "10026", "/connection_id"),
    ({"to": 15550100002}, "10026", "/to"),
    ({"to": {"number": "+15550100002"}}, "10026", "/to"),
    ({"to": ["+15550100002", 5]}, "10026", "/to/1"),
    ({"to": "12345"}, "10016", "/to"),
    ({"to": ["+15550100002", "bob"]}, "10016", "/to/1"),
    ({"to": ["+15550100002,200"]}, "10016", "/to/0"),
    ({"to": "+15550100002,2E"}, "90014", "/to"),
    ({"to": "+15550100002,"}, "90014", "/to"),
    ({"to": "sip:bob@example.com;secure=maybe"}, "10015", "/to"),
    ({"to": ["+15550100002"] * 101}, "10033", "/to"),
    ({"from": "sip:me@example.com"}, "10016", "/from"),
    ({"from": "5550100001"}, "10016", "/from"),
    ({"diversion": "me"}, "10016", "/diversion"),
    ({"media_encryption": "SRTP"}, "10011", "/media_encryption"),
    ({"to": ["sip:bob@example.com", "+15550100002"], "media_encryption": "DTLS"}, "10011", "/media_encryption"),
    ({"media_encryption": "srtp"}, "10032", "/media_encryption"),
    ({"client_state": "%"}, "90017", "/client_state"),
    ({"timeout_secs": 4}, "10033", "/timeout_secs"),
    ({"timeout_secs": 601}, "10033", "/timeout_secs"),
    ({"timeout_secs": "30"}, "10026", "/timeout_secs"),
    ({"timeout_secs": True}, "10026", "/timeout_secs"),
    ({"timeout_secs": 30.5}, "10026", "/timeout_secs"),
    ({"time_limit_secs": 29}, "10033", "/time_limit_secs"),
    ({"time_limit_secs": 14_401}, "10033", "/time_limit_secs"),
    ({"bridge_intent": "true"}, "10026", "/bridge_intent"),
    ({"bridge_intent": True}, "10004", "/link_to"),
    ({"bridge_on_answer": True}, "10004", "/link_to"),
    ({"park_after_unbridge": "self"}, "10004", "/link_to"),
    ({"park_after_unbridge": "both", "link_to": "x"}, "10032", "/park_after_unbridge"),
    ({"media_name": "m", "audio_url": "https://a.example/"}, "10027", "/audio_url"),
    ({"audio_url": "not an address"}, "10003", "/audio_url"),
    ({"send_digits_on_answer": "2E"}, "90014", "/send_digits_on_answer"),
    ({"send_digits_on_answer": "1" * 65}, "90014", "/send_digits_on_answer"),
    ({"from_display_name": "x" * 129}, "10025", "/from_display_name"),
    ({"privacy": "full"}, "10032", "/privacy"),
    ({"answering_machine_detection": "on"}, "10032", "/answering_machine_detection"),
    (
        {"answering_machine_detection_config": {"total_analysis_time_millis": "5000"}},
        "10026",
        "/answering_machine_detection_config/total_analysis_time_millis",
    ),
    ({"answering_machine_detection_config": []}, "10026", "/answering_machine_detection_config"),
    ({"custom_headers": [{"name": "X"}]}, "10004", "/custom_headers/0/value"),
    ({"custom_headers": [{"name": "X", "value": 1}]}, "10026", "/custom_headers/0/value"),
    ({"sip_headers": [{"name": "X-Mine", "value": "1"}]}, "10032", "/sip_headers/0/name"),
    ({"webhook_url": "example.com"}, "10003", "/webhook_url"),
    ({"webhook_url_method": "PUT"}, "10032", "/webhook_url_method"),
    ({"webhook_urls": {"call.dance": ["https://a.example/"]}}, "90057", "/webhook_urls"),
    ({"webhook_urls": {"call.hangup": "nowhere"}}, "10003", "/webhook_urls/call.hangup"),
    ({"webhook_urls": {"a/b~c": 5}}, "10026", "/webhook_urls/a~1b~0c"),
    (
        {"webhook_retries_policies": {"call.hangup": {"retries_ms": [1] * 6}}},
        "10033",
        "/webhook_retries_policies/call.hangup/retries_ms",
    ),
    (
        {"webhook_retries_policies": {"call.hangup": {"retries_ms": [40_000, 20_001]}}},
        "10033",
        "/webhook_retries_policies/call.hangup/retries_ms",
    ),
    ({"record": "yes"}, "10032", "/record"),
    ({"record_channels": "stereo"}, "10032", "/record_channels"),
    ({"record_max_length": 43_201}, "10033", "/record_max_length"),
    ({"record_custom_file_name": ""}, "10025", "/record_custom_file_name"),
    ({"stream_track": "all"}, "10032", "/stream_track"),
    ({"stream_codec": "pcmu"}, "10032", "/stream_codec"),
    ({"stream_codec": "AMR-WB"}, "10015", "/stream_codec"),
    ({"stream_bidirectional_codec": "default"}, "10032", "/stream_bidirectional_codec"),
    ({"stream_bidirectional_mode": "RTP"}, "10032", "/stream_bidirectional_mode"),
    ({"stream_bidirectional_sampling_rate": "8000"}, "10026", "/stream_bidirectional_sampling_rate"),
    ({"stream_url": "http://127.0.0.1/"}, "10015", "/stream_url"),
    ({"supervisor_role": "listen"}, "10032", "/supervisor_role"),
    ({"deepfake_detection": {"timeout": 15}}, "10004", "/deepfake_detection/enabled"),
    ({"deepfake_detection": {"enabled": True, "timeout": 61}}, "10033", "/deepfake_detection/timeout"),
    ({"conference_config": {"beep_enabled": True}}, "10026", "/conference_config/beep_enabled"),
    ({"sound_modifications": {"octaves": 2}}, "10033", "/sound_modifications/octaves"),
    ({"sip_region": "Mars"}, "10032", "/sip_region"),
    ({"sip_transport_protocol": "SCTP"}, "10032", "/sip_transport_protocol"),
]


@pytest.mark.parametrize(("more", "code", "pointer"), REFUSED)
def test_a_documented_failure(more: dict[str, Any], code: str, pointer: str):
    with pytest.raises(TelnyxError) as refused:
        parse_dial({**LEAST, **more})
    error = refused.value.body()["errors"][0]
    assert (error["code"], error["source"]) == (code, {"pointer": pointer})
    assert refused.value.code.status == 422


def test_telnyxs_own_example_of_webhook_urls_is_taken():
    hooks = {"call.bridge": ["https://www.example.com/webhooks/bridge"]}
    assert parse_dial({**LEAST, "webhook_urls": hooks}).webhooks.event_urls == {
        "call.bridge": ("https://www.example.com/webhooks/bridge",)
    }


def test_a_connection_nobody_knows():
    error = unknown_connection()
    assert error.body()["errors"][0] | {"detail": ""} == {
        "code": "10015",
        "title": "Invalid value for connection_id (Call Control App ID)",
        "detail": "",
        "source": {"pointer": "/connection_id"},
        "meta": {"url": "https://developers.telnyx.com/docs/overview/errors/10015"},
    }

"""Every call command: a full example is taken, and each documented failure is refused as documented."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.telnyx.call_rules import GatherRules, RecordRules
from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.facts import Header
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.requests.answer_commands import Answer, HangUp, Reject
from simulator.telnyx.requests.audio_commands import Play, SendDtmf, Speak, StopPlayback
from simulator.telnyx.requests.commands import COMMANDS, check_call_control_id, parse_action
from simulator.telnyx.requests.gather_commands import Gather
from simulator.telnyx.requests.numbers import Destination
from simulator.telnyx.requests.other_commands import Enqueue, UpdateClientState
from simulator.telnyx.requests.recording import RecordOrder
from simulator.telnyx.requests.recording_commands import StopRecording
from simulator.telnyx.requests.transcription import StartTranscription
from simulator.telnyx.requests.transfer_commands import Bridge, Refer, Transfer
from tests.simulator.requests_examples import (
    COMMANDS as EXAMPLES,
)
from tests.simulator.requests_examples import (
    EVERY_COMMAND,
    LEFT_OUT,
    NO_COMMAND_ID,
    STATE,
    STREAM,
    TRANSCRIPTION,
)


def refusal(name: str, body: dict[str, Any]) -> tuple[str, str | None]:
    with pytest.raises(TelnyxError) as refused:
        parse_action(name, body)
    return refused.value.code.value[1], refused.value.pointer


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_example_is_taken(name: str):
    base = EVERY_COMMAND if name not in NO_COMMAND_ID else {"client_state": STATE}
    body = {**EXAMPLES[name], **(base if name != "switch_supervisor_role" else {})}
    command = parse_action(name, body)
    assert body.keys() == COMMANDS[name].table.kinds.keys() - LEFT_OUT.get(name, set())
    assert command.unknown == ()
    assert command.client_state == body.get("client_state")
    assert command.command_id == body.get("command_id")


def test_what_has_no_effect_and_what_telnyx_does_not_know_are_named():
    command = parse_action("speak", {"payload": "Hi.", "voice": "male", "service_level": "basic", "colour": "red"})
    assert command.ignored == ("service_level",)
    assert command.unknown == ("colour",)


def test_null_counts_as_not_given():
    assert parse_action("hangup", {"client_state": None, "reason": None}).order == HangUp()


ORDERS: list[tuple[str, dict[str, Any], Any]] = [
    ("answer", {}, Answer()),
    ("reject", {"cause": "USER_BUSY"}, Reject("USER_BUSY")),
    (
        "hangup",
        {"reason": "elsewhere", "custom_headers": [{"name": "X", "value": "1"}]},
        HangUp("elsewhere", (Header("X", "1"),)),
    ),
    ("speak", {"payload": "Hi.", "voice": "male", "loop": "infinity"}, Speak("Hi.", "male", loops=None)),
    (
        "speak",
        {"payload": "<speak/>", "voice": "v", "payload_type": "ssml", "loop": 3, "stop": "all", "language": "it"},
        Speak("<speak/>", "v", "it", is_ssml=True, loops=3, stop="all"),
    ),
    ("playback_start", {"playback_content": "AAE="}, Play(content=b"\0\1")),
    (
        "playback_start",
        {"media_name": "m", "overlay": True, "loop": "2", "target_legs": "both"},
        Play(media_name="m", overlay=True, loops=2, target_legs="both"),
    ),
    ("playback_stop", {}, StopPlayback("all")),
    ("playback_stop", {"overlay": True}, StopPlayback("overlay")),
    ("send_dtmf", {"digits": "1w2"}, SendDtmf("1w2", 250)),
    ("gather", {}, Gather(GatherRules(minimum=1, maximum=128))),
    ("gather", {"terminating_digit": ""}, Gather(GatherRules(terminating_digit=""))),
    (
        "gather_using_speak",
        {"payload": "One?", "voice": "v", "invalid_payload": "No.", "minimum_digits": 2, "timeout_millis": 1000},
        Gather(GatherRules(minimum=2, timeout_ms=1000), Speak("One?", "v"), Speak("No.", "v"), tries=3),
    ),
    (
        "gather_using_audio",
        {"audio_url": "https://a.example/p.wav", "maximum_tries": 1},
        Gather(GatherRules(), Play("https://a.example/p.wav"), tries=1),
    ),
    (
        "record_start",
        {"channels": "dual", "format": "wav", "max_length": 60, "play_beep": True},
        RecordOrder(RecordRules("dual", "wav", max_seconds=60, play_beep=True)),
    ),
    (
        "record_start",
        {"channels": "dual", "format": "mp3", "recording_track": "inbound", "trim": "trim-silence"},
        RecordOrder(RecordRules("single", "mp3", "inbound", trim_silence=True)),
    ),
    ("record_stop", {}, StopRecording()),
    (
        "streaming_start",
        {"stream_url": "ws://a.example/", "custom_parameters": [{"name": "a", "value": "b"}, {"value": "c"}]},
        StreamOptions("ws://a.example/", target_legs="opposite", custom_parameters={"a": "b"}),
    ),
    ("streaming_start", {"enable_dialogflow": True}, None),
    ("transcription_start", {}, StartTranscription()),
    ("transcription_start", TRANSCRIPTION, StartTranscription("AssemblyAI", "both", interim=True)),
    (
        "transfer",
        {"to": "sip:bob@example.com,12", "media_encryption": "DTLS"},
        Transfer(Destination("sip:bob@example.com", "dtls", "12"), send_digits="12"),
    ),
    (
        "bridge",
        {"queue": "support", "park_after_unbridge": "self"},
        Bridge(queue="support", park_after_unbridge=True),
    ),
    ("refer", {"sip_address": "sip:bob@example.com"}, Refer("sip:bob@example.com")),
    ("client_state_update", {"client_state": STATE}, UpdateClientState(STATE)),
    ("enqueue", {"queue_name": "q"}, Enqueue("q")),
    ("suppression_start", {}, None),
]


@pytest.mark.parametrize(("name", "body", "order"), ORDERS)
def test_what_a_command_makes_the_simulator_do(name: str, body: dict[str, Any], order: Any):
    assert parse_action(name, body).order == order


def test_the_cause_of_a_rejection_is_its_sip_response():
    causes = ("CALL_REJECTED", "USER_BUSY", "NOT_FOUND", "TEMPORARILY_UNAVAILABLE")
    assert [Reject(cause).sip for cause in causes] == [603, 486, 404, 480]


SPEAK = {"payload": "Hi.", "voice": "male"}
RECORD = {"channels": "dual", "format": "wav"}
REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("answer", {"client_state": "%"}, "90017", "/client_state"),
    ("answer", {"client_state": 5}, "10026", "/client_state"),
    ("answer", {"webhook_urls": {"call.dance": "https://a.example/"}}, "90057", "/webhook_urls"),
    ("answer", {"webhook_url": "ftp://a.example/"}, "10003", "/webhook_url"),
    ("answer", {"stream_url": "https://a.example/"}, "10015", "/stream_url"),
    ("answer", {"stream_bidirectional_codec": "AMR-WB"}, "10015", "/stream_bidirectional_codec"),
    ("answer", {"stream_codec": "AMR-WB"}, "10015", "/stream_codec"),
    ("answer", {"record": "always"}, "10032", "/record"),
    ("answer", {"record_timeout_secs": -1}, "90049", "/record_timeout_secs"),
    ("answer", {"billing_group_id": "mine"}, "10006", "/billing_group_id"),
    (
        "answer",
        {"transcription_config": {"transcription_tracks": "all"}},
        "10032",
        "/transcription_config/transcription_tracks",
    ),
    ("answer", {"assistant": {}}, "10004", "/assistant/id"),
    ("answer", {"custom_headers": {"name": "a"}}, "10026", "/custom_headers"),
    ("answer", {"custom_headers": [{"name": "a"}]}, "10004", "/custom_headers/0/value"),
    ("answer", {"sip_headers": [{"name": "X", "value": "1"}]}, "10032", "/sip_headers/0/name"),
    ("reject", {}, "10004", "/cause"),
    ("reject", {"cause": "BUSY"}, "10032", "/cause"),
    ("hangup", {"reason": 'so "there"'}, "10015", "/reason"),
    ("hangup", {"reason": "\N{WAVING HAND SIGN}"}, "10015", "/reason"),
    ("speak", {"voice": "male"}, "10004", "/payload"),
    ("speak", {"payload": "", "voice": "male"}, "10004", "/payload"),
    ("speak", {"payload": "x" * 3001, "voice": "male"}, "90010", "/payload"),
    ("speak", {**SPEAK, "payload": 5}, "10026", "/payload"),
    ("speak", {**SPEAK, "loop": 0}, "90009", "/loop"),
    ("speak", {**SPEAK, "loop": 101}, "90009", "/loop"),
    ("speak", {**SPEAK, "loop": "forever"}, "90009", "/loop"),
    ("speak", {**SPEAK, "loop": True}, "10026", "/loop"),
    ("speak", {**SPEAK, "stop": "now"}, "90016", "/stop"),
    ("speak", {**SPEAK, "payload_type": "html"}, "90011", "/payload_type"),
    ("speak", {**SPEAK, "language": "Klingon"}, "90013", "/language"),
    ("speak", {**SPEAK, "service_level": "gold"}, "90030", "/service_level"),
    ("speak", {**SPEAK, "service_level": "basic", "payload_type": "ssml"}, "90011", "/payload_type"),
    ("speak", {**SPEAK, "service_level": "basic", "language": "de-DE"}, "90013", "/language"),
    ("speak", {**SPEAK, "voice_settings": {"type": "robot"}}, "10032", "/voice_settings/type"),
    (
        "speak",
        {**SPEAK, "voice_settings": {"type": "telnyx", "voice_speed": "1"}},
        "10026",
        "/voice_settings/voice_speed",
    ),
    ("playback_start", {}, "10004", "/audio_url"),
    ("playback_start", {"audio_url": "hello.wav"}, "10003", "/audio_url"),
    ("playback_start", {"audio_url": "https://a.example/" + "x" * 2000}, "10003", "/audio_url"),
    ("playback_start", {"audio_url": "https://a.example/", "media_name": "m"}, "10027", "/media_name"),
    ("playback_start", {"playback_content": "%"}, "10015", "/playback_content"),
    ("playback_start", {"media_name": "m", "target_legs": "none"}, "10032", "/target_legs"),
    ("playback_stop", {"stop": "everything"}, "90016", "/stop"),
    ("send_dtmf", {}, "10004", "/digits"),
    ("send_dtmf", {"digits": "12E"}, "90014", "/digits"),
    ("send_dtmf", {"digits": "1", "duration_millis": 99}, "90027", "/duration_millis"),
    ("send_dtmf", {"digits": "1", "duration_millis": 501}, "90027", "/duration_millis"),
    ("gather", {"minimum_digits": 0}, "90022", "/minimum_digits"),
    ("gather", {"maximum_digits": 129}, "90023", "/maximum_digits"),
    ("gather", {"maximum_digits": "4"}, "10026", "/maximum_digits"),
    ("gather", {"minimum_digits": 5, "maximum_digits": 4}, "90022", "/minimum_digits"),
    ("gather", {"terminating_digit": "##"}, "90007", "/terminating_digit"),
    ("gather", {"valid_digits": "12x"}, "90008", "/valid_digits"),
    ("gather", {"timeout_millis": 120_001}, "90025", "/timeout_millis"),
    ("gather", {"inter_digit_timeout_millis": 0}, "90026", "/inter_digit_timeout_millis"),
    ("gather", {"initial_timeout_millis": 120_001}, "90056", "/initial_timeout_millis"),
    ("gather_using_speak", {"payload": "Hi."}, "10004", "/voice"),
    ("gather_using_speak", {**SPEAK, "invalid_payload": "x" * 3001}, "90010", "/invalid_payload"),
    ("gather_using_speak", {**SPEAK, "maximum_tries": 0}, "90024", "/maximum_tries"),
    (
        "gather_using_audio",
        {"invalid_audio_url": "https://a.example/", "invalid_media_name": "m"},
        "10027",
        "/invalid_media_name",
    ),
    ("record_start", {"format": "wav"}, "10004", "/channels"),
    ("record_start", {**RECORD, "channels": "both"}, "90001", "/channels"),
    ("record_start", {**RECORD, "format": "ogg"}, "90000", "/format"),
    ("record_start", {**RECORD, "recording_track": "all"}, "90059", "/recording_track"),
    ("record_start", {**RECORD, "max_length": 14_401}, "10033", "/max_length"),
    ("record_start", {**RECORD, "timeout_secs": -1}, "90028", "/timeout_secs"),
    ("record_start", {**RECORD, "custom_file_name": "x" * 41}, "10025", "/custom_file_name"),
    ("streaming_start", {}, "10004", "/stream_url"),
    ("streaming_start", {**STREAM, "stream_bidirectional_codec": "pcmu"}, "10032", "/stream_bidirectional_codec"),
    (
        "streaming_start",
        {**STREAM, "stream_bidirectional_sampling_rate": 44_100},
        "10032",
        "/stream_bidirectional_sampling_rate",
    ),
    (
        "streaming_start",
        {**STREAM, "stream_bidirectional_codec": "OPUS", "stream_bidirectional_sampling_rate": 48_000},
        "10015",
        "/stream_bidirectional_sampling_rate",
    ),
    ("streaming_start", {**STREAM, "stream_auth_token": "x" * 4001}, "10015", "/stream_auth_token"),
    ("streaming_start", {**STREAM, "stream_auth_token": "a\r\nb"}, "10015", "/stream_auth_token"),
    ("streaming_start", {**STREAM, "custom_parameters": {"a": "b"}}, "10026", "/custom_parameters"),
    ("transcription_start", {"transcription_engine": "Whisper"}, "10032", "/transcription_engine"),
    (
        "transcription_start",
        {"transcription_engine_config": {"transcription_engine": "Azure"}},
        "10004",
        "/transcription_engine_config/region",
    ),
    ("transfer", {}, "10004", "/to"),
    ("transfer", {"to": ["+15550100003"]}, "10026", "/to"),
    ("transfer", {"to": "bob"}, "10016", "/to"),
    ("transfer", {"to": "+15550100003", "timeout_secs": 601}, "10033", "/timeout_secs"),
    ("transfer", {"to": "+15550100003", "target_leg_client_state": "%"}, "90017", "/target_leg_client_state"),
    ("transfer", {"to": "+15550100003", "media_encryption": "SRTP"}, "10011", "/media_encryption"),
    ("transfer", {"to": "+15550100003", "send_digits_on_answer": "1" * 65}, "90014", "/send_digits_on_answer"),
    ("bridge", {}, "10004", "/call_control_id"),
    ("bridge", {"call_control_id": "a", "queue": "b"}, "10027", "/queue"),
    ("bridge", {"queue": "b", "ringtone": "xx"}, "10032", "/ringtone"),
    ("refer", {"sip_address": "+15550100003"}, "10015", "/sip_address"),
    ("switch_supervisor_role", {"role": "listen"}, "10032", "/role"),
    ("client_state_update", {}, "10004", "/client_state"),
    ("suppression_start", {"noise_suppression_engine": "Sox"}, "10032", "/noise_suppression_engine"),
    (
        "suppression_start",
        {"noise_suppression_engine_config": {"voice_gain": 5}},
        "10033",
        "/noise_suppression_engine_config/voice_gain",
    ),
    ("send_sip_info", {"body": "\u00e9" * 701, "content_type": "text/plain"}, "10025", "/body"),
    ("send_sip_info", {"body": "x", "content_type": "text"}, "10015", "/content_type"),
    ("enqueue", {"queue_name": "q", "max_size": 0}, "10033", "/max_size"),
    ("fork_start", {"rx": "tcp:1.2.3.4:5"}, "10015", "/rx"),
    ("fork_start", {"rx": "udp:1.2.3.4:5", "stream_type": "decrypted"}, "10004", "/tx"),
    ("siprec_start", {"session_timeout_secs": 89}, "10033", "/session_timeout_secs"),
    ("ai_assistant_start", {"message_history": [{"content": "Hi."}]}, "10004", "/message_history/0/role"),
    ("ai_assistant_join", {"conversation_id": "c"}, "10004", "/participant"),
    ("conversation_relay_start", {"url": "https://a.example/"}, "10003", "/url"),
    ("pay", {"transaction_type": "charge"}, "10004", "/amount"),
    ("pay", {"postal_code": " "}, "10015", "/postal_code"),
    ("pay", {"payment_token": "t", "valid_card_types": ["visa"]}, "10027", "/valid_card_types"),
]


@pytest.mark.parametrize(("name", "body", "code", "pointer"), REFUSED)
def test_a_documented_failure(name: str, body: dict[str, Any], code: str, pointer: str):
    assert refusal(name, body) == (code, pointer)


def test_a_command_telnyx_does_not_have():
    assert refusal("dance", {}) == ("10005", None)


def test_call_control_ids():
    check_call_control_id("v3:" + "x" * 54)
    check_call_control_id("v2:T02llQxIyaRkhfRKxgAP8nY511EhFLizdvdUKJiSw8d6A9BborherQ")
    for wrong in ("", "v4:" + "x" * 54, "v3:", "v3:" + "x" * 54 + "/", "nonsense"):
        with pytest.raises(TelnyxError) as refused:
            check_call_control_id(wrong)
        assert refused.value.code is Code.INVALID_CALL_CONTROL_ID

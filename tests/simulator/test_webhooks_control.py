"""Every Call Control event, signed and delivered, read by Telnyx's own client."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import telnyx.types as types
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.telnyx import happenings as h
from simulator.telnyx.facts import Hangup, Header
from simulator.telnyx.identifiers import CallIds
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.routing import Routing
from simulator.telnyx.webhooks.announce import ControlAnnouncer
from simulator.telnyx.webhooks.control_wire import payload, quality_stats
from simulator.telnyx.webhooks.envelope import Event
from tests.simulator.webhook_house import STARTED, facts, scene, sdk

LATER = STARTED + timedelta(seconds=61.5)
STREAM = StreamOptions("ws://127.0.0.1:9/media", track="both_tracks")
HUNG_UP = h.HungUp(Hangup("normal_clearing", "caller"), STARTED, LATER, h.LineStats(100, 90, 3, 0, 2.745))
"""The statistics of a clean line."""

EVENTS: list[tuple[h.Happening, Any, dict[str, Any]]] = [
    (h.Initiated(), types.CallInitiatedWebhookEvent, {"direction": "outgoing", "state": "bridging"}),
    (h.Answered(), types.CallAnsweredWebhookEvent, {"codec": "PCMU", "sampling_rate": 8000}),
    (
        h.Answered(STREAM),
        types.CallAnsweredWebhookEvent,
        {"stream_url": STREAM.url, "stream_track": "both_tracks"},
    ),
    (h.Bridged(), types.CallBridgedWebhookEvent, {"from": "+12025550133", "to": "+12025550131"}),
    (
        HUNG_UP,
        types.CallHangupWebhookEvent,
        {
            "hangup_cause": "normal_clearing",
            "hangup_source": "caller",
            "sip_hangup_cause": "200",
            "start_time": "2026-01-31T12:00:00.000000Z",
            "end_time": "2026-01-31T12:01:01.500000Z",
            "call_quality_stats": {
                "inbound": {
                    "jitter_max_variance": "2.75",
                    "jitter_packet_count": "3",
                    "mos": "4.50",
                    "packet_count": "100",
                    "skip_packet_count": "0",
                },
                "outbound": {"packet_count": "90", "skip_packet_count": "0"},
            },
        },
    ),
    (
        h.HungUp(Hangup("user_busy", "callee", "486"), None, LATER),
        types.CallHangupWebhookEvent,
        {"hangup_cause": "user_busy", "sip_hangup_cause": "486", "call_quality_stats": None},
    ),
    (
        h.Charged(61, ("sip-trunking", "call-recording", "call-control")),
        types.CallCostWebhookEvent,
        {"billed_duration_secs": 120, "total_cost": "0.0174", "status": "success", "billing_group_id": None},
    ),
    (h.StreamStarted(STREAM, "s"), types.CallStreamingStartedWebhookEvent, {"stream_url": STREAM.url}),
    (h.StreamStopped(STREAM, "s"), types.CallStreamingStoppedWebhookEvent, {"stream_url": STREAM.url}),
    (
        h.StreamFailed(STREAM, "s", "Nobody listens."),
        types.CallStreamingFailedWebhookEvent,
        {
            "failure_reason": "connection_failed",
            "stream_id": "s",
            "stream_type": "websocket",
            "stream_params": {"stream_url": STREAM.url, "track": "both_tracks", "stream_track": "both_tracks"},
        },
    ),
    (h.Dtmf("#"), types.CallDtmfReceivedWebhookEvent, {"digit": "#", "from": "+12025550133"}),
    (h.SpeakStarted("spk"), types.CallSpeakStartedWebhookEvent, {"speak_id": "spk"}),
    (
        h.SpeakEnded("spk", "call_hangup"),
        types.CallSpeakEndedWebhookEvent,
        {"speak_id": "spk", "status": "call_hangup"},
    ),
    (h.SpeakEnded("spk", "cancelled"), types.CallSpeakEndedWebhookEvent, {"status": "completed"}),
    (
        h.PlaybackStarted("p", "http://127.0.0.1/a.wav", None, False),
        types.CallPlaybackStartedWebhookEvent,
        {"media_url": "http://127.0.0.1/a.wav", "overlay": False, "playback_id": "p"},
    ),
    (
        h.PlaybackEnded("p", None, "hello", True, "file_not_found", "There is no such file."),
        types.CallPlaybackEndedWebhookEvent,
        {"media_name": "hello", "overlay": True, "status": "file_not_found"}
        | {"status_detail": "There is no such file."},
    ),
    (
        h.GatherEnded("12", "valid", "g"),
        types.CallGatherEndedWebhookEvent,
        {"digits": "12", "status": "valid", "gather_id": "g", "to": "+12025550131"},
    ),
    (
        h.RecordingSaved("r", "dual", {"wav": "http://127.0.0.1/r.wav"}, STARTED, LATER),
        types.CallRecordingSavedWebhookEvent,
        {
            "channels": "dual",
            "format": "wav",
            "recording_id": "r",
            "recording_urls": {"wav": "http://127.0.0.1/r.wav"},
            "public_recording_urls": {},
            "recording_ended_at": "2026-01-31T12:01:01.500000Z",
        },
    ),
    (
        h.RecordingFailed("The disk is full."),
        types.CallRecordingErrorWebhookEvent,
        {"reason": "Internal server error"},
    ),
    (h.MachineDetected("human", False), types.CallMachineDetectionEndedWebhookEvent, {"result": "human"}),
    (
        h.MachineDetected("fax_detected", True),
        types.CallMachinePremiumDetectionEndedWebhookEvent,
        {"result": "fax_detected"},
    ),
    (h.GreetingEnded("ended", False), types.CallMachineGreetingEndedWebhookEvent, {"result": "ended"}),
    (
        h.GreetingEnded("no_beep_detected", True),
        types.CallMachinePremiumGreetingEndedWebhookEvent,
        {"result": "no_beep_detected"},
    ),
    (
        h.Transcribed("hello", True, 0.9),
        types.TranscriptionWebhookEvent,
        {
            "transcription_data": {
                "transcript": "hello",
                "is_final": True,
                "confidence": 0.9,
                "transcription_track": "inbound",
            }
        },
    ),
    (
        h.Referred("started", "sip:other@127.0.0.1", 100),
        types.CallReferStartedWebhookEvent,
        {"to": "sip:other@127.0.0.1", "sip_notify_response": 100},
    ),
    (h.Referred("completed", "sip:o@x", 200), types.CallReferCompletedWebhookEvent, {"sip_notify_response": 200}),
    (h.Referred("failed", "sip:o@x", 603), types.CallReferFailedWebhookEvent, {"sip_notify_response": 603}),
]


@pytest.mark.parametrize(("happening", "type_", "fields"), EVENTS, ids=lambda value: type(value).__name__)
async def test_an_event_is_what_the_sdk_expects(happening: h.Happening, type_: Any, fields: dict[str, Any]):
    call = facts()
    async with scene() as s:
        announcer = ControlAnnouncer(s.webhooks, Routing(f"{s.house.url}/hook"), cost=True)
        announcer.tell(call, happening)
        announcer.close()
        (posted,) = await s.house.until(1)
    assert posted.headers["content-type"] == "application/json"
    assert posted.headers["user-agent"] == "telnyx-webhooks"
    event = sdk().webhooks.unwrap(posted.body.decode(), headers=posted.headers)
    assert type(event) is type_
    type_.model_validate_json(posted.body, strict=True)
    sent = posted.event
    assert sent["meta"] == {"attempt": 1, "delivered_to": f"{s.house.url}/hook"}
    wanted = fields | {
        "call_control_id": call.ids.call_control_id,
        "call_leg_id": call.ids.call_leg_id,
        "call_session_id": call.ids.call_session_id,
        "client_state": None,
        "connection_id": call.connection_id,
    }
    assert {name: sent["data"]["payload"].get(name, "absent") for name in wanted} == wanted


def test_state_is_left_out_where_production_leaves_it_out():
    told = [payload(facts(), happening, STARTED) for happening in (h.Answered(), HUNG_UP)]
    assert all(body is not None and "state" not in body[1] for body in told)


def test_an_incoming_call_says_more_of_itself_when_it_comes_in():
    told = payload(facts(direction="incoming", caller_name="Ada", client_state="c3RhdGU="), h.Initiated(), STARTED)
    assert told is not None
    shown = {name: told[1][name] for name in ("state", "caller_id_name", "offered_codecs", "client_state")}
    assert shown == {
        "state": "parked",
        "caller_id_name": "Ada",
        "offered_codecs": "PCMU",
        "client_state": "c3RhdGU=",
    }
    assert told[1]["start_time"] == "2026-01-31T12:00:00.000000Z"


@pytest.mark.parametrize("happening", [h.Initiated(), h.Answered(), HUNG_UP])
def test_headers_and_tags_are_passed_on(happening: h.Happening):
    call = facts(
        custom_headers=(Header("X-One", "1"),), sip_headers=(Header("User-to-User", "2"),), tags=("a", "b")
    )
    told = payload(call, happening, STARTED)
    assert told is not None
    assert told[1]["custom_headers"] == [{"name": "X-One", "value": "1"}]
    assert told[1]["sip_headers"] == [{"name": "User-to-User", "value": "2"}]
    assert told[1]["tags"] == ["a", "b"]


def test_ringing_is_not_told():
    assert payload(facts(), h.Ringing(), STARTED) is None


async def test_costs_are_told_only_on_request():
    async with scene() as s:
        announcer = ControlAnnouncer(s.webhooks, Routing(f"{s.house.url}/hook"))
        announcer.tell(facts(), h.Charged(61))
        announcer.tell(facts(), h.Dtmf("1"))
        announcer.close()
        (posted,) = await s.house.until(1)
    assert posted.type == "call.dtmf.received"


def test_a_lossy_line_has_a_lower_score():
    scores = [float(quality_stats(h.LineStats(100, 0, 0, lost))["inbound"]["mos"]) for lost in (0, 10, 50, 10**6)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 4.5
    assert scores[-1] == 1.0


@pytest.mark.parametrize(
    ("happening", "name", "state"),
    [
        (h.Initiated(), "call_initiated", "bridging"),
        (h.Answered(), "call_answered", "answered"),
        (HUNG_UP, "call_hangup", "hangup"),
        (h.SpeakEnded("s", "completed"), "speak_ended", None),
        (h.GatherEnded("1", "valid"), "gather_ended", None),
        (h.Dtmf("1"), "dtmf", None),
        (h.StreamStarted(STREAM, "s"), "streaming_started", None),
    ],
)
def test_version_1_has_no_envelope(happening: h.Happening, name: str, state: str | None):
    told = payload(facts(), happening, STARTED)
    assert told is not None
    body = json.loads(Event(*told, STARTED, "1").body(1, "http://127.0.0.1/"))
    assert sorted(body) == ["created_at", "event_type", "id", "payload", "record_type"]
    assert body["event_type"] == name
    assert body["created_at"] == body["payload"]["occurred_at"] == "2026-01-31T12:00:00.000000Z"
    assert body["payload"].get("state") == state


TEXT = st.text(max_size=20)
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))
FACTS = st.builds(
    facts,
    ids=st.builds(CallIds, TEXT, TEXT, TEXT),
    connection_id=TEXT,
    direction=st.sampled_from(["incoming", "outgoing"]),
    from_number=TEXT,
    to_number=TEXT,
    client_state=st.none() | TEXT,
    codec=TEXT,
    started_at=MOMENTS,
    sampling_rate=st.integers(0, 2**31),
    caller_name=st.none() | TEXT,
    tags=st.tuples(TEXT),
    custom_headers=st.tuples(st.builds(Header, TEXT, TEXT)),
)
COUNTS = st.integers(0, 2**31)
HAPPENINGS = st.sampled_from([happening for happening, _, _ in EVENTS]) | st.one_of(
    st.builds(
        h.HungUp,
        st.just(Hangup("timeout", "caller")),
        st.none() | MOMENTS,
        MOMENTS,
        st.builds(h.LineStats, COUNTS, COUNTS, COUNTS, COUNTS, st.floats()),
    ),
    st.builds(h.Charged, st.integers(-5, 2**31), st.lists(TEXT, max_size=5).map(tuple)),
    st.builds(h.Dtmf, TEXT),
    st.builds(h.GatherEnded, TEXT, st.just("valid"), st.none() | TEXT),
    st.builds(h.RecordingSaved, TEXT, st.just("single"), st.dictionaries(TEXT, TEXT), MOMENTS, MOMENTS),
    st.builds(h.Transcribed, TEXT, st.booleans(), st.floats(0, 1)),
    st.builds(h.Referred, st.just("failed"), TEXT, COUNTS),
)


@settings(max_examples=200, deadline=None)
@given(FACTS, HAPPENINGS, st.sampled_from(["1", "2"]), MOMENTS)
def test_any_facts_make_an_event_that_is_json(call: Any, happening: Any, version: Any, at: datetime):
    told = payload(call, happening, at)
    assert told is not None
    event = Event(*told, at, version)
    body = json.loads(event.body(1, "http://127.0.0.1/"))
    sent = body["payload"] if version == "1" else body["data"]["payload"]
    assert sent["call_control_id"] == call.ids.call_control_id
    assert event.query(1, "http://127.0.0.1/").isascii()

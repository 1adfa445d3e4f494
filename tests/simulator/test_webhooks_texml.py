"""TeXML callbacks: forms, signed, to those who asked for them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature

from simulator.telnyx import happenings as h
from simulator.telnyx.facts import Hangup
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.routing import STATUS_EVENTS, Callback
from simulator.telnyx.webhooks.announce import TexmlAnnouncer
from simulator.telnyx.webhooks.texml_wire import ACCOUNT_SID, instruction_request, status
from tests.simulator.webhook_house import SIGNER, STARTED, Received, Scene, facts, scene

LATER = STARTED + timedelta(seconds=61.5)
HUNG_UP = h.HungUp(Hangup("normal_clearing", "callee"), STARTED, LATER, recording_url="http://127.0.0.1/r.wav")


async def told(s: Scene, announcer: TexmlAnnouncer, count: int, *happenings: h.Happening) -> list[Received]:
    call = facts()
    for happening in happenings:
        announcer.tell(call, happening)
    announcer.close()
    received = await s.house.until(count)
    await s.webhooks.close(5)
    return received


async def test_the_progress_of_a_call_is_told_by_signed_forms():
    async with scene() as s:
        announcer = TexmlAnnouncer(s.webhooks, Callback(f"{s.house.url}/status", "POST", STATUS_EVENTS))
        received = await told(s, announcer, 4, h.Initiated(), h.Ringing(), h.Answered(), h.Dtmf("1"), HUNG_UP)
    assert [(form["CallStatus"], form["SequenceNumber"]) for form in (posted.form for posted in received)] == [
        ("initiated", "0"),
        ("ringing", "1"),
        ("in-progress", "2"),
        ("completed", "3"),
    ]
    for posted in received:
        assert posted.headers["content-type"] == "application/x-www-form-urlencoded"
        assert posted.form["CallbackSource"] == "call-progress-events"
        assert posted.form["AccountSid"] == ACCOUNT_SID
        assert posted.form["CallSid"] == posted.form["CallSidLegacy"]
        assert posted.form["CallInitiatedAt"] == "2026-01-31T12:00:00.000000Z"
        verify_webhook_signature(posted.body.decode(), posted.headers, SIGNER.public_key)
    with pytest.raises(WebhookVerificationError):
        verify_webhook_signature(received[0].body.decode() + "&x=1", received[0].headers, SIGNER.public_key)
    assert received[2].form["Codec"] == "PCMU"
    assert received[2].form["SamplingRate"] == "8000"


async def test_the_completed_callback_says_how_the_call_went():
    async with scene() as s:
        announcer = TexmlAnnouncer(s.webhooks, Callback(f"{s.house.url}/status"))
        (posted,) = await told(s, announcer, 1, h.Initiated(), h.Answered(), HUNG_UP)
    form = posted.form
    stats = json.loads(form.pop("CallQualityStats"))
    assert stats["inbound"]["mos"] == "4.50"
    assert form.pop("Timestamp").endswith("Z")
    sid = form["CallSid"]
    assert form == {
        "AccountSid": ACCOUNT_SID,
        "AnsweredTime": "2026-01-31T12:00:00.000000Z",
        "CallbackSource": "call-progress-events",
        "CallControlId": sid,
        "CallDuration": "61",
        "CallInitiatedAt": "2026-01-31T12:00:00.000000Z",
        "CallLegId": form["CallLegId"],
        "CallSessionId": form["CallSessionId"],
        "CallSid": sid,
        "CallSidLegacy": sid,
        "CallStatus": "completed",
        "ConnectionId": "2811200000000000000",
        "EndTime": "2026-01-31T12:01:01.500000Z",
        "From": "+12025550133",
        "HangupCause": "normal_clearing",
        "HangupSource": "callee",
        "OccurredAt": "2026-01-31T12:01:01.500000Z",
        "OrganizationId": ACCOUNT_SID,
        "RecordingUrl": "http://127.0.0.1/r.wav",
        "SequenceNumber": "3",
        "SipHangupCause": "200",
        "StartTime": "2026-01-31T12:00:00.000000Z",
        "To": "+12025550131",
        "UserId": ACCOUNT_SID,
    }


@pytest.mark.parametrize(
    ("cause", "shown"),
    [
        ("user_busy", "busy"),
        ("timeout", "no-answer"),
        ("no_answer", "no-answer"),
        ("originator_cancel", "canceled"),
        ("call_rejected", "failed"),
        ("not_found", "failed"),
    ],
)
def test_a_call_that_was_never_answered_has_its_own_status(cause, shown):
    event = status(facts(), h.HungUp(Hangup(cause, "callee", "486"), None, LATER), LATER)
    assert event is not None
    assert event[1]["CallStatus"] == shown
    assert event[1]["CallDuration"] == "0"
    assert "AnsweredTime" not in event[1]


async def test_a_get_carries_the_form_as_query():
    async with scene() as s:
        callback = Callback(f"{s.house.url}/status?mine=1", "GET", STATUS_EVENTS)
        (asked,) = await told(s, TexmlAnnouncer(s.webhooks, callback), 1, h.Ringing())
    assert asked.method == "GET"
    assert asked.body == b""
    assert asked.form["mine"] == "1"
    assert asked.form["CallStatus"] == "ringing"
    assert "content-type" not in asked.headers
    verify_webhook_signature("", asked.headers, SIGNER.public_key)


async def test_each_stream_has_its_own_callback():
    async with scene() as s:
        mine = StreamOptions("ws://127.0.0.1:9/", name="mine", status_callback=f"{s.house.url}/stream")
        silent = StreamOptions("ws://127.0.0.1:9/")
        announcer = TexmlAnnouncer(s.webhooks, Callback(f"{s.house.url}/status"))
        received = await told(
            s,
            announcer,
            3,
            h.StreamStarted(silent, "0"),
            h.StreamStarted(mine, "1"),
            h.StreamStopped(mine, "1"),
            h.StreamFailed(mine, "2", "Nobody listens."),
        )
    assert [posted.path for posted in received] == ["/stream"] * 3
    forms = [posted.form for posted in received]
    assert [form["StreamEvent"] for form in forms] == ["stream-started", "stream-stopped", "stream-failed"]
    assert [form.get("StreamError") for form in forms] == [None, None, "Nobody listens."]
    assert {form["StreamName"] for form in forms} == {"mine"}
    assert forms[0]["StreamSid"] == "1"


@pytest.mark.parametrize(
    ("result", "premium", "answered_by"),
    [
        ("human", False, "human"),
        ("human_residence", True, "human"),
        ("machine", True, "machine"),
        ("fax_detected", True, "fax"),
        ("not_sure", False, "unknown"),
        ("silence", True, "unknown"),
    ],
)
async def test_detection_is_told_to_its_own_address(result, premium, answered_by):
    async with scene() as s:
        announcer = TexmlAnnouncer(s.webhooks, amd=Callback(f"{s.house.url}/amd"))
        (posted,) = await told(
            s, announcer, 1, h.Answered(), h.MachineDetected(result, premium), h.GreetingEnded("ended", premium)
        )
    form = posted.form
    assert form.pop("MachineDetectionDuration").isdigit()
    assert form == {
        "AccountSid": ACCOUNT_SID,
        "AnsweredBy": answered_by,
        "CallSid": form["CallSid"],
        "CallSidLegacy": form["CallSid"],
        "ConnectionId": "2811200000000000000",
    }


@pytest.mark.parametrize(
    ("greeting", "answered_by"),
    [
        ("beep_detected", "machine_end_beep"),
        ("no_beep_detected", "machine_end_silence"),
        ("not_sure", "machine_end_other"),
    ],
)
async def test_who_waits_for_the_end_of_the_message_hears_of_the_machine_then(greeting, answered_by):
    async with scene() as s:
        announcer = TexmlAnnouncer(s.webhooks, amd=Callback(f"{s.house.url}/amd"), amd_at_message_end=True)
        (posted,) = await told(
            s, announcer, 1, h.MachineDetected("machine", True), h.GreetingEnded(greeting, True)
        )
    assert posted.form["AnsweredBy"] == answered_by


async def test_who_waits_for_the_end_of_the_message_hears_of_a_person_at_once():
    async with scene() as s:
        announcer = TexmlAnnouncer(s.webhooks, amd=Callback(f"{s.house.url}/amd"), amd_at_message_end=True)
        (posted,) = await told(s, announcer, 1, h.MachineDetected("human", False))
    assert posted.form["AnsweredBy"] == "human"


async def test_recordings_are_told_as_asked():
    async with scene() as s:
        callback = Callback(f"{s.house.url}/recording", "POST", frozenset({"completed", "absent"}))
        other = Callback(f"{s.house.url}/other", "POST", frozenset({"in-progress", "completed", "absent"}))
        urls = {"mp3": "http://127.0.0.1/r.mp3"}
        started, saved, absent = await told(
            s,
            TexmlAnnouncer(s.webhooks),
            3,
            h.RecordingStarted("q", "single", "OutboundAPI", STARTED, other),
            h.RecordingStarted("r", "dual", "DialVerb", STARTED, callback),
            h.RecordingSaved("s", "dual", urls, STARTED, LATER),
            h.RecordingSaved("r", "dual", urls, STARTED, LATER, "DialVerb", callback),
            h.RecordingFailed("No room.", "RecordVerb", callback),
        )
    assert saved.form == {
        "AccountSid": ACCOUNT_SID,
        "CallSid": saved.form["CallSid"],
        "CallSidLegacy": saved.form["CallSid"],
        "ConnectionId": "2811200000000000000",
        "RecordingChannels": "2",
        "RecordingDuration": "61",
        "RecordingSid": "r",
        "RecordingSource": "DialVerb",
        "RecordingStatus": "completed",
        "RecordingUrl": "http://127.0.0.1/r.mp3",
    }
    assert (absent.form["RecordingStatus"], absent.form["RecordingSource"]) == ("absent", "RecordVerb")
    assert started.path == "/other"
    assert started.form == {
        "AccountSid": ACCOUNT_SID,
        "CallSid": saved.form["CallSid"],
        "CallSidLegacy": saved.form["CallSid"],
        "ConnectionId": "2811200000000000000",
        "RecordingChannels": "1",
        "RecordingSid": "q",
        "RecordingSource": "OutboundAPI",
        "RecordingStatus": "in-progress",
    }


async def test_a_dialled_call_names_the_one_that_dialled_it():
    async with scene() as s:
        announcer = TexmlAnnouncer(s.webhooks, Callback(f"{s.house.url}/status"), parent_sid="v3:parent")
        (posted,) = await told(s, announcer, 1, h.Initiated(), HUNG_UP)
    assert (posted.form["ParentCallSid"], posted.form["ParentCallSidLegacy"]) == ("v3:parent", "v3:parent")


async def test_callbacks_may_change_in_mid_call():
    call = facts()
    async with scene() as s:
        announcer = TexmlAnnouncer(s.webhooks, Callback(f"{s.house.url}/first", "POST", STATUS_EVENTS))
        announcer.tell(call, h.Initiated())
        announcer.status = Callback(f"{s.house.url}/second", "POST", STATUS_EVENTS)
        announcer.tell(call, h.Ringing())
        announcer.status = None
        announcer.tell(call, h.Answered())
        announcer.close()
        received = await s.house.until(2)
    assert [posted.path for posted in received] == ["/first", "/second"]


def test_a_request_for_instructions_says_who_calls():
    form = instruction_request(facts(from_number="sip:ada@example.com", caller_name="Ada"), "machine")
    assert form["CallerId"] == "Ada"
    assert form["CallingPartyType"] == "sip"
    assert form["FromSipUri"] == "ada@example.com"
    assert form["ToSipUri"] == "+12025550131@192.0.2.10:5060"
    assert form["AnsweredBy"] == "machine"

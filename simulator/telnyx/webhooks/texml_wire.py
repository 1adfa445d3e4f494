"""Form parameters of the requests that Telnyx makes for TeXML. Pure.

Sources: Telnyx, "TeXML Instruction Fetching", the callback pages `texml-call-initiated`, `-ringing`, `-answered`,
`-completed`, `-amd`, `texml-recording-in-progress`, `texml-recording-completed` and
`texml-stream`, and the TeXML page of `Stream`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

from simulator.telnyx.facts import CallFacts, Hangup
from simulator.telnyx.happenings import (
    Answered,
    GreetingEnded,
    Happening,
    HungUp,
    Initiated,
    MachineDetected,
    RecordingFailed,
    RecordingSaved,
    RecordingStarted,
    Ringing,
    StreamFailed,
    StreamStarted,
    StreamStopped,
)
from simulator.telnyx.identifiers import timestamp
from simulator.telnyx.routing import AnsweredBy, RecordingEvent, StatusEvent
from simulator.telnyx.webhooks.control_parts import calling_party_type, sip_uri
from simulator.telnyx.webhooks.control_wire import quality_stats

ACCOUNT_SID: Final = "a7f4a1a2-5d1c-4a5e-9b55-51de70e00002"
"""The simulated organization."""

StreamEvent = Literal["stream-started", "stream-stopped", "stream-failed"]
Form = dict[str, str]

_STATUS: Final = {
    "normal_clearing": "completed",
    "time_limit": "completed",
    "user_busy": "busy",
    "timeout": "no-answer",
    "no_answer": "no-answer",
    "originator_cancel": "canceled",
}
_MACHINES: Final[dict[str, AnsweredBy]] = {
    "human": "human",
    "human_residence": "human",
    "human_business": "human",
    "machine": "machine",
    "fax_detected": "fax",
}
_GREETINGS: Final[dict[str, AnsweredBy]] = {
    "beep_detected": "machine_end_beep",
    "ended": "machine_end_silence",
    "no_beep_detected": "machine_end_silence",
}


def instruction_request(call: CallFacts, answered_by: AnsweredBy | None = None) -> Form:
    """What a request for TeXML instructions carries; `answered_by` after a detection that was waited for.

    Telnyx's one published example, of an incoming call, has the status `in-progress`.
    """
    form = _base(call) | {
        "CallerId": call.caller_name or call.from_number,
        "CallingPartyType": calling_party_type(call),
        "CallStatus": "in-progress",
        "FromSipUri": sip_uri(call.from_number),
        "ToSipUri": sip_uri(call.to_number),
    }
    return form if answered_by is None else form | {"AnsweredBy": answered_by}


def status(
    call: CallFacts, happening: Happening, at: datetime, parent_sid: str | None = None
) -> tuple[StatusEvent, Form] | None:
    """The call's progress as a status callback, and the event it counts as; None for anything else.

    `parent_sid`: the call that dialled this one.
    """
    told = _status(call, happening, at)
    if told is None or parent_sid is None:
        return told
    return told[0], told[1] | {"ParentCallSid": parent_sid, "ParentCallSidLegacy": parent_sid}


def _status(call: CallFacts, happening: Happening, at: datetime) -> tuple[StatusEvent, Form] | None:
    match happening:
        case Initiated():
            return "initiated", _progress(call, 0, at, "initiated")
        case Ringing():
            return "ringing", _progress(call, 1, at, "ringing")
        case Answered():
            codec = {"Codec": call.codec, "SamplingRate": str(call.sampling_rate)}
            return "answered", _progress(call, 2, at, "in-progress") | codec
        case HungUp():
            return "completed", _completed(call, happening, at)
        case _:
            return None


def ended_status(hangup: Hangup) -> str:
    """`CallStatus` of a call that is over."""
    return _STATUS.get(hangup.cause, "failed")


def answered_by(happening: MachineDetected | GreetingEnded) -> AnsweredBy:
    if isinstance(happening, GreetingEnded):
        return _GREETINGS.get(happening.result, "machine_end_other")
    return _MACHINES.get(happening.result, "unknown")


def machine_detected(call: CallFacts, found: AnsweredBy, milliseconds: int) -> Form:
    """The asynchronous callback of answering machine detection, which took so long since the answer."""
    return _call(call) | {
        "AnsweredBy": found,
        "ConnectionId": call.connection_id,
        "MachineDetectionDuration": str(milliseconds),
    }


def recording_status(
    call: CallFacts, happening: RecordingStarted | RecordingSaved | RecordingFailed
) -> tuple[RecordingEvent, Form]:
    """A recording callback and the event it counts as."""
    form = _call(call) | {"ConnectionId": call.connection_id, "RecordingSource": happening.source}
    match happening:
        case RecordingStarted():
            return "in-progress", form | _recorded(happening) | {"RecordingStatus": "in-progress"}
        case RecordingSaved():
            return "completed", form | _recording(happening) | {"RecordingStatus": "completed"}
        case RecordingFailed():
            return "absent", form | {"RecordingStatus": "absent"}


def stream_event(
    call: CallFacts, happening: StreamStarted | StreamStopped | StreamFailed, at: datetime
) -> tuple[StreamEvent, Form]:
    event: StreamEvent = "stream-started"
    if isinstance(happening, StreamStopped):
        event = "stream-stopped"
    elif isinstance(happening, StreamFailed):
        event = "stream-failed"
    form = _call(call) | {
        "StreamEvent": event,
        "StreamName": happening.stream.name,
        "StreamSid": happening.stream_id,
        "Timestamp": timestamp(at),
    }
    return event, form | {"StreamError": happening.why} if isinstance(happening, StreamFailed) else form


def _call(call: CallFacts) -> Form:
    return {
        "AccountSid": ACCOUNT_SID,
        "CallSid": call.ids.call_control_id,
        "CallSidLegacy": call.ids.call_control_id,
    }


def _base(call: CallFacts) -> Form:
    return _call(call) | {
        "ConnectionId": call.connection_id,
        "From": call.from_number,
        "To": call.to_number,
    }


def _progress(call: CallFacts, sequence: int, at: datetime, status: str) -> Form:
    form = _base(call) | {
        "CallbackSource": "call-progress-events",
        "CallInitiatedAt": timestamp(call.started_at),
        "CallStatus": status,
        "SequenceNumber": str(sequence),
        "Timestamp": timestamp(at),
    }
    return form if call.caller_name is None else form | {"CallerId": call.caller_name}


def _completed(call: CallFacts, end: HungUp, at: datetime) -> Form:
    """`CallDuration` in whole seconds since the answer, 0 for a call that was never answered."""
    since = end.answered_at
    form = _progress(call, 3, at, ended_status(end.hangup)) | {
        "CallControlId": call.ids.call_control_id,
        "CallDuration": str(max(0, int((end.ended_at - since).total_seconds())) if since else 0),
        "CallLegId": call.ids.call_leg_id,
        "CallSessionId": call.ids.call_session_id,
        "EndTime": timestamp(end.ended_at),
        "HangupCause": end.hangup.cause,
        "HangupSource": end.hangup.source,
        "OccurredAt": timestamp(end.ended_at),
        "OrganizationId": ACCOUNT_SID,
        "SipHangupCause": end.hangup.sip,
        "StartTime": timestamp(call.started_at),
        "UserId": ACCOUNT_SID,
    }
    if since is not None:
        form["AnsweredTime"] = timestamp(since)
        form["CallQualityStats"] = msgspec.json.encode(quality_stats(end.stats)).decode()
    if end.recording_url is not None:
        form["RecordingUrl"] = end.recording_url
    return form


def _recorded(recording: RecordingStarted | RecordingSaved) -> Form:
    return {
        "RecordingChannels": "2" if recording.channels == "dual" else "1",
        "RecordingSid": recording.recording_id,
    }


def _recording(saved: RecordingSaved) -> Form:
    seconds = max(0, int((saved.ended_at - saved.started_at).total_seconds()))
    form = _recorded(saved) | {"RecordingDuration": str(seconds)}
    url = next(iter(saved.urls.values()), None)
    return form if url is None else form | {"RecordingUrl": url}

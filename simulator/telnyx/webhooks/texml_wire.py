"""Form parameters of the requests that Telnyx makes for TeXML. Pure.

Source: Telnyx, "TeXML Instruction Fetching", "TeXML call callbacks" and the TeXML page of `Stream`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from simulator.telnyx.facts import CallFacts, Hangup
from simulator.telnyx.identifiers import timestamp
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.webhooks.control_wire import sip_uri

ACCOUNT_SID = "51d0ab6a-3f0e-4d0f-9a3c-1f6f0c5d7e21"
"""The simulated organization."""

StreamEvent = Literal["stream-started", "stream-stopped", "stream-failed"]
Form = dict[str, str]

_STATUS = {
    "normal_clearing": "completed",
    "time_limit": "completed",
    "user_busy": "busy",
    "timeout": "no-answer",
    "no_answer": "no-answer",
    "originator_cancel": "canceled",
}


def instruction_request(call: CallFacts) -> Form:
    """What a request for TeXML instructions always carries."""
    return _base(call) | {
        "CallerId": call.from_number,
        "CallingPartyType": "pstn",
        "CallStatus": "in-progress",
        "FromSipUri": sip_uri(call.from_number),
        "ToSipUri": sip_uri(call.to_number),
    }


def call_initiated(call: CallFacts) -> Form:
    return _progress(call, 0, call.started_at) | {
        "CallInitiatedAt": timestamp(call.started_at),
        "CallStatus": "initiated",
    }


def call_answered(call: CallFacts, at: datetime) -> Form:
    return _progress(call, 2, at) | {"CallStatus": "in-progress", "Codec": call.codec, "SamplingRate": "8000"}


def call_completed(call: CallFacts, end: Hangup, answered_at: datetime | None, at: datetime) -> Form:
    """`CallDuration` in whole seconds since the answer, 0 for a call that was never answered."""
    form = _progress(call, 3, at) | {
        "CallControlId": call.ids.call_control_id,
        "CallDuration": str(int((at - answered_at).total_seconds()) if answered_at else 0),
        "CallLegId": call.ids.call_leg_id,
        "CallSessionId": call.ids.call_session_id,
        "CallStatus": _STATUS.get(end.cause, "failed"),
        "EndTime": timestamp(at),
        "HangupCause": end.cause,
        "HangupSource": end.source,
        "SipHangupCause": end.sip,
        "StartTime": timestamp(call.started_at),
    }
    if answered_at is not None:
        form["AnsweredTime"] = timestamp(answered_at)
    return form


def stream_event(
    call: CallFacts, stream: StreamOptions, stream_id: str, event: StreamEvent, at: datetime, error: str = ""
) -> Form:
    form = {
        "AccountSid": ACCOUNT_SID,
        "CallSid": call.ids.call_control_id,
        "CallSidLegacy": call.ids.call_control_id,
        "StreamEvent": event,
        "StreamName": stream.name,
        "StreamSid": stream_id,
        "Timestamp": timestamp(at),
    }
    if error:
        form["StreamError"] = error
    return form


def _base(call: CallFacts) -> Form:
    return {
        "AccountSid": ACCOUNT_SID,
        "CallSid": call.ids.call_control_id,
        "CallSidLegacy": call.ids.call_control_id,
        "ConnectionId": call.connection_id,
        "From": call.from_number,
        "To": call.to_number,
    }


def _progress(call: CallFacts, sequence: int, at: datetime) -> Form:
    return _base(call) | {
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(sequence),
        "Timestamp": timestamp(at),
    }

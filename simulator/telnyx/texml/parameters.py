"""What requests for the next document say besides the parameters of every one. Pure.

Source: Telnyx, TeXML callbacks `texml-gather`, `texml-call-completed` (a dial's action) and
`texml-recording-completed`.
"""

from __future__ import annotations

from simulator.telnyx.happenings import RecordingSaved
from simulator.telnyx.texml.port import DialResult

Form = dict[str, str]


def gathered(digits: str) -> Form:
    return {"Digits": digits}


def recorded(recording: RecordingSaved, source: str = "RecordVerb") -> Form:
    """`RecordingDuration` in whole seconds; `RecordingChannels` 1 or 2."""
    form = {
        "RecordingChannels": "2" if recording.channels == "dual" else "1",
        "RecordingDuration": str(round((recording.ended_at - recording.started_at).total_seconds())),
        "RecordingSid": recording.recording_id,
        "RecordingSource": source,
        "RecordingStatus": "completed",
    }
    url = next(iter(recording.urls.values()), None)
    return form if url is None else form | {"RecordingUrl": url}


def dialled(result: DialResult) -> Form:
    """`DialCallDuration` in whole seconds, 0 when nobody answered."""
    form = {
        "DialCallDuration": str(result.seconds),
        "DialCallSid": result.call_sid,
        "DialCallSidLegacy": result.call_sid,
        "DialCallStatus": result.status,
    }
    return form if result.recording is None else form | recorded(result.recording, "DialVerb")

"""A recording as the REST API shows it, and the filters of its list. Pure.

Source: Telnyx, "List all call recordings"; types `RecordingResponseData` and `RecordingListParams` of the telnyx
package 4.189.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from simulator.recording.store import Recording
from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.identifiers import timestamp

_SAME: Final[dict[str, Callable[[Recording], str]]] = {
    "call_control_id": lambda recording: recording.facts.ids.call_control_id,
    "call_leg_id": lambda recording: recording.facts.ids.call_leg_id,
    "call_session_id": lambda recording: recording.facts.ids.call_session_id,
    "connection_id": lambda recording: recording.facts.connection_id,
    "from": lambda recording: recording.facts.from_number,
    "to": lambda recording: recording.facts.to_number,
    "conference_id": lambda recording: "",
    "sip_call_id": lambda recording: "",
}
_TIMES: Final[dict[str, Callable[[Recording], datetime]]] = {
    "created_at": lambda recording: recording.ended_at,
    "start_time": lambda recording: recording.started_at,
    "end_time": lambda recording: recording.ended_at,
}


def recording_resource(recording: Recording, urls: Mapping[str, str]) -> dict[str, Any]:
    """The `data` of a recording; `urls` by format."""
    facts = recording.facts
    return {
        "record_type": "recording",
        "id": recording.id,
        "call_control_id": facts.ids.call_control_id,
        "call_leg_id": facts.ids.call_leg_id,
        "call_session_id": facts.ids.call_session_id,
        "channels": recording.channels,
        "conference_id": None,
        "connection_id": facts.connection_id,
        "created_at": timestamp(recording.ended_at),
        "download_urls": dict(urls),
        "duration_millis": recording.duration_ms,
        "from": facts.from_number,
        "initiated_by": recording.initiated_by,
        "recording_ended_at": timestamp(recording.ended_at),
        "recording_started_at": timestamp(recording.started_at),
        "source": "call",
        "status": "completed",
        "to": facts.to_number,
        "updated_at": timestamp(recording.ended_at),
    }


def chosen(recordings: list[Recording], query: Mapping[str, str]) -> list[Recording]:
    """Those that every `filter[…]` of the query lets through. Raises TelnyxError for a time that is none."""
    for name, value_of in _SAME.items():
        wanted = query.get(f"filter[{name}]")
        if wanted is not None:
            recordings = [recording for recording in recordings if value_of(recording) == wanted]
    for name, time_of in _TIMES.items():
        after, before = (_time(query, f"filter[{name}][{end}]") for end in ("gte", "lte"))
        if after is not None:
            recordings = [recording for recording in recordings if time_of(recording) >= after]
        if before is not None:
            recordings = [recording for recording in recordings if time_of(recording) <= before]
    return recordings


def _time(query: Mapping[str, str], name: str) -> datetime | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except ValueError:
        detail = f"The {name} parameter must be an ISO 8601 date and time."
        raise TelnyxError(Code.BAD_REQUEST, detail, parameter=name) from None

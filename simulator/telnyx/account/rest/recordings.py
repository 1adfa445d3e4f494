"""REST routes of the recordings that calls made.

Source: Telnyx API reference, "Call Recordings".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from starlette.requests import Request
from starlette.routing import Route

from simulator.telnyx.account.kinds import Moment, moment
from simulator.telnyx.account.refusals import not_found
from simulator.telnyx.account.rest.filters import Filter, equals, filtered, passed_over
from simulator.telnyx.paging import paged, read_page
from simulator.telnyx.rest.router import Router


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recording. Times are ISO 8601 in UTC; `download_urls` maps `wav` or `mp3` to where the file is."""

    id: str
    call_control_id: str
    call_leg_id: str
    call_session_id: str
    connection_id: str
    from_number: str
    to_number: str
    channels: Literal["single", "dual"]
    started_at: str
    ended_at: str
    duration_ms: int
    download_urls: dict[str, str]
    initiated_by: str = "StartRecordingAPI"


class RecordingsSource(Protocol):
    def recordings(self) -> Iterable[Recording]:
        """All that are kept, oldest first."""
        ...

    def recording(self, recording_id: str) -> Recording | None: ...


def recordings(source: RecordingsSource, router: Router) -> list[Route]:
    filters: dict[str, Filter[Recording]] = {
        "conference_id": equals(lambda _recording: None),
        "conference_region": passed_over(),
        "sip_call_id": equals(lambda _recording: None),
        "connection_id": equals(lambda recording: recording.connection_id),
        "call_control_id": equals(lambda recording: recording.call_control_id),
        "call_leg_id": equals(lambda recording: recording.call_leg_id),
        "call_session_id": equals(lambda recording: recording.call_session_id),
        "from": equals(lambda recording: recording.from_number),
        "to": equals(lambda recording: recording.to_number),
        **_between("created_at", lambda recording: recording.ended_at),
        **_between("start_time", lambda recording: recording.started_at),
        **_between("end_time", lambda recording: recording.ended_at),
    }

    async def list_all(request: Request) -> dict[str, Any]:
        query = request.query_params.multi_items()
        page = read_page(query)
        answer = paged(filtered(source.recordings(), query, filters)[::-1], page)
        answer["data"] = [_shown(recording) for recording in answer["data"]]
        return answer

    async def retrieve(request: Request) -> dict[str, Any]:
        recording = source.recording(request.path_params["id"])
        if recording is None:
            raise not_found()
        return {"data": _shown(recording)}

    return [
        router.route("/recordings", GET=list_all),
        router.route("/recordings/{id}", GET=retrieve),
    ]


def _between(name: str, of: Callable[[Recording], str]) -> dict[str, Filter[Recording]]:
    """`[gte]` and `[lte]` of a time."""

    def seconds(text: str) -> float:
        instant = moment(text)
        return 0.0 if instant is None else instant.timestamp()

    return {
        f"{name}[gte]": Filter(lambda recording, value: seconds(of(recording)) >= seconds(value), Moment()),
        f"{name}[lte]": Filter(lambda recording, value: seconds(of(recording)) <= seconds(value), Moment()),
    }


def _shown(recording: Recording) -> dict[str, Any]:
    return {
        "record_type": "recording",
        "id": recording.id,
        "call_control_id": recording.call_control_id,
        "call_leg_id": recording.call_leg_id,
        "call_session_id": recording.call_session_id,
        "conference_id": None,
        "connection_id": recording.connection_id,
        "from": recording.from_number,
        "to": recording.to_number,
        "channels": recording.channels,
        "source": "call",
        "status": "completed",
        "initiated_by": recording.initiated_by,
        "recording_started_at": recording.started_at,
        "recording_ended_at": recording.ended_at,
        "duration_millis": recording.duration_ms,
        "download_urls": recording.download_urls,
        "created_at": recording.ended_at,
        "updated_at": recording.ended_at,
    }

"""TeXML's recordings: started, paused and stopped on a call, listed, fetched and deleted.

Source: Telnyx API reference, "Request recording for a call", "Fetch recordings for a call", "Fetch recording
resource"; types of the telnyx package 4.189 (`types/texml`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from simulator.recording.call_files import CallRecording
from simulator.recording.store import Recording, Recordings
from simulator.telnyx.calls import commands
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.calls.texml_calls import callback_of
from simulator.telnyx.errors import TexmlNotFound
from simulator.telnyx.happenings import RecordingStarted
from simulator.telnyx.requests import texml_updates
from simulator.telnyx.requests.fields import Object
from simulator.telnyx.rest.texml_query import asked_page, moment
from simulator.telnyx.router import Router

_COMMANDS: Final = {"paused": "pause", "in-progress": "resume", "stopped": "stop"}

Resource = dict[str, Any]


def routes(
    router: Router,
    recordings: Recordings,
    find: Callable[[Request], CallLeg],
    read: Callable[[Request, Object], Awaitable[dict[str, Any]]],
) -> list[BaseRoute]:
    """`find` gives the call of a request or raises TexmlNotFound; `read` its body, decoded by a table."""

    async def start(request: Request) -> Resource:
        wanted = texml_updates.parse_recording(await read(request, texml_updates.RECORDING))
        leg = find(request)
        sid = commands.start_recording(leg, replace(wanted.order.rules, callback=callback_of(wanted.callback)))
        return _created(request, leg, *_live(leg, sid)) | {"track": wanted.order.rules.track}

    async def change(request: Request) -> Resource:
        wanted = texml_updates.parse_recording_update(await read(request, texml_updates.RECORDING_UPDATE))
        leg = find(request)
        sid = request.path_params["recording_sid"]
        found = _live(leg, sid)
        commands.change_recording(leg, _COMMANDS[wanted], sid)
        return _created(request, leg, *found)

    async def of_call(request: Request) -> Resource:
        leg = find(request)
        live = [_live_resource(request, leg, *one) for one in reversed(leg.recordings.live())]
        saved = [one for one in recordings.newest_first() if one.facts.ids.call_control_id == leg.id]
        return _page(request, [*live, *(_saved(request, recordings, one) for one in saved)])

    async def of_account(request: Request) -> Resource:
        found = recordings.newest_first()
        created = request.query_params.get("DateCreated")
        if created is not None:
            day = moment(created, "DateCreated").date()
            found = [one for one in found if one.ended_at.date() == day]
        return _page(request, [_saved(request, recordings, one) for one in found])

    async def retrieve(request: Request) -> Resource:
        return _saved(request, recordings, _known(recordings.get(request.path_params["recording_sid"])))

    async def delete(request: Request) -> Response:
        _known(recordings.remove(request.path_params["recording_sid"]))
        return Response(status_code=204)

    account = "/texml/Accounts/{account_sid}"
    call = f"{account}/Calls/{{call_sid}}"
    return [
        router.route(f"{account}/Recordings.json", GET=of_account),
        router.route(f"{account}/Recordings/{{recording_sid}}.json", GET=retrieve, DELETE=delete),
        router.route(f"{call}/Recordings.json", POST=start, GET=of_call),
        router.route(f"{call}/Recordings/{{recording_sid}}.json", POST=change),
    ]


def _live(leg: CallLeg, sid: str) -> tuple[CallRecording, RecordingStarted]:
    for recording, started in leg.recordings.live():
        if recording.id == sid:
            return recording, started
    raise TexmlNotFound()


def _known(recording: Recording | None) -> Recording:
    if recording is None:
        raise TexmlNotFound()
    return recording


def _created(request: Request, leg: CallLeg, recording: CallRecording, started: RecordingStarted) -> Resource:
    """A recording that was started or changed: it has a price, and no address yet."""
    resource = _resource(
        request, recording.id, leg.id, started.channels, started.source, started.started_at, datetime.now(UTC)
    )
    return resource | {"price": None, "price_unit": None}


def _live_resource(
    request: Request, leg: CallLeg, recording: CallRecording, started: RecordingStarted
) -> Resource:
    resource = _resource(
        request, recording.id, leg.id, started.channels, started.source, started.started_at, started.started_at
    )
    return resource | {"media_url": None, "status": "paused" if recording.is_paused else "in-progress"}


def _saved(request: Request, recordings: Recordings, recording: Recording) -> Resource:
    """`duration` in whole seconds, as a string."""
    resource = _resource(
        request,
        recording.id,
        recording.facts.ids.call_control_id,
        recording.channels,
        recording.initiated_by,
        recording.started_at,
        recording.ended_at,
    )
    return resource | {
        "duration": str(recording.duration_ms // 1000),
        "media_url": next(iter(recordings.urls(recording).values())),
        "status": "completed",
        "subresources_uris": {"transcriptions": None},
    }


def _resource(
    request: Request,
    sid: str,
    call_sid: str,
    channels: str,
    source: str,
    started_at: datetime,
    updated_at: datetime,
) -> Resource:
    account_sid = request.path_params["account_sid"]
    return {
        "account_sid": account_sid,
        "call_sid": call_sid,
        "channels": 2 if channels == "dual" else 1,
        "conference_sid": None,
        "date_created": started_at.isoformat(),
        "date_updated": updated_at.isoformat(),
        "duration": None,
        "error_code": None,
        "sid": sid,
        "source": source,
        "start_time": started_at.isoformat(),
        "uri": f"/v2/texml/Accounts/{account_sid}/Recordings/{sid}.json",
    }


def _page(request: Request, resources: list[Resource]) -> Resource:
    shown, page = asked_page(request, resources)
    return page | {"recordings": list(shown), "previous_page_uri": None}

"""Recordings over HTTP: Telnyx's resource below `/v2`, and the files themselves without a key."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from simulator.recording.resource import chosen, recording_resource
from simulator.recording.store import LinkRefused, Recording, Recordings
from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.paging import paged, read_page
from simulator.telnyx.requests.fields import Many, Object, Text
from simulator.telnyx.router import Router, json_body

_MEDIA_TYPES: Final = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_DELETE: Final = Object({"ids": Many(Text())}, required=("ids",))


def routes(router: Router, recordings: Recordings) -> list[BaseRoute]:
    """`/recordings`, below `/v2`."""

    def resource(recording: Recording) -> dict[str, Any]:
        return recording_resource(recording, recordings.urls(recording))

    async def list_all(request: Request) -> dict[str, Any]:
        page = read_page(request.query_params.multi_items())
        answer = paged(chosen(recordings.newest_first(), request.query_params), page)
        return answer | {"data": [resource(recording) for recording in answer["data"]]}

    async def retrieve(request: Request) -> dict[str, Any]:
        return {"data": resource(_known(recordings.get(request.path_params["recording_id"])))}

    async def delete(request: Request) -> dict[str, Any]:
        recording = _known(recordings.get(request.path_params["recording_id"]))
        answer = {"data": resource(recording)}
        recordings.remove(recording.id)
        return answer

    async def delete_many(request: Request) -> dict[str, Any]:
        found = [_known(recordings.get(wanted)) for wanted in _DELETE.read(await json_body(request))["ids"]]
        for recording in found:
            recordings.remove(recording.id)
        return {"status": "ok"}

    return [
        router.route("/recordings", GET=list_all),
        router.route("/recordings/actions/delete", POST=delete_many),
        router.route("/recordings/{recording_id}", GET=retrieve, DELETE=delete),
    ]


def download_routes(recordings: Recordings) -> list[BaseRoute]:
    """`/recordings/{token}.{wav|mp3}`, where `recording_urls` and `download_urls` lead."""

    async def download(request: Request) -> Response:
        try:
            recording = recordings.linked(request.path_params["name"])
        except LinkRefused as refused:
            return PlainTextResponse(f"{refused}\n", 403)
        if recording is None or not recording.path.is_file():
            return PlainTextResponse("The recording was deleted.\n", 404)
        return FileResponse(recording.path, media_type=_MEDIA_TYPES[recording.format])

    return [Route("/recordings/{name}", download, methods=["GET"])]


def _known(recording: Recording | None) -> Recording:
    if recording is None:
        raise TelnyxError(Code.NOT_FOUND, "The requested recording could not be found.")
    return recording

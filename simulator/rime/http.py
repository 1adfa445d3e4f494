"""Rime's streaming HTTP endpoint, `POST /v1/rime-tts`: the whole text at once, sound in the answer's body."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from simulator.faults import Faults
from simulator.http_body import BodyError, read_body
from simulator.http_fault import show
from simulator.rime.doors import check_key, text_for
from simulator.rime.parameters import Refused, Voicing, of_body
from simulator.rime.speaking import Speaker
from simulator.speech.synthesiser import Speech, Synthesiser
from simulator.voice_socket import Closed

log = logging.getLogger(__name__)

_MAX_BODY_BYTES: Final = 256 * 1024


async def synthesise(request: Request, synthesiser: Synthesiser, faults: Faults) -> Response:
    try:
        check_key(request.headers)
        await show(
            faults.take("rime", "request"), request, lambda status, text: Refused(status, text or text_for(status))
        )
        accept = request.headers.get("accept", "")
        text, voicing = of_body(await _body(request), accept)
        speaker = Speaker(synthesiser, faults.take("rime", "after_ms"))
        speech = await speaker.speech(text, voicing)
    except Refused as refused:
        log.info("Rime's stand-in refused a request: %s", refused)
        return PlainTextResponse(str(refused), refused.status)
    except Closed as closed:
        log.error("Rime's stand-in cannot speak: %s", closed.reason)
        return PlainTextResponse(closed.reason, 500)
    return StreamingResponse(_audio(speaker, speech, voicing), media_type=accept.partition(";")[0].strip())


async def _audio(speaker: Speaker, speech: Speech, voicing: Voicing) -> AsyncIterator[bytes]:
    async for audio in speaker.chunks(speech, voicing):
        yield audio


async def _body(request: Request) -> Any:
    try:
        body = await read_body(request, _MAX_BODY_BYTES)
    except BodyError as error:
        raise Refused(400, str(error)) from None
    if not body:
        raise Refused(400, "request body is required")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise Refused(400, "payload must be an object") from None

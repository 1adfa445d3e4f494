"""Rime's streaming HTTP endpoint, `POST /v1/rime-tts`: the whole text at once, sound in the answer's body."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from simulator.faults import Fault, Faults
from simulator.http_body import BodyError, read_body
from simulator.rime.doors import check_key, text_for
from simulator.rime.parameters import Refused, Voicing, of_body
from simulator.rime.speaking import Broken, Speaker
from simulator.speech.synthesiser import Speech, Synthesiser

log = logging.getLogger(__name__)

_MAX_BODY_BYTES: Final = 256 * 1024


async def synthesise(request: Request, synthesiser: Synthesiser, faults: Faults) -> Response:
    try:
        check_key(request.headers)
        fault = faults.take("rime", "request")
        if fault is not None:
            await _show(fault, request)
        accept = request.headers.get("accept", "")
        text, voicing = of_body(await _body(request), accept)
        speaker = Speaker(synthesiser, faults.take("rime", "after_ms"))
        speech = await speaker.speech(text, voicing)
    except Refused as refused:
        log.info("Rime's stand-in refused a request: %s", refused)
        return PlainTextResponse(str(refused), refused.status)
    except Broken as broken:
        log.error("Rime's stand-in cannot speak: %s", broken.reason)
        return PlainTextResponse(broken.reason, 500)
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


async def _show(fault: Fault, request: Request) -> None:
    """Wait, fail or fall silent as the fault says; returning means the usual answer."""
    await asyncio.sleep(fault.after_ms / 1000)
    if fault.code == 0:
        while (await request.receive())["type"] != "http.disconnect":
            pass
    if fault.code != 200:
        status = fault.code if 400 <= fault.code <= 599 else 500
        raise Refused(status, fault.text or text_for(status))

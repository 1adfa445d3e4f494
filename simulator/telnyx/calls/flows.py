"""What the network does with a call: a Call Control dial rings and streams, an incoming call follows TeXML."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlencode

import httpx

from simulator.addresses import shown
from simulator.telnyx.calls.leg import Call
from simulator.telnyx.facts import Hangup
from simulator.telnyx.requests.calls import DialRequest
from simulator.telnyx.texml.parse import (
    ConnectStream,
    HangUp,
    Pause,
    Redirect,
    Reject,
    Skipped,
    TexmlError,
    Verb,
    parse,
)
from simulator.telnyx.webhooks import texml_wire
from simulator.telnyx.webhooks.announce import FORM
from simulator.telnyx.webhooks.delivery import Webhooks

_FETCH_SECONDS: Final = 5.0
_MAX_REDIRECTS: Final = 20

_REJECTIONS: Final = {
    "busy": Hangup("user_busy", "callee", "486"),
    "rejected": Hangup("call_rejected", "callee", "603"),
}

Method = Literal["GET", "POST"]


def dial_out(request: DialRequest, ring_ms: int) -> Callable[[Call], Awaitable[None]]:
    """Ring, answer and stream as a dial asks. Call Control has no next verb: the call then stays up."""

    async def flow(call: Call) -> None:
        if ring_ms > request.timeout_secs * 1000:
            await asyncio.sleep(request.timeout_secs)
            call.hang_up(Hangup("timeout", "caller", "unspecified"))
            return
        prepared, _ = await asyncio.gather(call.prepare(), asyncio.sleep(ring_ms / 1000))
        if not prepared:
            return
        call.answer()
        try:
            async with asyncio.timeout(request.time_limit_secs):
                if request.stream is not None:
                    await call.stream(request.stream)
                await asyncio.Event().wait()
        except TimeoutError:
            call.hang_up(Hangup("time_limit", "unknown"))

    return flow


@dataclass(frozen=True, slots=True)
class TexmlFlow:
    """Fetch instructions and run them verb by verb; when the document is exhausted Telnyx hangs up."""

    url: str
    method: Method
    webhooks: Webhooks

    async def __call__(self, call: Call) -> None:
        if not await call.prepare():
            return
        try:
            await self._run(call)
        except TexmlError as error:
            call.warn(str(error))
            call.hang_up(Hangup("unspecified", "callee", "unspecified"))
        else:
            call.application_hangs_up()

    async def _run(self, call: Call) -> None:
        url, method = self.url, self.method
        for _ in range(_MAX_REDIRECTS + 1):
            redirect = await self._run_document(call, await self._fetch(call, url, method))
            if redirect is None:
                return
            url, method = redirect.url, redirect.method
        raise TexmlError(f"The TeXML was redirected more than {_MAX_REDIRECTS} times; end the loop of <Redirect>.")

    async def _run_document(self, call: Call, verbs: tuple[Verb, ...]) -> Redirect | None:
        for verb in verbs:
            match verb:
                case Skipped(warning):
                    call.warn(warning)
                case Redirect():
                    return verb
                case Reject(reason):
                    call.hang_up(_REJECTIONS[reason])
                    return None
                case HangUp():
                    return None
                case Pause(seconds):
                    _answer(call)
                    await asyncio.sleep(seconds)
                case ConnectStream(stream):
                    _answer(call)
                    await call.stream(stream)
        return None

    async def _fetch(self, call: Call, url: str, method: Method) -> tuple[Verb, ...]:
        form = urlencode(texml_wire.instruction_request(call.facts)).encode()
        try:
            async with asyncio.timeout(_FETCH_SECONDS):
                answer = await self.webhooks.request(url, method, form, FORM)
        except TimeoutError:
            raise TexmlError(f"{shown(url)} did not answer with TeXML within {_FETCH_SECONDS:g} s.") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TexmlError(f"TeXML could not be fetched from {shown(url)}: {error}.") from error
        if answer.status != 200:
            raise TexmlError(f"TeXML needs HTTP 200, but {shown(url)} answered {answer.status}.")
        return parse(answer.body, answer.url)


def _answer(call: Call) -> None:
    if call.answered_at is None:
        call.answer()

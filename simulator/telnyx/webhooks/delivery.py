"""Delivery of webhooks and callbacks: signed, retried, in order within a call, never in the way of one.

Rules from Telnyx's "Webhook Fundamentals" and "Voice API Webhooks": a 2xx within 2,000 ms counts as delivered;
408, 429, 5xx and time-outs are tried again with exponential back-off, other answers are not.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import httpx

from simulator.addresses import shown
from simulator.telnyx.webhooks.signing import Signer

log = logging.getLogger(__name__)

_DEADLINE_SECONDS: Final = 2.0
_ATTEMPTS: Final = 3
_FIRST_PAUSE_SECONDS: Final = 0.5
_QUEUE: Final = 100
_MAX_REDIRECTS: Final = 3
_MAX_ANSWER_BYTES: Final = 65_536

USER_AGENT: Final = "telnyx-webhooks"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to an application. `body` makes the content for an attempt, counted from 1.

    With GET the body, which is then form-encoded, travels as the query.
    """

    what: str
    url: str
    body: Callable[[int], bytes]
    content_type: str = "application/json"
    method: Literal["GET", "POST"] = "POST"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an application answered: at most 64 KiB and a byte of `body`, from `url` after redirects."""

    status: int
    body: bytes
    url: str


class Webhooks:
    """Sends every request that Telnyx makes to an application by HTTP."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._client = httpx.AsyncClient(
            trust_env=False, timeout=None, follow_redirects=True, max_redirects=_MAX_REDIRECTS
        )
        self._channels: set[asyncio.Task[None]] = set()

    def channel(self) -> Channel:
        """An ordered way to one call's application. Close it when the call is over."""
        channel = Channel(self)
        task = asyncio.create_task(channel.run())
        self._channels.add(task)
        task.add_done_callback(self._forget)
        return channel

    async def close(self, grace_seconds: float) -> None:
        """Let what is under way arrive within `grace_seconds`, then give up."""
        if self._channels:
            _, late = await asyncio.wait(self._channels, timeout=grace_seconds)
            for task in late:
                task.cancel()
            if late:
                log.warning("%d calls ended with webhooks undelivered.", len(late))
                await asyncio.wait(late)
        await self._client.aclose()

    async def request(self, url: str, method: Literal["GET", "POST"], body: bytes, content_type: str) -> Answer:
        """One signed request, without a deadline of its own. Raises httpx.HTTPError or httpx.InvalidURL."""
        # A GET has no body, so its signature covers an empty one.
        content = b"" if method == "GET" else body
        headers = {"User-Agent": USER_AGENT} | self._signer.headers(content, int(time.time()))
        if method == "GET":
            url += ("&" if "?" in url else "?") + body.decode()
        else:
            headers["Content-Type"] = content_type
        async with self._client.stream(method, url, content=content or None, headers=headers) as response:
            received = bytearray()
            async for chunk in response.aiter_bytes():
                received += chunk
                if len(received) > _MAX_ANSWER_BYTES:
                    break
            return Answer(response.status_code, bytes(received[: _MAX_ANSWER_BYTES + 1]), str(response.url))

    async def deliver(self, delivery: Delivery) -> bool:
        """Whether the application took it, after up to three attempts."""
        problem = ""
        for attempt in range(1, _ATTEMPTS + 1):
            if attempt > 1:
                await asyncio.sleep(_FIRST_PAUSE_SECONDS * 2 ** (attempt - 2))
            try:
                async with asyncio.timeout(_DEADLINE_SECONDS):
                    answer = await self.request(
                        delivery.url, delivery.method, delivery.body(attempt), delivery.content_type
                    )
            except TimeoutError:
                problem = f"no answer within {_DEADLINE_SECONDS:g} s"
                continue
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                problem = str(error) or type(error).__name__
                continue
            if 200 <= answer.status < 300:
                return True
            problem = f"HTTP {answer.status}"
            if answer.status not in (408, 429) and answer.status < 500:
                break
        log.warning("%s was not delivered to %s: %s.", delivery.what, shown(delivery.url), problem)
        return False

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._channels.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("Webhook delivery failed.", exc_info=error)


class Channel:
    """What one call still has to tell its application."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks
        self._queue: asyncio.Queue[Delivery | None] = asyncio.Queue(_QUEUE)

    def send(self, delivery: Delivery) -> None:
        try:
            self._queue.put_nowait(delivery)
        except asyncio.QueueFull:
            log.error(
                "%s was dropped: %d messages to %s wait already.", delivery.what, _QUEUE, shown(delivery.url)
            )

    def close(self) -> None:
        """Nothing more will be sent."""
        try:
            self._queue.put_nowait(None)
        except asyncio.QueueFull:
            self._queue.get_nowait()
            self._queue.put_nowait(None)

    async def run(self) -> None:
        while (delivery := await self._queue.get()) is not None:
            await self._webhooks.deliver(delivery)

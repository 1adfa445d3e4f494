"""Delivery of webhooks and callbacks: signed, retried, at a failover address, never in the way of a call.

Rules from Telnyx's "Webhook Fundamentals", "Voice API Webhooks" and "Voice API Fundamentals": a 2xx within
2,000 ms counts as delivered; 408, 429, 5xx, time-outs and failed connections are tried again with exponential
back-off, other answers are not; the failover address is used after two failed attempts, or when the first address
refused (the example of "List webhook deliveries" shows a 404 followed by the failover address).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from simulator.addresses import shown
from simulator.telnyx.routing import Method
from simulator.telnyx.webhooks.channel import Channel
from simulator.telnyx.webhooks.client import Answer, RequestFailed, SignedClient, with_query
from simulator.telnyx.webhooks.disorder import Disorder, Disorders
from simulator.telnyx.webhooks.history import Attempt, History
from simulator.telnyx.webhooks.message import Delivered, Delivery, Observer
from simulator.telnyx.webhooks.signing import Signer

log = logging.getLogger(__name__)

_BEFORE_FAILOVER: Final = 2


class Webhooks:
    """Sends every request that Telnyx makes to an application by HTTP, and keeps the history of deliveries."""

    def __init__(
        self,
        signer: Signer,
        history: History | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`pause` waits for some seconds, between attempts and where disorder delays."""
        self.history = History() if history is None else history
        self.client = SignedClient(signer)
        self._disorders = Disorders()
        self._pause = pause
        self._channels: set[asyncio.Task[None]] = set()

    def channel(self, on_answer: Observer | None = None) -> Channel:
        """An ordered way to one call's application. Close it when the call is over."""
        channel = Channel(lambda delivery: self.deliver(delivery, on_answer), self._disorders, self._pause)
        task = asyncio.create_task(channel.run())
        self._channels.add(task)
        task.add_done_callback(self._forget)
        return channel

    def disturb(self, disorder: Disorder) -> None:
        """What is sent from now on suffers from `disorder`, in calls that are up as well."""
        self._disorders.set(disorder)

    async def close(self, grace_seconds: float) -> None:
        """Let what is under way arrive within `grace_seconds`, then give up."""
        if self._channels:
            _, late = await asyncio.wait(self._channels, timeout=grace_seconds)
            for task in late:
                task.cancel()
            if late:
                log.warning("%d calls ended with webhooks undelivered.", len(late))
                await asyncio.wait(late)
        await self.client.close()

    async def request(self, url: str, method: Method, body: bytes, content_type: str) -> Answer:
        """One signed request without a deadline; with GET `body` is the query. Raises RequestFailed."""
        if method == "GET":
            return await self.client.send(
                with_query(url, body.decode()), method, b"", self.client.headers(b"", None)
            )
        return await self.client.send(url, method, body, self.client.headers(body, content_type))

    async def deliver(self, delivery: Delivery, on_answer: Observer | None = None) -> bool:
        """Whether the application took it, at last."""
        attempts: list[Attempt] = []
        url = delivery.target.url
        for number, pause in enumerate((0.0, *delivery.pauses), start=1):
            if number > 1:
                await self._pause(pause)
            attempt = await self._attempt(delivery, url, number)
            attempts.append(attempt)
            self.history.attempt(delivery.facts, delivery.content, attempt)
            if on_answer is not None:
                on_answer(_delivered(delivery, attempt))
            if attempt.delivered:
                break
            failover = delivery.failover_url
            if failover and url != failover and (number >= _BEFORE_FAILOVER or attempt.refused):
                url = failover
            elif attempt.refused:
                break
        self.history.webhook(delivery.content, attempts)
        last = attempts[-1]
        if not last.delivered:
            log.warning("%s was not delivered to %s: %s.", delivery.what, shown(last.url), last.problem)
        return last.delivered

    async def _attempt(self, delivery: Delivery, url: str, number: int) -> Attempt:
        # A GET has no body, so its signature covers an empty one.
        content, method = delivery.content, delivery.target.method
        is_get = method == "GET"
        body = b"" if is_get else content.body(number, url)
        headers = self.client.headers(body, None if is_get else content.content_type)
        sent_to = with_query(url, content.query(number, url)) if is_get else url
        clock = asyncio.get_running_loop().time
        started_at, started = datetime.now(UTC), clock()
        answer, problem = None, ""
        try:
            async with asyncio.timeout(delivery.deadline_seconds):
                answer = await self.client.send(sent_to, method, body, headers)
                problem = f"HTTP {answer.status}"
        except TimeoutError:
            problem = f"no answer within {delivery.deadline_seconds:g} s"
        except RequestFailed as error:
            problem = str(error)
        elapsed_ms = (clock() - started) * 1000
        return Attempt(number, url, sent_to, headers, started_at, datetime.now(UTC), elapsed_ms, answer, problem)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._channels.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("Webhook delivery failed.", exc_info=error)


def _delivered(delivery: Delivery, attempt: Attempt) -> Delivered:
    return Delivered(
        event_type=delivery.what,
        url=attempt.url,
        attempt=attempt.number,
        status=attempt.answer.status if attempt.answer else None,
        elapsed_ms=attempt.elapsed_ms,
        deadline_ms=delivery.deadline_seconds * 1000,
        problem="" if attempt.answer else attempt.problem,
    )

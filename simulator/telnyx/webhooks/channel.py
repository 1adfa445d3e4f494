"""The way of one call's messages to its application: in order, bounded, disturbed on request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from simulator.addresses import shown
from simulator.telnyx.webhooks.disorder import Disorder, Disorders, Disturbance, Disturber
from simulator.telnyx.webhooks.message import Delivery

log = logging.getLogger(__name__)

_QUEUE: Final = 500
_BEHIND: Final = 20
"""Deliveries that may still be tried again while newer ones go on."""
_OVERTAKEN_SECONDS: Final = 1.0
"""An overtaken delivery leaves after this time when nothing follows it."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """`due` in seconds of the event loop's clock."""

    delivery: Delivery
    disturbance: Disturbance
    due: float


class Channel:
    """What one call still has to tell its application.

    Telnyx promises no order. Here a delivery waits for the one before it, but no longer than that one's deadline:
    an application that is slow or down does not hold up its call.
    """

    def __init__(
        self,
        deliver: Callable[[Delivery], Coroutine[Any, Any, object]],
        disorders: Disorders,
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self._deliver = deliver
        self._disorders = disorders
        self._pause = pause
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue()
        self._closed = False
        self._disorder: Disorder | None = None
        self._disturber: Disturber | None = None
        self._overtaken: _Waiting | None = None
        self._behind: set[asyncio.Task[object]] = set()

    def send(self, delivery: Delivery) -> None:
        """Queue a message; beyond 500 that wait, or after `close`, it is dropped and logged."""
        if self._closed:
            log.error("%s was dropped: its call's announcer is closed.", delivery.what)
        elif self._queue.qsize() >= _QUEUE:
            log.error(
                "%s was dropped: %d messages to %s wait already.",
                delivery.what,
                _QUEUE,
                shown(delivery.target.url),
            )
        else:
            disturbance = self._disturb()
            due = asyncio.get_running_loop().time() + disturbance.delay_seconds
            self._queue.put_nowait(_Waiting(delivery, disturbance, due))

    def close(self) -> None:
        """Nothing more will be sent."""
        if not self._closed:
            self._closed = True
            self._queue.put_nowait(None)

    async def run(self) -> None:
        """Deliver until closed and everything has arrived or been given up."""
        try:
            while (waiting := await self._next()) is not None:
                if waiting.disturbance.overtaken and self._overtaken is None:
                    self._overtaken = waiting
                else:
                    await self._leave(waiting)
                    await self._let_go()
            await self._let_go()
            if self._behind:
                await asyncio.wait(self._behind)
        finally:
            for task in self._behind:
                task.cancel()
            if self._behind:
                await asyncio.wait(self._behind)

    def _disturb(self) -> Disturbance:
        current = self._disorders.current
        if self._disturber is None or current is not self._disorder:
            self._disorder, self._disturber = current, self._disorders.disturber()
        return self._disturber.next()

    async def _next(self) -> _Waiting | None:
        while True:
            try:
                async with asyncio.timeout(_OVERTAKEN_SECONDS if self._overtaken else None):
                    return await self._queue.get()
            except TimeoutError:
                await self._let_go()

    async def _let_go(self) -> None:
        if self._overtaken is not None:
            waiting, self._overtaken = self._overtaken, None
            await self._leave(waiting)

    async def _leave(self, waiting: _Waiting) -> None:
        if waiting.disturbance.delay_seconds:
            await self._pause(max(0.0, waiting.due - asyncio.get_running_loop().time()))
        for _ in range(waiting.disturbance.copies):
            if len(self._behind) >= _BEHIND:
                await asyncio.wait(self._behind, return_when=asyncio.FIRST_COMPLETED)
            task = asyncio.create_task(self._deliver(waiting.delivery))
            self._behind.add(task)
            task.add_done_callback(self._done)
            await asyncio.wait({task}, timeout=waiting.delivery.deadline_seconds)

    def _done(self, task: asyncio.Task[object]) -> None:
        self._behind.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("Webhook delivery failed.", exc_info=error)

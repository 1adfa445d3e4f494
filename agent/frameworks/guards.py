"""What a session has to do later or beside its own work; nothing of it outlives the session or fails unheard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from agent import events
from agent.events import Event

log = logging.getLogger(__name__)


class Guards:
    """Tasks of one call; a failure becomes an event."""

    def __init__(self, emit: Callable[[Event], object]) -> None:
        self._emit = emit
        self._tasks: set[asyncio.Task[None]] = set()

    def after(self, seconds: float, action: Callable[[], Awaitable[object]]) -> None:
        """Do it once that time has passed, unless the call is over by then."""

        async def wait() -> None:
            await asyncio.sleep(seconds)
            await action()

        task = asyncio.create_task(wait())
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def cancel(self) -> None:
        """Drop what has not been done yet; the task that asks is left to end by itself."""
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("A task of a call failed", exc_info=error)
            self._emit(events.Error(where="agent", message=f"{error!r}", fix="See the agent's log."))

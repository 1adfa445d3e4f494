"""Keeps one process up: starts it, notices its end, and starts it again after a growing pause."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace

from console.process import Process, RunningFile, StartError
from console.process_state import Phase, ProcessState

PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
STEADY_S = 30.0
"""After so long the next crash counts as the first one."""


class Keeper:
    """``tell`` hears of every change, ``came_up`` of every start that worked. ``clock`` is wall time."""

    def __init__(
        self,
        process: Process,
        tell: Callable[[ProcessState], None],
        came_up: Callable[[RunningFile], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.process = process
        self.up = asyncio.Event()
        self._tell, self._came_up, self._clock = tell, came_up, clock
        self._asked = asyncio.Event()
        self._state = ProcessState(process.name)

    def restart(self) -> None:
        """Start the process anew, or try at once when it is waiting for its next try."""
        self._asked.set()

    async def run(self) -> None:
        """Never returns; cancel it to let go of the process, which goes on."""
        failures = 0
        while True:
            self._asked.clear()
            self._say("starting")
            try:
                running = await self.process.find_or_start()
            except StartError as error:
                reason, tail = str(error), error.tail
            else:
                began = time.monotonic()
                reason = await self._while_up(running)
                if reason is None:
                    failures = 0
                    continue
                tail = () if self.process.attached else self.process.tail()
                if time.monotonic() - began >= STEADY_S:
                    failures = 0
            pause = PAUSES_S[min(failures, len(PAUSES_S) - 1)]
            failures += 1
            self._say("crashed", detail=reason, tail=tail, retry_at=self._clock() + pause)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._asked.wait()
                    failures = 0

    async def _while_up(self, running: RunningFile) -> str | None:
        """Returns why the process ended, or None when it was stopped to be started anew."""
        self._say("up", pid=running.pid, port=running.port, attached=self.process.attached)
        self.up.set()
        self._came_up(running)
        ended = asyncio.create_task(self.process.ended())
        asked = asyncio.create_task(self._asked.wait())
        try:
            await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return ended.result()
            self.up.clear()
            self._say("stopping")
            await self.process.stop()
            return None
        finally:
            self.up.clear()
            ended.cancel()
            asked.cancel()

    def _say(
        self,
        phase: Phase,
        *,
        pid: int = 0,
        port: int = 0,
        attached: bool = False,
        detail: str = "",
        tail: tuple[str, ...] = (),
        retry_at: float = 0.0,
    ) -> None:
        self._state = replace(
            self._state,
            phase=phase,
            since=self._clock(),
            pid=pid,
            port=port,
            attached=attached,
            detail=detail,
            tail=tail,
            retry_at=retry_at,
        )
        self._tell(self._state)

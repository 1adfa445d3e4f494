"""An operator at one live call: present for the agent, and told of every event, until the call is over or they
leave."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable

from agent import api, call_state
from agent.call_state import CallState
from agent.events import CallEnded, Event
from console.client import AgentClient, AgentError
from console.command_line import live_call
from console.command_line.output import CallOutput

_LOSSES = 6
"""Tries in a row to reach the agent's events before it is given up."""


class Attendance:
    """``state`` is the call's, folded. Ctrl-C, a TERM signal, or enter at a terminal sets ``left``, and so does an
    event for which ``ends`` is true."""

    def __init__(self, client: AgentClient, state: CallState, who: str, output: CallOutput) -> None:
        self.client, self.state, self.who, self.output = client, state, who, output
        self.linked, self.over, self.left = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.ends: Callable[[Event], bool] = lambda _: False
        self._seq: int | None = None
        self._losses, self._lost = 0, ""

    async def step_in(self, action: api.StepIn, text: str = "") -> None:
        """Raises AgentError where the agent refuses."""
        await self.client.step_in(self.state.id, action, text, self.who)

    async def until_over(self) -> None:
        """Wait until the operator leaves or the call is over.

        Raises:
            AgentError: the agent is gone.
        """
        waits = [asyncio.create_task(event.wait()) for event in (self.left, self.over)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
        if self._lost:
            raise AgentError(self._lost)

    async def follow(self) -> None:
        await self.client.follow(self._deliver, self._lose, lambda: self._seq, self.who)

    def _deliver(self, item: api.Item, text: str) -> None:
        self._losses = 0
        if isinstance(item, api.Snapshot):
            self._seq = item.seq
            found = next((state for state in item.calls if state.id == self.state.id), None)
            if found is None or not found.live:
                self.over.set()
            self.state = found or self.state
        elif isinstance(item, Event):
            self._seq = item.seq or self._seq
            if item.call == self.state.id:
                call_state.apply(self.state, item)
                self.output.event(item, text, self.state)
                if isinstance(item, CallEnded):
                    self.over.set()
                elif self.ends(item):
                    self.left.set()
        self.linked.set()

    def _lose(self, reason: str) -> None:
        self._losses += 1
        if self._losses == 1:
            self.output.detail(reason)
        elif self._losses == _LOSSES:
            self._lost = reason
            self.linked.set()
            self.over.set()


@contextlib.asynccontextmanager
async def attending(client: AgentClient, call: str, output: CallOutput) -> AsyncIterator[Attendance]:
    """At the live call that ``call`` names, with its events coming in.

    Raises:
        AgentError: there is no such call, or the agent cannot be reached.
    """
    one = Attendance(client, await live_call.find(client, call), live_call.me(), output)
    if not one.state.live:
        raise AgentError(f"The call {one.state.id} is over.")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, one.left.set)
    terminal = sys.stdin.fileno() if sys.stdin.isatty() else None
    if terminal is not None:
        loop.add_reader(terminal, _entered, terminal, one)
    following = asyncio.create_task(one.follow())
    try:
        await one.linked.wait()
        yield one
    finally:
        if terminal is not None:
            loop.remove_reader(terminal)
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        output.close()


def _entered(terminal: int, one: Attendance) -> None:
    # Reading a terminal that is not ours, because we were put into the background, would stop the process.
    if os.tcgetpgrp(terminal) == os.getpgrp():
        os.read(terminal, 1024)
        one.left.set()

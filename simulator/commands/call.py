"""`sidetone simulator call`: one call into a bot that is not ours, followed to its end and judged."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from simulator.commands import arguments, call_arguments, replay, verdict
from simulator.commands.account import Account
from simulator.commands.running import BadOrder, Refused, Running, find

_POLL_S: Final = 0.25
_SETTLED_S: Final = 8.0


async def run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Returns the exit status. Raises SettingsError when no simulator runs and none can be started."""
    try:
        if chosen.replay is not None:
            call_arguments.check_replay(chosen)
            return await replay.run(chosen.replay, chosen.url, call_arguments.auth_token(chosen), chosen.json)
        order = call_arguments.order(chosen)
    except call_arguments.UsageError as error:
        print(f"{parser.prog} call: {error}", file=sys.stderr)
        return 2
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(_simulator(chosen))
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupted.set)
        try:
            return await _Call(simulator, chosen).run(order, interrupted)
        except Refused as refused:
            _failed(chosen, {}, str(refused))
            return 2 if isinstance(refused, BadOrder) else 1


@asynccontextmanager
async def _simulator(chosen: argparse.Namespace) -> AsyncIterator[Running]:
    """The simulator that runs, or one of our own until the call is over."""
    running = await find(chosen.data_dir)
    if running is not None:
        async with running:
            yield running
        return
    from simulator.server import Simulator

    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format="%(levelname)s %(message)s")
    own = Simulator(arguments.settings(chosen))
    try:
        await own.start()
        async with Running(f"http://127.0.0.1:{own.port}", own.token) as running:
            yield running
    finally:
        await own.stop()


class _Call:
    def __init__(self, simulator: Running, chosen: argparse.Namespace) -> None:
        self._simulator, self._chosen = simulator, chosen
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._account = None if chosen.json else Account(sys.stdout, colour)

    async def run(self, order: dict[str, Any], interrupted: asyncio.Event) -> int:
        silence = await self._simulator.why_silent() if call_arguments.speaks(self._chosen) else ""
        if silence:
            _failed(self._chosen, {}, silence)
            return 1
        if self._account is not None:
            self._account.note(f"{order['from']} calls {order['to']} · {call_arguments.where(self._chosen)}")
        call = await self._simulator.place(order)
        following = asyncio.create_task(self._follow(call))
        stop = asyncio.create_task(interrupted.wait())
        try:
            await asyncio.wait(
                {following, stop}, timeout=self._chosen.timeout, return_when=asyncio.FIRST_COMPLETED
            )
            if following.done():
                return self._judge(following.result(), "")
            report = await self._hang_up(call)
        finally:
            for task in (following, stop):
                task.cancel()
            await asyncio.gather(following, stop, return_exceptions=True)
        if interrupted.is_set():
            self._judge(report, "Interrupted: the call was hung up.")
            return 130
        return self._judge(report, f"The call was not over after {self._chosen.timeout:g} s and was hung up.")

    async def _follow(self, call: str) -> dict[str, Any]:
        while True:
            report = await self._simulator.report(call, _POLL_S)
            if self._account is not None:
                self._account.update(report)
            if report.get("ended") is not None:
                # What is looked into after the end belongs to the report.
                return await self._simulator.report(call, _SETTLED_S)

    async def _hang_up(self, call: str) -> dict[str, Any]:
        await self._simulator.hang_up(call)
        return await self._simulator.report(call, _SETTLED_S)

    def _judge(self, report: dict[str, Any], reason: str) -> int:
        reason = reason or verdict.failure(report)
        if self._account is not None:
            self._account.end(report)
            if not reason:
                self._account.good(verdict.summary(report))
        elif not reason:
            print(json.dumps({"ok": True, "failure": None, **report}))
        if reason:
            _failed(self._chosen, report, reason)
        return 1 if reason else 0


def _failed(chosen: argparse.Namespace, report: dict[str, Any], reason: str) -> None:
    if chosen.json:
        print(json.dumps({"ok": False, "failure": reason, **report}))
    with contextlib.suppress(BrokenPipeError):
        Account(sys.stderr, sys.stderr.isatty() and "NO_COLOR" not in os.environ).bad(reason)

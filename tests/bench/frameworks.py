"""Our agent on Pipecat and on LiveKit, in one run and in turn: start, session, memory, CPU, the wait."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from dataclasses import dataclass, field

from tests.bench import agents, phone
from tests.bench.stand_ins import StandIns, serving

_FRAMEWORKS = ("pipecat", "livekit")
_ROUNDS, _TURNS, _AT_ONCE = 4, 6, 10
_PEEK_S = 0.5


@dataclass
class _Measured:
    """Seconds, megabytes, and milliseconds for the lists."""

    start_s: float = 0.0
    start_cpu_s: float = 0.0
    idle_mb: float = 0.0
    call_mb: float = 0.0
    call_cpu: float = 0.0
    greetings: list[float] = field(default_factory=list[float])
    waits: list[float] = field(default_factory=list[float])


async def run() -> list[tuple[str, str]]:
    stand_ins = StandIns()
    found = {name: _Measured() for name in _FRAMEWORKS}
    async with contextlib.AsyncExitStack() as stack:
        port = await stack.enter_async_context(serving(stand_ins.app))
        running: dict[str, agents.Agent] = {}
        for name, measured in found.items():
            began = time.monotonic()
            running[name] = agent = await stack.enter_async_context(agents.ours(port, name))
            measured.start_s = time.monotonic() - began
            measured.start_cpu_s, measured.idle_mb = agent.cpu_s, agent.rss_mb
        for number in range(_ROUNDS + 1):
            for name, agent in running.items():
                stand_ins.finals.clear()
                heard = await phone.call(*await agent.dial_in(), _TURNS)
                # What a process does for the first time is not what a call costs.
                if number:
                    found[name].waits += [(heard.first_after(at) - at) * 1000 for at in stand_ins.finals]
                    found[name].greetings.append((heard.media[0] - heard.opened) * 1000)
        for name, agent in running.items():
            await _many(agent, found[name])
    return _rows(found["pipecat"], found["livekit"])


async def _many(agent: agents.Agent, measured: _Measured) -> None:
    """What calls at the same time take of memory, at most, and of a core, each."""
    before, cpu, moment = agent.rss_mb, agent.cpu_s, time.monotonic()
    calls = [asyncio.create_task(phone.call(*await agent.dial_in(), 2)) for _ in range(_AT_ONCE)]
    most = before
    while not all(call.done() for call in calls):
        await asyncio.sleep(_PEEK_S)
        most = max(most, agent.rss_mb)
    await asyncio.gather(*calls)
    measured.call_mb = (most - before) / _AT_ONCE
    measured.call_cpu = (agent.cpu_s - cpu) / (time.monotonic() - moment) / _AT_ONCE * 100


def _rows(pipecat: _Measured, livekit: _Measured) -> list[tuple[str, str]]:
    def row(what: str, figures: tuple[float, float], unit: str, digits: int = 0) -> tuple[str, str]:
        one, other = figures
        ratio = f" = {other / one:.2f}" if one else ""
        return f"Pipecat : LiveKit, {what}", f"{one:.{digits}f} : {other:.{digits}f} {unit}{ratio}"

    def median(values: tuple[list[float], list[float]]) -> tuple[float, float]:
        return statistics.median(values[0]), statistics.median(values[1])

    waits = (pipecat.waits, livekit.waits)
    return [
        row("agent: start → takes calls", (pipecat.start_s, livekit.start_s), "s", 1),
        row("agent: CPU of the start", (pipecat.start_cpu_s, livekit.start_cpu_s), "s", 1),
        row("session: socket open → greeting", median((pipecat.greetings, livekit.greetings)), "ms"),
        row("final → first media, median", median(waits), "ms", 1),
        row("the same, p95", (_p95(waits[0]), _p95(waits[1])), "ms", 1),
        row("memory, idle", (pipecat.idle_mb, livekit.idle_mb), "MB"),
        row(f"memory, each of {_AT_ONCE} calls", (pipecat.call_mb, livekit.call_mb), "MB", 1),
        row("CPU of one core, each of them", (pipecat.call_cpu, livekit.call_cpu), "%", 1),
    ]


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]

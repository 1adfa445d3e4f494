"""Time and memory of calls: start-up, the first greeting, and what stays resident after thirty calls."""

from __future__ import annotations

import asyncio
import time

from tests.bench import agents, phone
from tests.bench.stand_ins import StandIns, serving

_ROUNDS, _AT_ONCE = 6, 5


async def run() -> list[tuple[str, str]]:
    async with serving(StandIns().app) as port:
        began = time.monotonic()
        async with agents.ours(port) as agent:
            loaded_s = time.monotonic() - began
            idle = agent.rss_mb
            cpu, moment = agent.cpu_s, time.monotonic()
            first = await phone.call(*await agent.dial_in(), 2)
            one_cpu = (agent.cpu_s - cpu) / (time.monotonic() - moment) * 100
            one = agent.rss_mb
            most = one
            for _ in range(_ROUNDS):
                calls = [phone.call(*await agent.dial_in(), 1) for _ in range(_AT_ONCE)]
                await asyncio.gather(*calls)
                most = max(most, agent.rss_mb)
            await asyncio.sleep(5)
            after = agent.rss_mb
    return [
        ("agent: start → takes calls", f"{loaded_s:.1f} s"),
        ("one call: socket open → greeting", f"{(first.media[0] - first.opened) * 1000:.0f} ms"),
        ("one call: CPU of one core", f"{one_cpu:.1f} %"),
        ("memory: idle, after 1 call, most, after 30 more", f"{idle:.0f}, {one:.0f}, {most:.0f}, {after:.0f} MB"),
    ]

"""AssemblyAI's final → first outbound media: our agent beside a bare Pipecat bot, in turn, as a ratio."""

from __future__ import annotations

import contextlib
import statistics

from tests.bench import agents, phone
from tests.bench.stand_ins import StandIns, serving

_ROUNDS, _TURNS = 4, 6


async def run() -> list[tuple[str, str]]:
    stand_ins = StandIns()
    waits: dict[str, list[float]] = {"ours": [], "bare": []}
    greetings: dict[str, list[float]] = {"ours": [], "bare": []}
    async with contextlib.AsyncExitStack() as stack:
        port = await stack.enter_async_context(serving(stand_ins.app))
        both = {
            "ours": await stack.enter_async_context(agents.ours(port)),
            "bare": await stack.enter_async_context(agents.bare(port)),
        }
        for number in range(_ROUNDS + 1):
            for name, agent in both.items():
                stand_ins.finals.clear()
                heard = await phone.call(*await agent.dial_in(), _TURNS)
                if number:
                    waits[name] += [(heard.first_after(final) - final) * 1000 for final in stand_ins.finals]
                    greetings[name].append((heard.media[0] - heard.opened) * 1000)
    ours, bare = (statistics.median(waits[name]) for name in ("ours", "bare"))
    welcome, bare_welcome = (statistics.median(greetings[name]) for name in ("ours", "bare"))
    return [
        ("final → first media, ours : bare Pipecat", f"{ours:.1f} : {bare:.1f} ms = {ours / bare:.2f}"),
        ("p95 of the same", f"{_p95(waits['ours']):.1f} : {_p95(waits['bare']):.1f} ms"),
        (
            "socket open → greeting, ours : bare",
            f"{welcome:.0f} : {bare_welcome:.0f} ms = {welcome / bare_welcome:.2f}",
        ),
    ]


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]

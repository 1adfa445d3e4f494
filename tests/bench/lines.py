"""Simulated lines against an echo server, in processes of their own on cores of their own.

A line is a whole call: a leg of the exchange with a telephone that talks all the time, its media stream, and what
the application sends back. Lateness is when a line's frame was given to the socket, less when it was due. The
stopwatch is the application's: how far the gaps between the frames of one line among all are from 20 ms. The floor
is a bare picows client with the same traffic on the same schedule.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator

import msgspec

from tests.bench.lines_measured import Figures

_LINES = (1, 10, 50, 100, 200, 400, 600, 800)
_SIDES = ("ours", "bare")


async def run() -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    async with _alone("echo", cores[-1]) as port:
        for lines in _LINES:
            found: dict[str, Figures] = {}
            for side in _SIDES:
                async with _alone(side, cores[0], port.decode().strip(), lines) as answer:
                    found[side] = msgspec.json.decode(answer, type=Figures)
            rows += _rows(lines, found["ours"], found["bare"])
    return rows


def _rows(lines: int, ours: Figures, bare: Figures) -> list[tuple[str, str]]:
    ratio = f"{ours.cpu / bare.cpu:.1f} × bare picows"
    return [
        (f"{lines} lines: sent − due, p50 / p99 / max; bare", f"{ours.lateness()}; {bare.lateness()}"),
        (f"{lines} lines: late > 5 / > 20 ms; bare", f"{ours.late()}; {bare.late()}"),
        (f"{lines} lines: |gap − 20 ms| at the application, p50 / p99; bare", f"{ours.gaps()}; {bare.gaps()}"),
        (f"{lines} lines: CPU of one core, frames echoed", f"{ours.cpu:.0f} %, {ratio}; {ours.echoed:.1f} %"),
    ]


@contextlib.asynccontextmanager
async def _alone(side: str, core: int, *words: str | int) -> AsyncIterator[bytes]:
    """One of the `lines_` modules in a process of its own on a core: its first line of output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"tests.bench.lines_{side}",
        *map(str, words),
        stdout=asyncio.subprocess.PIPE,
        preexec_fn=lambda: _pin(core),
    )
    assert process.stdout is not None
    try:
        yield await process.stdout.readline()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def _pin(core: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})

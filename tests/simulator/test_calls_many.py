"""Many short calls at once leave nothing behind: no task, no socket or file, no live leg, no line of speech."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.server import Simulator
from simulator.speech import vocabulary
from simulator.telnyx.media import dialling
from tests.simulator.conftest import Bot, Stream

CALLS = 200
DESCRIPTORS = Path("/proc/self/fd")


def open_descriptors() -> list[str]:
    """What each open descriptor leads to, sorted; empty where the system does not tell."""
    found: list[str] = []
    for each in DESCRIPTORS.iterdir() if DESCRIPTORS.exists() else ():
        try:
            found.append(os.readlink(each).split(":")[0])
        except FileNotFoundError:
            continue
    return sorted(found)


async def one_call(control: httpx.AsyncClient, order: dict[str, Any]) -> dict[str, Any]:
    placed = await control.post("/calls", json=order)
    assert placed.status_code == 201, placed.text
    call_id = placed.json()["call_control_id"]
    return (await control.get(f"/calls/{call_id}?wait_ms=60000")).json()


async def test_two_hundred_calls_leave_nothing_behind(
    simulator: Simulator, control: httpx.AsyncClient, bot: Bot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def echo(stream: Stream) -> None:
        for frame in (await stream.until("media", 5))[:5]:
            await stream.send({"event": "media", "media": {"payload": frame["media"]["payload"]}})
        await stream.send({"event": "mark", "mark": {"name": "echoed"}})
        await stream.until("mark")
        await stream.socket.close()

    # Two hundred bots that open in one process are slower than one.
    monkeypatch.setattr(dialling, "_OPEN_SECONDS", 60.0)
    bot.on_stream = echo
    said = {"turns": [{"user": "Yes."}], "hang_up": False}
    order = {"stream": {"url": bot.stream_url}, "script": said, "record": str(tmp_path / "calls")}
    await one_call(control, order)
    limits = httpx.Limits(max_connections=CALLS, max_keepalive_connections=0)
    gc.collect()
    before, running = open_descriptors(), len(asyncio.all_tasks())

    async with httpx.AsyncClient(
        base_url=control.base_url, headers=control.headers, trust_env=False, timeout=60, limits=limits
    ) as many:
        reports = await asyncio.gather(*(one_call(many, order) for _ in range(CALLS)))

    assert {report["ended"]["cause"] for report in reports} == {"normal_clearing"}
    assert {report["frames_received"] for report in reports} == {5}
    assert simulator.exchange.live == 0
    monkeypatch.setattr(vocabulary, "LINGER_SECONDS", 0.0)
    assert simulator.speech.vocabulary.bank.lengths == []
    # The other end of a connection that was closed finds out a little later.
    async with asyncio.timeout(20):
        while gc.collect() or open_descriptors() > before or len(asyncio.all_tasks()) > running:
            await asyncio.sleep(0.02)
    assert len(list((tmp_path / "calls").glob("*.wav"))) == CALLS + 1

"""Calls in HD through real processes: what the caller says and hears is wideband all the way, and nothing else of
the call is different."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from agent import events
from agent.events import Event
from tests.e2e.house import House, finals, of
from tests.simulator.codec_house import above_4_khz, stereo

RATE = 16_000
NUMBER = "+15550100801"
CUT_IN = {
    "user": "Stop, please. Are you open on Friday?",
    "send_after": {"event": "bot_started_speaking", "delay_ms": 1500},
}
SCRIPT = {"turns": [CUT_IN]}


class Ears:
    """Stands before the simulated AssemblyAI and keeps the audio of each session, by its query."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self.audio: defaultdict[str, bytearray] = defaultdict(bytearray)

    async def relay(self, ours: ServerConnection) -> None:
        assert ours.request is not None
        path, headers = ours.request.path, {"Authorization": ours.request.headers["Authorization"]}
        async with connect(f"{self._upstream}{path}", additional_headers=headers, proxy=None) as theirs:

            async def back() -> None:
                async for message in theirs:
                    await ours.send(message)
                await ours.close(theirs.close_code or 1000)

            answering = asyncio.create_task(back())
            with contextlib.suppress(ConnectionClosed):
                async for message in ours:
                    if isinstance(message, bytes):
                        self.audio[path] += message
                    await theirs.send(message)
            await theirs.close()
            with contextlib.suppress(ConnectionClosed):
                await answering


@pytest.fixture
async def heard_house(framework: str, tmp_path: Path) -> AsyncIterator[tuple[House, Ears]]:
    pytest.importorskip("espeakng_loader", reason="the local voice is missing: install sidetone[speech]")
    house = House(tmp_path)
    house.simulator.start()
    ears = Ears(house.environment()["ASSEMBLYAI_BASE_URL"])
    async with serve(ears.relay, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        house.agent.environment = {
            **house.environment(),
            "ASSEMBLYAI_BASE_URL": f"ws://127.0.0.1:{port}",
            "SIDETONE_FRAMEWORK": framework,
        }
        try:
            await asyncio.to_thread(house.agent.start)
            await house.until(lambda event: isinstance(event, events.AgentReady))
            yield house, ears
        finally:
            await asyncio.to_thread(house.stop)


async def dialled(house: House, folder: Path) -> list[Event]:
    order = {"script": SCRIPT, "record": str(folder)}
    assert (await house.ask(house.simulator, "PUT", f"/sim/numbers/{NUMBER}", **order)).status_code == 204
    return await house.whole_call(await house.dial(NUMBER, band="hd"))


async def dialled_in(house: House, folder: Path) -> list[Event]:
    order = {
        "script": SCRIPT,
        "record": str(folder),
        "codec": "G722",
        "texml_url": f"{house.agent.url}/texml?band=hd",
    }
    placed = (await house.ask(house.simulator, "POST", "/sim/calls", **order)).json()["call_control_id"]
    found = await house.until(
        lambda event: isinstance(event, events.CallPlaced) and event.call_control_id == placed
    )
    return await house.whole_call(found[-1].call)


async def test_calls_both_ways_are_wideband_to_the_recogniser_and_back(
    heard_house: tuple[House, Ears], tmp_path: Path
) -> None:
    house, ears = heard_house
    calls = await asyncio.gather(dialled(house, tmp_path / "out"), dialled_in(house, tmp_path / "in"))

    assert [of(call, events.MediaStarted)[0].encoding for call in calls] == ["L16", "G722"]
    for call, folder in zip(calls, ("out", "in"), strict=True):
        await check(house, call, tmp_path / folder)
    assert len(ears.audio) >= 1
    for query, audio in ears.audio.items():
        assert parse_qs(urlsplit(query).query)["sample_rate"] == [str(RATE)]
        assert above_4_khz(np.frombuffer(audio, np.int16), RATE) > -30


async def check(house: House, call: list[Event], folder: Path) -> None:
    ended, stats = of(call, events.CallEnded)[0], of(call, events.MediaStats)[-1]
    assert of(call, events.MediaStarted)[0].sample_rate == RATE
    assert of(call, events.SttOpened)[0].parameters["sample_rate"] == str(RATE)
    assert not of(call, events.Error)
    assert (ended.cause, ended.duration_ms > 0) == ("normal_clearing", True)
    # A frame is 20 ms at any rate: the counts fit the call's length, which a busy machine only draws out.
    assert 0.5 < stats.rx * 20 / ended.duration_ms < 1.1

    (cut,) = of(call, events.TurnInterrupted)
    assert cut.said.startswith(cut.heard)
    assert 0 < len(cut.heard) < len(cut.said)
    assert 1_500 < cut.heard_ms < 4_500
    cleared = of(call, events.MediaCleared)
    assert finals(call)[-1].endswith("Are you open on Friday?")
    assert len(of(call, events.TurnLatency)) == 1

    placed = of(call, events.CallPlaced)[0].call_control_id
    report = await house.report(placed)
    assert (report["codec"], report["findings"], report["warnings"]) == ("G722", [], [])
    # The agent's account of what a clear threw away is the carrier's own.
    assert len(cleared) == len(report["cleared_ms"])
    for ours, theirs in zip(cleared, report["cleared_ms"], strict=True):
        assert abs(ours.dropped_ms - theirs) <= 60

    caller, agent, rate = stereo(next(folder.glob("*.wav")))
    assert rate == RATE
    assert above_4_khz(caller, rate) > -30
    assert above_4_khz(agent, rate) > -30

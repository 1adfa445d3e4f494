"""Voices through the simulator, the agent and the sound process's own clock and buffers, without devices.

A caller at the softphone and an operator who listens and has taken over each hear bursts of the other. The agent's
wire is where its media socket is: there every frame has a time on the clock that all processes share.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import numpy.typing as npt
from websockets.asyncio.client import connect

from agent import audio_wire, events
from console.sound import protocol
from console.sound.call_ears import CallEars
from console.sound.clock import BLOCK, RATE
from console.sound.engine import Engine
from console.sound.phone_line import PhoneLine
from console.sound.protocol import Configure, Counters, Listen, Listening, ListeningStats, Phone
from tests.bench import agents, phone
from tests.bench.stand_ins import StandIns, serving
from tests.e2e.house import House
from tests.sound.peers import Reports
from tests.sound.sound_process import SoundProcess

Samples = npt.NDArray[np.int16]

_EVERY_S, _BURST_S, _BURSTS = 1.0, 0.06, 25
_LOUD = 2000
_LISTENERS, _ROUNDS, _TURNS = 3, 3, 5


async def run() -> list[tuple[str, str]]:
    return await _mouth_to_ear() + await _listeners()


class _Devices:
    """A microphone that hears a burst each second, from ``shift_s`` on, and a speaker that notes them."""

    microphone_delay_ms = speaker_delay_ms = 0.0
    echo_wanted = False

    def __init__(self, shift_s: float) -> None:
        self.said, self.heard = Onsets(), Onsets()
        self._at = -round(shift_s * RATE)

    def want(self, *, microphone: bool, speaker: bool) -> None: ...

    def hear(self) -> Samples:
        since = np.arange(self._at, self._at + BLOCK) % round(_EVERY_S * RATE)
        self._at += BLOCK
        wave = 9000 * np.sin(since * 2 * np.pi * 700 / RATE + 1.5)
        block = np.where((since < _BURST_S * RATE) & (self._at > 0), wave, 0).astype(np.int16)
        # A device gives a block when it is full: its first sample is as old as the block is long.
        self.said.add(time.monotonic() - BLOCK / RATE, block, RATE)
        return block

    def say(self, block: Samples) -> None:
        self.heard.add(time.monotonic(), block[:, 0], RATE)

    def counters(self) -> Counters:
        return Counters()


class Onsets:
    """When bursts began (monotonic seconds)."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._last = float("-inf")

    def add(self, begins: float, samples: Samples, rate: int | None) -> None:
        """``rate`` None: all of it at the time ``begins``."""
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _LOUD)
        if len(loud):
            if begins - self._last > _EVERY_S / 2:
                self.times.append(begins + (loud[0] / rate if rate else 0))
            self._last = begins


async def _mouth_to_ear() -> list[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as name:
        house = House(Path(name))
        await asyncio.to_thread(house.start)
        await house.until(lambda event: isinstance(event, events.AgentReady))
        caller, operator = _Devices(0.0), _Devices(_EVERY_S / 2)
        wire = {audio_wire.CALLER: Onsets(), audio_wire.AGENT: Onsets()}
        try:
            async with (
                _talking(house, caller) as call,
                _listening(house, call, operator),
                _wire(house, call, wire),
            ):
                answer = await house.ask(
                    house.agent, "POST", f"/calls/{call}/operator", action="take_over", who="bench"
                )
                assert answer.status_code < 300, answer.text
                await asyncio.sleep(_BURSTS * _EVERY_S)
        finally:
            await asyncio.to_thread(house.stop)
    from_caller, to_caller = wire[audio_wire.CALLER].times, wire[audio_wire.AGENT].times
    return [
        ("caller's microphone → agent's wire, p50 / p95", _ways(caller.said.times, from_caller)),
        ("agent's wire → caller's speaker, p50 / p95", _ways(to_caller, caller.heard.times)),
        ("listening in: agent's wire → operator's speaker, p50 / p95", _ways(from_caller, operator.heard.times)),
        ("mouth to ear, caller → operator, p50 / p95", _ways(caller.said.times, operator.heard.times)),
        ("mouth to ear, operator → caller, p50 / p95", _ways(operator.said.times, caller.heard.times)),
    ]


def _ways(begun: list[float], arrived: list[float]) -> str:
    """From each beginning to the first arrival after it."""
    ways = [
        (after[0] - at) * 1000
        for at in begun
        if (after := [one for one in arrived if at <= one < at + _EVERY_S * 0.45])
    ]
    return f"{_percentiles(ways)} ms ({len(ways)} of {len(begun)} bursts)"


def _percentiles(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} / {np.percentile(values, 95):.0f}" if values else "nothing"


@contextlib.asynccontextmanager
async def _talking(house: House, devices: _Devices) -> AsyncIterator[str]:
    """The id of a call from the softphone."""
    reports, number = Reports(), "+15550100190"
    engine = Engine(devices, reports)  # type: ignore[arg-type]
    line = PhoneLine(engine, reports)
    await line.open(
        protocol.OpenPhone(url=house.simulator.url, token=house.simulator.state["token"], number=number)
    )
    order = {"to": "+15550100000", "texml_url": f"{house.agent.url}/texml?band=hd", "codec": "G722"}
    await line.dial(protocol.Dial(order=order))
    try:
        await reports.next(Phone, lambda one: one.state == "talking")
        yield (await house.until(lambda event: isinstance(event, events.MediaStarted)))[-1].call
    finally:
        await line.close()
        await engine.close()


@contextlib.asynccontextmanager
async def _listening(house: House, call: str, devices: _Devices) -> AsyncIterator[None]:
    reports = Reports()
    engine = Engine(devices, reports)  # type: ignore[arg-type]
    ears = CallEars(engine, reports)
    token = house.agent.state["token"]
    await ears.listen(Listen(url=house.agent.url, token=token, call=call, who="bench", ears="split"))
    await ears.speak(protocol.Speak(call=call, to="caller"))
    try:
        await reports.next(Listening, lambda one: one.state == "open")
        yield
    finally:
        await ears.close()
        await engine.close()


@contextlib.asynccontextmanager
async def _wire(house: House, call: str, found: dict[int, Onsets]) -> AsyncIterator[None]:
    url = f"ws://127.0.0.1:{house.agent.state['port']}/calls/{call}/audio?who=stopwatch"
    async with connect(url, additional_headers=house.agent.bearer, proxy=None, compression=None) as socket:

        async def read() -> None:
            async for message in socket:
                if isinstance(message, bytes):
                    audio = audio_wire.decode(message)
                    found[audio.channel].add(audio.at_us / 1e6, np.frombuffer(audio.samples, "<i2"), None)

        reading = asyncio.create_task(read())
        try:
            yield
        finally:
            reading.cancel()


async def _listeners() -> list[tuple[str, str]]:
    """The agent's frames of a call with and without listeners, in turn."""
    behind = list[float]()
    ways: dict[str, Callable[[agents.Agent, str], AbstractAsyncContextManager[None]]] = {
        "nobody listens": lambda _agent, _call: contextlib.nullcontext(),
        f"{_LISTENERS} sound processes listen": lambda agent, call: _consoles(agent, call, behind),
        f"{_LISTENERS} connections never read": _deaf,
    }
    late: dict[str, list[float]] = {way: [] for way in ways}
    stand_ins = StandIns()
    async with serving(stand_ins.app) as port, agents.ours(port) as agent:
        for number in range(_ROUNDS + 1):
            for way, listening in ways.items():
                url, call = await agent.dial_in()
                async with listening(agent, call):
                    heard = await phone.call(url, call, _TURNS)
                if number:
                    late[way] += _lateness(heard.media)
    return [
        (
            f"{way}: the agent's frames behind their pace, p50 / p99 / max",
            f"{np.percentile(found, 50):.2f} / {np.percentile(found, 99):.2f} / {max(found):.1f} ms"
            f" ({len(found)} frames)",
        )
        for way, found in late.items()
    ] + [(f"{_LISTENERS} sound processes behind the wire, p50 / p95", f"{_percentiles(behind)} ms")]


def _lateness(times: list[float]) -> list[float]:
    """Milliseconds that frames came after their time, on a grid of whole milliseconds for each utterance."""
    late: list[float] = []
    gaps = np.diff(times)
    pace = round(float(np.median(gaps)), 3)
    for frames in np.split(np.asarray(times), np.flatnonzero(gaps > 0.2) + 1):
        grid = frames - np.arange(len(frames)) * pace
        late += list((grid - np.minimum.accumulate(grid)) * 1000)
    return late


@contextlib.asynccontextmanager
async def _consoles(agent: agents.Agent, call_control_id: str, behind: list[float]) -> AsyncIterator[None]:
    """Sound processes that listen to a call which is about to begin."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sounds = [
            await stack.enter_async_context(SoundProcess(folder, Configure(backend="none")))
            for _ in range(_LISTENERS)
        ]

        async def join() -> None:
            call = await _begun(agent, call_control_id)
            for number, sound in enumerate(sounds):
                sound.send(Listen(url=agent.url, token=agent.token, call=call, who=f"console {number}"))
                await sound.reports.next(Listening, lambda one: one.state == "open")

        joining = asyncio.create_task(join())
        try:
            yield
        finally:
            await joining
            for sound in sounds:
                stats = [one for one in sound.reports.all if isinstance(one, ListeningStats)]
                behind += [float(one.behind_ms) for one in stats[2:]]


@contextlib.asynccontextmanager
async def _deaf(agent: agents.Agent, call_control_id: str) -> AsyncIterator[None]:
    """Listeners who take nothing of what they are sent."""
    async with contextlib.AsyncExitStack() as stack:

        async def join() -> None:
            call = await _begun(agent, call_control_id)
            head = f"GET /calls/{call}/audio?who=deaf HTTP/1.1\r\nHost: agent\r\nUpgrade: websocket\r\n"
            head += "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            head += f"Sec-WebSocket-Version: 13\r\nAuthorization: Bearer {agent.token}\r\n\r\n"
            where = urlsplit(agent.url)
            for _ in range(_LISTENERS):
                deaf = stack.enter_context(socket.socket())
                deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                deaf.connect((where.hostname, where.port))
                deaf.sendall(head.encode())

        joining = asyncio.create_task(join())
        try:
            yield
        finally:
            await joining


async def _begun(agent: agents.Agent, call_control_id: str) -> str:
    """The id of the call once its media flow."""
    async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {agent.token}"}) as client:
        while True:
            for one in (await client.get(f"{agent.url}/calls")).json():
                if one["call_control_id"] == call_control_id and one["media"]["encoding"]:
                    return one["id"]
            await asyncio.sleep(0.05)

"""The sound process as the console has it: orders in, reports out, and an end that leaves nothing open."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import soundfile
from websockets.asyncio.server import ServerConnection, serve

from console.sound import protocol
from console.sound.__main__ import Output, lines
from console.sound.clock import RATE
from console.sound.protocol import Level, Order, Ready, Report, Trouble, decode_report, encode
from tests.sound.pulse import SPEAKER, Pulse, need_backend

R = TypeVar("R", bound=Report)
COMMAND = (sys.executable, "-P", "-m", "console.sound")


class Sound:
    """The process; its reports in their order."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        assert process.stdin is not None
        assert process.stdout is not None
        self._orders, self._reports = process.stdin, process.stdout
        self.seen: list[Report] = []

    def send(self, *orders: Order | bytes) -> None:
        for order in orders:
            self._orders.write(order if isinstance(order, bytes) else encode(order))

    async def until(self, kind: type[R], wanted: Callable[[R], bool] = lambda _: True) -> R:
        """The next report of the kind; everything on standard output must be a report."""
        while line := await self._reports.readline():
            report = decode_report(line)
            self.seen.append(report)
            if isinstance(report, kind) and wanted(report):
                return report
        raise AssertionError(f"no {kind.__name__} before its end; {self.seen[-5:]}")

    async def end(self) -> int:
        """Close its input and wait."""
        self._orders.close()
        while line := await self._reports.readline():
            self.seen.append(decode_report(line))
        return await self.process.wait()


Start = Callable[..., Awaitable["Sound"]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    started: list[asyncio.subprocess.Process] = []

    async def begin(*command: str) -> Sound:
        process = await asyncio.create_subprocess_exec(
            *(command or COMMAND),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        started.append(process)
        return Sound(process)

    yield begin
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_it_is_ready_answers_and_ends_with_its_input(start: Start) -> None:
    sound = await start()
    ready = await sound.until(Ready)
    assert ready.pid == sound.process.pid
    sound.send(b'{"type":"sing"}\n', b"\xff\xfe\n", b"\n", b'{"type":"meter"}\n', b"x" * (2 << 20) + b"\n")
    troubles = [await sound.until(Trouble) for _ in range(4)]
    assert all(trouble.message.startswith("The sound process was sent ") for trouble in troubles)
    sound.send(protocol.Key(digit="1"), protocol.MeasureEcho())
    assert (await sound.until(protocol.EchoMeasured)).erle_db > 25
    assert Trouble(message="The softphone is not open.") in sound.seen
    assert await sound.end() == 0


async def test_a_signal_ends_it_in_order(start: Start) -> None:
    sound = await start()
    await sound.until(Ready)
    sound.send(protocol.Configure(backend="none"), protocol.Meter(on=True))
    await sound.until(Level)
    sound.process.send_signal(signal.SIGTERM)
    assert await sound.process.wait() == 0


async def test_what_a_library_prints_does_not_get_between_the_reports(start: Start) -> None:
    noisy = """
import os, sys
from console.sound import __main__ as process
from console.sound.service import Service
take = Service.take
def noisily(self, line):
    os.write(1, b"ALSA lib: underrun\\n")
    print("and Python too", flush=True)
    take(self, line)
Service.take = noisily
sys.exit(process.main())
"""
    sound = await start(sys.executable, "-c", noisy)
    sound.send(b"{}\n")
    await sound.until(Trouble)
    assert await sound.end() == 0
    assert sound.process.stderr is not None
    assert b"ALSA lib: underrun\nand Python too\n" in await sound.process.stderr.read()


async def test_its_end_hands_a_call_back_and_hangs_up(start: Start) -> None:
    """A console that dies closes the pipe: nobody may stay on a line."""
    said: dict[str, list[object]] = {"/calls/c_1/audio": [], "/sim/phone": []}
    taken, registered = asyncio.Event(), asyncio.Event()
    closed: asyncio.Queue[tuple[str, int]] = asyncio.Queue()

    async def answer(socket: ServerConnection) -> None:
        assert socket.request is not None
        path = socket.request.path.partition("?")[0]
        assert socket.request.headers["authorization"] == "Bearer t"
        if path != "/sim/phone":
            hello = {"type": "start", "call": "c_1", "caller_hz": 8000, "agent_hz": 8000, "speak_hz": 16_000}
            await socket.send(json.dumps(hello))
        async for message in socket:
            if isinstance(message, str):
                said[path].append(json.loads(message))
                if '"caller"' in message:
                    taken.set()
                if '"register"' in message:
                    await socket.send('{"type":"registered","number":"+15550100"}')
                    registered.set()
        closed.put_nowait((path, socket.close_code or 0))

    async with serve(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        sound = await start()
        sound.send(
            protocol.Configure(backend="none"),
            protocol.Listen(url=url, token="t", call="c_1", who="ann"),
            protocol.Speak(call="c_1", to="caller"),
            protocol.OpenPhone(url=url, token="t", number="+15550100"),
        )
        await asyncio.gather(taken.wait(), registered.wait())
        assert await sound.end() == 0
        ends = dict([await closed.get(), await closed.get()])
    assert ends == {"/calls/c_1/audio": 1000, "/sim/phone": 1000}


async def test_a_recording_is_played_on_a_real_device(pulse: Pulse, start: Start, tmp_path: Path) -> None:
    need_backend("sounddevice")
    time = np.arange(16_000) / 16_000
    soundfile.write(
        tmp_path / "tone.wav", np.column_stack([np.sin(2 * np.pi * 500 * time), time * 0]) * 0.5, 16_000
    )
    async with pulse.hearing() as heard:
        sound = await start()
        sound.send(protocol.Configure(speaker=SPEAKER), protocol.Play(file=str(tmp_path / "tone.wav")))
        await sound.until(protocol.Playing, lambda report: report.state == "over")
        assert await sound.end() == 0
    loud = np.flatnonzero(np.abs(heard.samples[:, 0]) > 3000)
    tone = heard.samples[loud[0] : loud[-1]]
    assert len(tone) / RATE == pytest.approx(1, abs=0.1)
    middle = tone[RATE // 4 : 3 * RATE // 4]
    assert np.fft.rfftfreq(len(middle), 1 / RATE)[np.argmax(np.abs(np.fft.rfft(middle[:, 0])))] == pytest.approx(
        500, abs=4
    )
    assert np.abs(middle[:, 1]).max() < 100


async def test_the_echo_of_a_real_device_is_measured(pulse: Pulse, start: Start) -> None:
    need_backend("sounddevice")
    await pulse.loop_speaker_into_microphone()
    sound = await start()
    sound.send(protocol.Configure(), protocol.MeasureEcho(real=True))
    found = await sound.until(protocol.EchoMeasured)
    assert found.problem == ""
    assert found.erle_db > 15
    assert found.before_db == pytest.approx(0, abs=6)
    assert await sound.end() == 0


def test_a_console_that_does_not_read_stops_nothing() -> None:
    reading, writing = os.pipe()
    output = Output(writing, lambda: None)
    for _ in range(20_000):
        output.put(Level())
    output.put(Trouble(message="The device is lost."))
    os.set_blocking(reading, False)
    received = b""
    while b"lost" not in received:
        try:
            received += os.read(reading, 1 << 16)
        except BlockingIOError:
            continue
    assert received.count(b"level") < 10_000
    output.close()
    os.close(reading)
    os.close(writing)


def test_nobody_to_read_is_noticed() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    broken: list[bool] = []
    output = Output(writing, lambda: broken.append(True))
    output.put(Level())
    output.close()
    assert broken == [True]
    os.close(writing)


def test_lines_are_cut_wherever_they_come_apart() -> None:
    reading, writing = os.pipe()
    reports: list[Report] = []
    found = lines(reading, reports.append)
    os.write(writing, b'{"a')
    os.write(writing, b'":1}\n{"b":2}\n\n{"c"')
    assert [next(found), next(found)] == [b'{"a":1}', b'{"b":2}']
    os.write(writing, b":3}\nno end")
    os.close(writing)
    assert list(found) == [b'{"c":3}']
    assert reports == []
    os.close(reading)

"""Recordings: what is heard of them, where the cursor stands, and where they come from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from console.sound import clock, protocol, recording
from console.sound.clock import RATE
from console.sound.engine import Engine
from console.sound.player import Player
from console.sound.protocol import Playing, Report
from console.sound.recording import Recording
from tests.sound.fake_hardware import FakeHardware

TOKEN = "the-agents-token"


class Reports:
    """Every :class:`Playing`, and the first later one that a test waits for."""

    def __init__(self) -> None:
        self.all: list[Playing] = []
        self._told = asyncio.Event()

    def __call__(self, report: Report) -> None:
        if isinstance(report, Playing):
            self.all.append(report)
            self._told.set()

    async def until(self, wanted: Callable[[Playing], bool]) -> Playing:
        seen = len(self.all)
        while True:
            for report in self.all[seen:]:
                if wanted(report):
                    return report
            seen = len(self.all)
            self._told.clear()
            await self._told.wait()


@pytest.fixture
def hardware() -> FakeHardware:
    return FakeHardware()


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
async def player(
    hardware: FakeHardware, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Player]:
    # Time runs five times as fast.
    monkeypatch.setattr(clock, "TICK_S", 0.004)
    engine = Engine(hardware, reports)
    player = Player(engine, reports)
    yield player
    await player.close()
    await engine.close()
    assert hardware.wanted == (False, False)


@pytest.fixture
def ramp(tmp_path: Path) -> Path:
    """Two seconds at 8 kHz, in which a sample's value is its time: 5 ms on the left and -5 ms on the right."""
    at = np.arange(16_000) * 1000 // 8000 * 5
    file = tmp_path / "ramp.wav"
    soundfile.write(file, np.column_stack([at, -at]).astype(np.int16), 8000)
    return file


def at_ms(block: np.ndarray) -> float:
    """The time in the ramp of a block's end."""
    return float(block[-1, 0]) / 5


@pytest.mark.parametrize("speed", [1.0, 1.5, 2.0])
def test_it_is_shorter_and_keeps_its_pitch(tmp_path: Path, speed: float) -> None:
    time = np.arange(8000 * 3) / 8000
    tones = np.column_stack([np.sin(2 * np.pi * 440 * time), np.sin(2 * np.pi * 700 * time)])
    soundfile.write(tmp_path / "tones.wav", tones * 0.5, 8000)
    opened = Recording(str(tmp_path / "tones.wav"))
    blocks = opened.start(0, speed)
    while not opened.over:
        blocks += opened.more()
    opened.close()
    heard = np.concatenate(blocks)
    assert len(heard) / RATE == pytest.approx(3 / speed, abs=0.08)
    middle = heard[RATE // 4 : RATE]
    pitches = np.fft.rfftfreq(len(middle), 1 / RATE)[np.argmax(np.abs(np.fft.rfft(middle, axis=0)), axis=0)]
    assert pitches == pytest.approx([440, 700], abs=4)
    assert np.sqrt(np.mean((middle / 32_768) ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


async def test_a_recording_is_played_from_a_place_to_its_end(
    player: Player, hardware: FakeHardware, reports: Reports, ramp: Path
) -> None:
    await player.play(protocol.Play(file=str(ramp), from_ms=500))
    over = await reports.until(lambda report: report.state == "over")
    assert (over.at_ms, over.length_ms) == (2000, 2000)
    assert reports.all[0].at_ms == 500
    places = [report.at_ms for report in reports.all]
    assert places == sorted(places)
    heard = [block for block in hardware.played if block.any()]
    assert at_ms(heard[0]) == pytest.approx(520, abs=4)
    assert np.array_equal(heard[10][:, 0], -heard[10][:, 1])
    assert 74 <= len(heard) <= 76
    assert hardware.wanted == (False, False)


async def test_the_cursor_is_where_the_ear_is_at_any_speed(
    player: Player, hardware: FakeHardware, reports: Reports, ramp: Path
) -> None:
    await player.play(protocol.Play(file=str(ramp), speed=2.0))
    later = await reports.until(lambda report: report.at_ms > 1000)
    assert later.speed == 2
    assert at_ms(hardware.played[-1]) == pytest.approx(later.at_ms, abs=60)


async def test_pause_seek_and_speed(player: Player, hardware: FakeHardware, reports: Reports, ramp: Path) -> None:
    await player.play(protocol.Play(file=str(ramp)))
    await reports.until(lambda report: report.at_ms >= 100)
    await player.change(protocol.Player(paused=True))
    paused = reports.all[-1]
    assert paused.state == "paused"
    assert hardware.wanted == (False, False)
    await player.change(protocol.Player(at_ms=1500))
    assert (reports.all[-1].state, reports.all[-1].at_ms) == ("paused", 1500)
    hardware.played.clear()
    await player.change(protocol.Player(paused=False, speed=1.5))
    assert (reports.all[-1].state, reports.all[-1].speed) == ("playing", 1.5)
    await reports.until(lambda report: report.state == "over")
    heard = [block for block in hardware.played if block.any()]
    assert at_ms(heard[0]) > 1500
    # Space at the end plays it again.
    await player.change(protocol.Player(paused=False))
    assert (reports.all[-1].state, reports.all[-1].at_ms) == ("playing", 0)
    await player.change(protocol.Player(at_ms=999_999))
    assert (await reports.until(lambda report: report.state == "over")).at_ms == 2000
    await player.close()
    assert reports.all[-1].state == "closed"
    with pytest.raises(ValueError, match="No recording is open"):
        await player.change(protocol.Player(paused=True))


async def test_no_word_is_lost_while_the_speaker_opens(
    player: Player, hardware: FakeHardware, reports: Reports, ramp: Path
) -> None:
    hardware.speaker_open = False
    await player.play(protocol.Play(file=str(ramp), from_ms=1500))
    waiting = await reports.until(lambda report: len(hardware.played) > 5)
    assert waiting.at_ms == 1500
    assert not np.any(hardware.played)
    hardware.speaker_open = True
    await reports.until(lambda report: report.state == "over")
    heard = [block for block in hardware.played if block.any()]
    assert at_ms(heard[0]) == pytest.approx(1520, abs=4)


async def test_another_recording_takes_the_place_of_the_first(
    player: Player, hardware: FakeHardware, reports: Reports, ramp: Path, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "mono.ogg", np.full(24_000, 0.25), 24_000)
    await player.play(protocol.Play(file=str(ramp)))
    await reports.until(lambda report: report.at_ms >= 100)
    await player.play(protocol.Play(file=str(tmp_path / "mono.ogg")))
    await reports.until(lambda report: report.state == "over")
    assert [report.length_ms for report in reports.all][-1] == 1000
    assert "closed" not in {report.state for report in reports.all}
    assert np.array_equal(hardware.played[-10][:, 0], hardware.played[-10][:, 1])
    assert hardware.played[-10].any()


async def test_what_is_no_recording_is_told(player: Player, reports: Reports, tmp_path: Path) -> None:
    (tmp_path / "letter.wav").write_text("Dear Sir or Madam")
    for file in ("letter.wav", "missing.wav"):
        await player.play(protocol.Play(file=str(tmp_path / file)))
        closed = await reports.until(lambda report: report.state == "closed")
        assert closed.message.startswith("The recording cannot be played: ")
    with pytest.raises(ValueError, match="speed of 1 to 2, not 3"):
        await player.play(protocol.Play(file="any", speed=3))


@pytest.fixture
async def agent(ramp: Path) -> AsyncIterator[str]:
    """Serves the ramp at /calls/c_1/recording to who has the token."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        known = f"authorization: bearer {TOKEN}" in head and head.startswith("get /calls/c_1/recording ")
        body = ramp.read_bytes() if known else b"{}"
        status = "200 OK" if known else "404 Not Found"
        writer.write(
            f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_a_recording_is_fetched_from_the_agent(
    player: Player, hardware: FakeHardware, reports: Reports, agent: str
) -> None:
    await player.play(protocol.Play(url=f"{agent}/calls/c_1/recording", token=TOKEN, from_ms=1000))
    assert (await reports.until(lambda report: report.state == "over")).length_ms == 2000
    assert any(at_ms(block) > 1900 for block in hardware.played)


async def test_a_recording_that_cannot_be_fetched_is_told(
    player: Player, reports: Reports, agent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MAX_BYTES", 1000)
    for path, complaint in (("c_2", "The agent has no such recording"), ("c_1", "The recording is longer than")):
        await player.play(protocol.Play(url=f"{agent}/calls/{path}/recording", token=TOKEN))
        closed = await reports.until(lambda report: report.state == "closed")
        assert closed.message.startswith(complaint)
        assert TOKEN not in closed.message
    await player.play(protocol.Play(url="http://127.0.0.1:1/calls/c_1/recording", token=TOKEN))
    closed = await reports.until(lambda report: report.state == "closed")
    assert closed.message.startswith("The recording cannot be fetched (ConnectError")

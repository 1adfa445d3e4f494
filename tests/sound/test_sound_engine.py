"""The clock, the mix and what the engine wants of devices."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from console.sound import clock
from console.sound.clock import BLOCK, CATCH_UP, RATE, Clock
from console.sound.engine import Engine
from console.sound.levels import loudness_db
from console.sound.mixing import mix, mono
from console.sound.protocol import Counters, Level, Report, Trouble
from console.sound.resampling import Converter
from tests.sound.fake_hardware import FakeHardware, Samples


class Voice:
    """A source of one value, and of silence once it has ``blocks``."""

    def __init__(self, left: int, right: int, blocks: int = 1_000_000) -> None:
        self._block = np.tile(np.array([left, right], np.int16), (BLOCK, 1))
        self.left = blocks
        self.taken = asyncio.Event()

    def take(self) -> Samples | None:
        self.left -= 1
        if self.left <= 0:
            self.taken.set()
        return self._block if self.left >= 0 else None


class Ears:
    """A sink that is done after ``enough`` blocks."""

    def __init__(self, enough: int = 1) -> None:
        self.blocks: list[Samples] = []
        self.at: list[float] = []
        self.enough, self.heard = enough, asyncio.Event()

    def put(self, block: Samples, at: float) -> None:
        self.blocks.append(block)
        self.at.append(at)
        if len(self.blocks) >= self.enough:
            self.heard.set()


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time runs twice as fast."""
    monkeypatch.setattr(clock, "TICK_S", 0.01)


@pytest.fixture
def hardware() -> FakeHardware:
    return FakeHardware()


@pytest.fixture
def reports() -> list[Report]:
    return []


@pytest.fixture
async def engine(hardware: FakeHardware, reports: list[Report]):
    engine = Engine(hardware, reports.append)
    yield engine
    await engine.close()
    assert not engine.running


def test_a_clock_keeps_its_deadlines_when_it_is_late() -> None:
    ticks = Clock(100.0)
    assert ticks.due(100.019) == 0
    assert ticks.due(100.0205) == 1
    assert ticks.due(100.039) == 0
    assert ticks.due(100.0455) == 1
    assert ticks.next_at == pytest.approx(100.06)
    assert ticks.take_lateness() == pytest.approx(0.0055)
    assert ticks.take_lateness() == 0
    assert ticks.skipped == 0


def test_a_clock_makes_up_for_a_short_stall_and_skips_a_long_one() -> None:
    ticks = Clock(0.0)
    assert ticks.due(0.0701) == 3
    assert ticks.skipped == 0
    assert ticks.due(1.0801) == CATCH_UP
    assert ticks.skipped == 51 - CATCH_UP
    assert ticks.next_at == pytest.approx(1.10)


async def test_sources_are_mixed_and_the_microphone_reaches_every_sink(
    engine: Engine, hardware: FakeHardware
) -> None:
    hardware.microphone = lambda at: np.full(BLOCK, at, np.int16)
    first, second = Ears(enough=4), Ears(enough=4)
    engine.add_source(Voice(1000, 0))
    engine.add_source(Voice(200, 3000))
    engine.add_sink(first)
    engine.add_sink(second)
    await asyncio.gather(first.heard.wait(), second.heard.wait())
    assert {tuple(block[at]) for block in hardware.played for at in (0, -1)} == {(1200, 3000)}
    assert [int(block[0]) for block in first.blocks[:4]] == [0, 1, 2, 3]
    assert [int(block[0]) for block in second.blocks[:4]] == [0, 1, 2, 3]


async def test_nothing_runs_and_no_device_is_wanted_until_somebody_listens(
    engine: Engine, hardware: FakeHardware
) -> None:
    voice, ears = Voice(1, 1), Ears()
    assert not engine.running
    engine.add_source(voice)
    assert (engine.running, hardware.wanted) == (True, (False, True))
    engine.add_sink(ears)
    assert hardware.wanted == (True, True)
    engine.remove_source(voice)
    assert (engine.running, hardware.wanted) == (True, (True, False))
    engine.remove_sink(ears)
    assert (engine.running, hardware.wanted) == (False, (False, False))
    engine.meter(True)
    assert (engine.running, hardware.wanted) == (True, (True, False))
    engine.meter(False)
    assert not engine.running


async def test_a_stalled_process_does_not_burst(
    engine: Engine, hardware: FakeHardware, reports: list[Report]
) -> None:
    ears = Ears(enough=2)
    engine.add_sink(ears)
    await ears.heard.wait()
    before = len(ears.blocks)
    time.sleep(clock.TICK_S * (CATCH_UP + 10))  # noqa: ASYNC251
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert CATCH_UP <= len(ears.blocks) - before < CATCH_UP + 10
    ears.enough, ears.heard = before + CATCH_UP + 50, asyncio.Event()
    await ears.heard.wait()
    counters = [report for report in reports if isinstance(report, Counters)]
    assert counters[-1].skipped_ms >= 10 * 20
    assert max(report.clock_late_ms for report in counters) >= 10 * 10


async def test_levels_and_counters_are_reported(
    fast: None, engine: Engine, hardware: FakeHardware, reports: list[Report]
) -> None:
    hardware.microphone = lambda at: np.full(BLOCK, 3277, np.int16)
    ears = Ears(enough=50)
    engine.add_sink(ears)
    engine.add_source(Voice(0, 0))
    await ears.heard.wait()
    levels = [report for report in reports if isinstance(report, Level)]
    assert len(levels) == 10
    assert {(level.microphone, level.speaker) for level in levels} == {(-20, -90)}
    assert [report.speaker_ms for report in reports if isinstance(report, Counters)] == [40]


async def test_a_source_that_fails_is_told_and_the_others_go_on(
    engine: Engine, hardware: FakeHardware, reports: list[Report]
) -> None:
    class Broken:
        def take(self) -> Samples | None:
            raise OSError("torn")

        def put(self, block: Samples, at: float) -> None:
            raise OSError("torn")

    voice, broken = Voice(5, 5, blocks=3), Broken()
    engine.add_source(broken)
    engine.add_sink(broken)
    engine.add_source(voice)
    await voice.taken.wait()
    told = [report.message for report in reports if isinstance(report, Trouble)]
    assert [message.partition(":")[0] for message in told] == [
        "There is no more to hear",
        "There is no more to speak to",
    ]
    assert hardware.wanted == (False, True)


def test_loud_voices_together_bend_and_neither_wrap_nor_clip() -> None:
    wave = np.sin(2 * np.pi * 200 * np.arange(BLOCK) / RATE)
    loud = np.column_stack([wave, wave])
    loud = (loud * 30_000).astype(np.int16)
    both = mix([loud, loud])
    assert both is not None
    assert np.abs(both.astype(int)).max() < 32_767
    assert np.all(np.sign(both) == np.sign(loud))
    rising = both[: RATE // 200 // 4 * 3 // 4, 0]
    assert np.all(np.diff(rising) > 0)
    assert mix([loud]) is loud
    assert mix([]) is None
    quiet = np.full((BLOCK, 2), 12_000, np.int16)
    assert np.array_equal(mix([quiet, quiet]), quiet * 2)
    assert np.array_equal(
        mono(np.array([[32_767, 32_767], [-32_768, -32_768], [10, -10]], np.int16)), [32_767, -32_768, 0]
    )


def test_loudness() -> None:
    assert loudness_db(np.zeros(10, np.int16)) == -90
    assert loudness_db(np.empty(0, np.int16)) == -90
    assert loudness_db(np.full((10, 2), -32_768, np.int16)) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(48_000, 8_000), (8_000, 48_000), (44_100, 48_000), (48_000, 16_000)]
)
def test_a_converted_tone_is_the_same_tone_2_ms_behind(from_hz: int, to_hz: int) -> None:
    tone = (np.sin(2 * np.pi * 1000 * np.arange(from_hz) / from_hz) * 16_000).astype(np.int16)
    converter, block = Converter(from_hz, to_hz), from_hz // 50
    out = np.concatenate([converter.push(tone[at : at + block]) for at in range(0, len(tone), block)])
    assert to_hz * 0.0025 > to_hz - len(out) >= 0
    ideal = np.sin(2 * np.pi * 1000 * np.arange(len(out)) / to_hz) * 16_000
    middle = slice(to_hz // 10, -to_hz // 10)
    error = out[middle] - ideal[middle]
    assert 20 * np.log10(np.std(error) / np.std(ideal)) < -40


def test_what_a_lower_rate_cannot_hold_is_filtered_out() -> None:
    tone = (np.sin(2 * np.pi * 5000 * np.arange(48_000) / 48_000) * 20_000).astype(np.int16)
    converter = Converter(48_000, 8_000)
    out = np.concatenate([converter.push(tone[at : at + 960]) for at in range(0, len(tone), 960)])
    assert loudness_db(out[800:]) < -80

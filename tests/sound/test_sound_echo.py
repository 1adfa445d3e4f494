"""The speaker's echo leaves the microphone, the near voice stays, and what cannot be done is said."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from console.sound import clock
from console.sound.clock import BLOCK, RATE
from console.sound.echo import Canceller, Echo
from console.sound.echo_in_the_room import measure as measure_in_the_room
from console.sound.echo_trial import measure, speechlike, to_int16
from console.sound.engine import Engine
from console.sound.levels import loudness_db
from console.sound.protocol import Report, Trouble
from tests.sound.fake_hardware import FakeHardware, Samples

SECONDS = 5
DELAY = RATE // 10


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """The first canceller takes its time."""
    Canceller()


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time runs as fast as it can, and nothing of it is skipped."""
    monkeypatch.setattr(clock, "TICK_S", 0.001)
    monkeypatch.setattr(clock, "CATCH_UP", 1000)


@pytest.fixture(scope="module")
def far() -> Samples:
    return to_int16(speechlike(SECONDS, pitch=120, seed=1) * 0.5)


@pytest.fixture(scope="module")
def near() -> Samples:
    return to_int16(speechlike(SECONDS, pitch=190, seed=2) * 0.4)


def echo_of(played: Samples, gain: float = 0.3) -> Samples:
    """100 ms later, with a reflection and a little noise."""
    noise = np.random.default_rng(5).normal(size=len(played)) * 3
    late = np.concatenate([np.zeros(DELAY), played])[: len(played)]
    later = np.concatenate([np.zeros(DELAY + 700), played])[: len(played)]
    return (late * gain + later * gain / 3 + noise).astype(np.int16)


def blocks(samples: Samples) -> list[Samples]:
    return list(samples.reshape(-1, BLOCK))


async def through(echo: Echo, played: Samples, heard: Samples) -> tuple[Samples, list[float | None]]:
    await echo.prepared()
    clean: list[Samples] = []
    erle: list[float | None] = []
    for far_block, near_block in zip(blocks(played), blocks(heard), strict=True):
        clean.append(echo.cancel(far_block, near_block, 100))
        erle.append(echo.erle_db)
    await echo.close()
    return np.concatenate(clean), erle


def test_a_computed_room_is_measured() -> None:
    found = measure()
    assert found.problem == ""
    assert found.erle_db > 25
    assert -15 < found.before_db < -3
    assert 0 < found.near_loss_db < 20


def test_a_platform_without_the_library_is_told_in_the_measurement() -> None:
    def missing() -> Canceller:
        raise ImportError("no livekit here")

    found = measure(missing)
    assert found.problem == "The echo canceller cannot be loaded here (no livekit here)."
    assert "SIDETONE_HEADSET=yes" in found.fix


async def test_the_meter_says_what_is_gone_of_the_echo(far: Samples) -> None:
    heard = echo_of(far)
    clean, erle = await through(Echo([].append), far, heard)
    late = slice(3 * RATE, SECONDS * RATE)
    true = loudness_db(heard[late]) - loudness_db(clean[late])
    assert true > 20
    assert loudness_db(clean[late]) < -75
    assert erle[-1] == pytest.approx(true, abs=8)
    assert erle[10] is None


async def test_the_meter_does_not_take_the_near_voice_for_echo(far: Samples, near: Samples) -> None:
    _, alone = await through(Echo([].append), far, echo_of(far))
    both = echo_of(far, gain=0.1) + np.where(np.arange(len(near)) > 3 * RATE, near // 2, 0).astype(np.int16)
    clean, erle = await through(Echo([].append), far, both)
    assert loudness_db(clean[3 * RATE :]) > loudness_db(near) - 15
    assert alone[-1] is not None
    assert erle[-1] is None or erle[-1] > 10


async def test_without_an_echo_nothing_is_shown_and_the_voice_stays(far: Samples, near: Samples) -> None:
    clean, erle = await through(Echo([].append), far, near)
    assert loudness_db(clean) > loudness_db(near) - 12
    assert set(erle) == {None}


async def test_the_first_words_are_as_loud_as_the_later_ones(near: Samples) -> None:
    quiet = np.zeros(RATE, np.int16)
    heard = np.concatenate([quiet, near])
    clean, _ = await through(Echo([].append), np.zeros_like(heard), heard)
    for second in range(1, SECONDS):
        part = slice(second * RATE, (second + 1) * RATE)
        assert loudness_db(clean[part]) == pytest.approx(loudness_db(heard[part]), abs=2)


async def test_where_there_is_no_canceller_the_microphone_is_ducked_and_that_is_said(
    far: Samples, near: Samples
) -> None:
    def missing() -> Canceller:
        raise OSError("wrong architecture")

    reports: list[Report] = []
    half = len(far) // 2
    played = np.where(np.arange(len(far)) < half, far, 0).astype(np.int16)
    clean, _ = await through(Echo(reports.append, missing), played, near)
    assert isinstance(reports[0], Trouble)
    assert reports[0].message == (
        "The echo canceller cannot be loaded here (wrong architecture): "
        "your microphone is silent while the speaker plays."
    )
    assert loudness_db(clean[RATE // 2 : RATE]) == -90
    assert np.array_equal(clean[-RATE:], near[-RATE:])


async def test_a_canceller_that_fails_in_a_call_is_replaced_and_that_is_said(far: Samples) -> None:
    class Failing:
        def cancel(self, played: Samples, heard: Samples, delay_ms: float) -> Samples:
            raise RuntimeError("bad frame")

        def restart(self) -> None: ...

    reports: list[Report] = []
    clean, _ = await through(Echo(reports.append, Failing), far, echo_of(far))
    assert [type(report) for report in reports] == [Trouble]
    assert loudness_db(clean[RATE : 2 * RATE]) == -90


class Room:
    """Devices whose microphone hears what was played some ticks ago, at ``gain``, in a little noise."""

    def __init__(self, hardware: FakeHardware, gain: float) -> None:
        self._hardware, self._gain = hardware, gain
        self.jumps_at = -1
        self._ticks = 6
        self._noise = np.random.default_rng(7)
        hardware.microphone = self.hear

    def hear(self, at: int) -> Samples:
        if at == self.jumps_at:
            self._ticks += 12
            self._hardware.dropped_ms += 240
        noise = self._noise.normal(size=BLOCK) * 3
        played = self._hardware.played
        echo = played[-self._ticks][:, 0] * self._gain if len(played) >= self._ticks else 0
        return (noise + echo).astype(np.int16)


class Talk:
    """Both ends of the engine: speech out, and what came in."""

    def __init__(self, speech: Samples) -> None:
        self._blocks = blocks(speech)
        self.heard: list[Samples] = []
        self.over = asyncio.Event()

    def take(self) -> Samples | None:
        if not self._blocks:
            self.over.set()
            return None
        block = self._blocks.pop(0)
        return np.column_stack([block, block])

    def put(self, block: Samples, at: float) -> None:
        self.heard.append(block)


@pytest.mark.parametrize("wanted", [True, False])
async def test_the_engine_cancels_unless_a_headset_is_used(fast: None, wanted: bool, far: Samples) -> None:
    hardware = FakeHardware(echo=wanted)
    Room(hardware, gain=0.3)
    engine, talk = Engine(hardware, [].append), Talk(far[: 3 * RATE])
    await engine.echo.prepared()
    engine.add_sink(talk)
    engine.add_source(talk)
    await talk.over.wait()
    await engine.close()
    end = np.concatenate(talk.heard[70:150])
    echo = loudness_db(far[70 * BLOCK : 150 * BLOCK]) - 10.5
    assert loudness_db(end) < echo - 20 if wanted else loudness_db(end) == pytest.approx(echo, abs=3)


async def test_a_slip_of_the_devices_lets_no_echo_through(fast: None, far: Samples) -> None:
    hardware = FakeHardware(echo=True)
    Room(hardware, gain=0.3).jumps_at = 120
    engine, talk = Engine(hardware, [].append), Talk(far[: 4 * RATE])
    await engine.echo.prepared()
    engine.add_sink(talk)
    engine.add_source(talk)
    await talk.over.wait()
    await engine.close()
    # A canceller that is not told of the slip lets nearly all of this second through.
    assert loudness_db(np.concatenate(talk.heard[145:195])) < loudness_db(far[130 * BLOCK : 180 * BLOCK]) - 30


@pytest.mark.parametrize(
    ("gain", "problem"),
    [(0.3, ""), (0.0, "The microphone does not hear the speaker, so there is no echo to cancel.")],
)
async def test_the_operators_own_room_is_measured(fast: None, gain: float, problem: str) -> None:
    hardware = FakeHardware(echo=True)
    Room(hardware, gain)
    engine = Engine(hardware, [].append)
    found = await measure_in_the_room(engine)
    assert not engine.running
    assert (found.real, found.problem) == (True, problem)
    if gain:
        assert found.erle_db > 20
        assert found.before_db == pytest.approx(-10.5, abs=2)
    await engine.close()


async def test_a_room_is_not_measured_during_a_call() -> None:
    engine, talk = Engine(FakeHardware(), [].append), Talk(np.zeros(RATE, np.int16))
    engine.add_source(talk)
    assert (await measure_in_the_room(engine)).problem == "The speaker or the microphone is in use."
    await engine.close()

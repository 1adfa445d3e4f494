"""The jitter buffer of a microphone: how deep it becomes, and what is lost on the way."""

from __future__ import annotations

import random

import numpy as np
import pytest

from simulator.audio import Samples
from simulator.caller.jitter_buffer import MOST_FRAMES, JitterBuffer

TICK = 0.02


def loud(number: int) -> Samples:
    return np.full(160, 5000 + number, np.int16)


def quiet(number: int) -> Samples:
    return np.full(160, 1 + number % 50, np.int16)


class Path:
    """Frames sent every 20 ms, each so late as it is told; what is taken out every 20 ms."""

    def __init__(self, delays: list[float], *, start: float = 0.001, frame=loud) -> None:
        self.buffer = JitterBuffer()
        self.taken: list[Samples | None] = []
        arrivals = [start + number * TICK + delay for number, delay in enumerate(delays)]
        # The order is kept: a late frame holds up those behind it.
        self.arrivals = list(np.maximum.accumulate(arrivals))
        self.frames = [frame(number) for number in range(len(delays))]
        sent = 0
        for tick in range(len(delays) + 2 * MOST_FRAMES):
            now = (tick + 1) * TICK
            while sent < len(delays) and self.arrivals[sent] <= now:
                self.buffer.push(self.frames[sent], sent * TICK, self.arrivals[sent])
                sent += 1
            self.taken.append(self.buffer.take(now))
            if tick == len(delays) - 1:
                self.reception = self.buffer.reception

    def numbers(self) -> list[int]:
        """Which frames came out, in their order."""
        where = {id(frame): number for number, frame in enumerate(self.frames)}
        return [where[id(taken)] for taken in self.taken if taken is not None]

    def delay_ms(self, number: int) -> float:
        """From the sending of a frame to its playing."""
        tick = next(tick for tick, taken in enumerate(self.taken) if taken is self.frames[number])
        return ((tick + 1) * TICK - number * TICK) * 1000


def test_an_even_path_has_no_delay_beyond_the_next_tick() -> None:
    path = Path([0.0] * 200)
    assert path.numbers() == list(range(200))
    assert path.delay_ms(199) == pytest.approx(20)
    reception = path.reception
    assert (reception.late, reception.jitter_ms) == (0, pytest.approx(0))


def test_one_stall_loses_nothing_and_is_caught_up_in_a_pause() -> None:
    delays = [0.0] * 50 + [0.07] + [0.0] * 400
    path = Path(delays, frame=lambda number: quiet(number) if number % 40 == 39 else loud(number))
    assert path.numbers()[:100] == list(range(100))
    assert path.delay_ms(99) == pytest.approx(80)
    assert path.delay_ms(449) == pytest.approx(20)
    missing = set(range(450)) - set(path.numbers())
    assert len(missing) == 3
    assert all(number % 40 == 39 for number in missing)


def test_jitter_makes_it_as_deep_as_it_must_be_and_no_deeper() -> None:
    dice = random.Random(3)
    path = Path([dice.random() * 0.05 for _ in range(500)])
    numbers = path.numbers()
    assert numbers == sorted(numbers)
    assert 500 - len(numbers) <= 5
    reception = path.reception
    assert reception.late == 0
    assert reception.lost < 15
    assert 5 < reception.jitter_ms < 25
    assert path.delay_ms(numbers[-1]) <= 100


def test_a_burst_keeps_the_latest_and_counts_the_rest() -> None:
    path = Path([0.0] * 20 + [1.0] + [0.0] * 100)
    assert path.reception.late >= 35
    assert path.numbers()[:20] == list(range(20))
    assert path.delay_ms(120) <= 220


@pytest.mark.parametrize("ppm", [5000, -5000])
def test_a_clock_that_is_fast_or_slow_neither_grows_nor_starves(ppm: int) -> None:
    path = Path([-number * TICK * ppm / 1e6 for number in range(1500)])
    expected = abs(1500 * ppm / 1e6)
    if ppm > 0:
        assert 1500 - len(path.numbers()) == pytest.approx(expected, abs=3)
        assert path.reception.buffer_ms <= 60
    else:
        assert path.numbers() == list(range(1500))
        assert path.reception.lost >= expected - 1


def test_a_microphone_that_is_switched_off_is_not_lost() -> None:
    buffer = JitterBuffer()
    assert [buffer.take(tick * TICK) for tick in range(10)] == [None] * 10
    assert buffer.reception.lost == 0
    buffer.push(loud(1), 0.2, 0.2)
    assert buffer.take(0.22) is not None
    for tick in range(500):
        buffer.take(0.24 + tick * TICK)
    assert buffer.reception.lost == 50
    buffer.push(loud(2), 10.3, 10.5)
    assert buffer.reception.jitter_ms == 0

"""The jitter buffer on a clock of its own: what is heard of a stream that arrives like this."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest

from console.sound.clock import BLOCK, RATE
from console.sound.jitter_buffer import LEAST_S, MOST_S, JitterBuffer

Samples = npt.NDArray[np.int16]

FRAME_S = 0.020
ELSEWHERE_S = 5000.0
"""What the sender's clock shows when ours shows 0."""
STEP = 600
"""More than a sine of 440 Hz at 8000 moves in a sample, and less than any click."""


@dataclass
class Room:
    """A buffer, its clock, and what came out of it."""

    ahead: bool = False
    now: float = 0.0
    heard: list[Samples] = field(default_factory=list)
    depths: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.buffer = JitterBuffer(ahead=self.ahead, clock=lambda: self.now)
        self.said = 0

    def say(self, at: float, samples: Samples | None = None) -> None:
        """Of one sine, the next 20 ms, unless there are ``samples``."""
        if samples is None:
            samples = sine(self.said, BLOCK)
            self.said += BLOCK
        self.buffer.push(samples, at + ELSEWHERE_S)

    def listen(self) -> None:
        block = self.buffer.take()
        assert block is None or len(block) == BLOCK
        self.heard.append(np.zeros(BLOCK, np.int16) if block is None else block)
        self.depths.append(self.buffer.depth_s)

    def stream(
        self, seconds: float, arrives: Callable[[float], float], *, spoken: float = FRAME_S, begins: float = 0.0
    ) -> None:
        """Frames that cross the wire every ``spoken`` seconds and arrive at ``arrives`` of that, never out of
        order; the speaker takes one each 20 ms."""
        order: list[tuple[float, float | None]] = []
        last = 0.0
        for number in range(round(seconds / spoken)):
            at = begins + number * spoken
            last = max(last, arrives(at))
            order.append((last, at))
        order += [(begins + number * FRAME_S + 0.007, None) for number in range(round(seconds / FRAME_S))]
        for self.now, at in sorted(order, key=lambda one: one[0]):
            if at is None:
                self.listen()
            else:
                self.say(at)

    @property
    def sound(self) -> Samples:
        return np.concatenate(self.heard)

    def largest_step(self) -> int:
        return int(np.abs(np.diff(self.sound.astype(np.int32))).max())

    def ms(self, blocks: Sequence[float]) -> float:
        return float(np.median(blocks)) * 1000


def sine(begin: int, count: int, loudness: float = 8000) -> Samples:
    return (loudness * np.sin(2 * np.pi * 440 * np.arange(begin, begin + count) / RATE)).astype(np.int16)


def late_by(most: float, seed: int = 7) -> Callable[[float], float]:
    dice = random.Random(seed)
    return lambda at: at + 0.010 + dice.random() * most


def test_an_even_stream_is_played_whole_at_once_and_as_it_was() -> None:
    room = Room()
    room.stream(3, late_by(0.002))
    sound = room.sound
    begin = int(np.flatnonzero(sound)[0]) // BLOCK * BLOCK
    faded = RATE // 400
    assert np.array_equal(sound[begin + faded :], sine(0, len(sound) - begin)[faded:])
    assert max(room.depths) < 0.060
    assert (room.buffer.filled_s, room.buffer.late_s) == (0, 0)
    assert LEAST_S <= room.buffer.target_s <= 0.045


def test_the_way_is_known_where_the_clocks_agree() -> None:
    room = Room()
    room.stream(2, lambda at: at + 0.030)
    assert (room.buffer.way_s or 0) + ELSEWHERE_S == pytest.approx(0.030)
    assert room.buffer.behind_s + ELSEWHERE_S == pytest.approx(0.030 + room.buffer.depth_s)


@pytest.mark.parametrize("jitter", [0.010, 0.040, 0.090])
def test_the_depth_follows_the_jitter(jitter: float) -> None:
    room = Room()
    room.stream(30, late_by(jitter))
    half = len(room.depths) // 2
    assert jitter * 0.8 < room.buffer.target_s < jitter + 0.020
    assert room.ms(room.depths[half:]) < (jitter + 0.060) * 1000
    assert room.buffer.filled_s < 0.15
    assert room.buffer.late_s == 0
    assert room.largest_step() < STEP


def test_the_depth_falls_slowly_when_the_jitter_has_gone() -> None:
    dice = late_by(0.100)
    room = Room()
    room.stream(60, lambda at: dice(at) if at < 15 else at + 0.010)
    assert max(room.depths) > 0.080
    assert room.buffer.target_s < 0.025
    assert room.ms(room.depths[-100:]) < 60
    assert room.largest_step() < STEP


def test_a_quiet_moment_is_taken_to_shrink_in() -> None:
    """The words between are as they were said."""
    room = Room()
    word, pause = [sine(0, BLOCK)] * 40, [sine(0, BLOCK, loudness=30)] * 40
    frames = (word + pause) * 12
    for number, frame in enumerate(frames):
        stalls = number < 40
        room.now = number * FRAME_S + (0.1 if stalls and number % 20 == 19 else 0.01)
        room.say(number * FRAME_S, frame)
        room.now = (number + 1) * FRAME_S
        room.listen()
    loud = np.abs(room.sound.astype(np.int32)).reshape(-1, BLOCK).max(axis=1) > 4000
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(int), [0]]))))[::2]
    assert room.buffer.depth_s < 0.080
    assert set(runs[2:-1]) == {40}


def test_a_short_stall_loses_no_word() -> None:
    room = Room()
    room.stream(10, lambda at: 5.15 if 5.0 <= at < 5.15 else at + 0.01)
    assert 0.05 < room.buffer.filled_s < 0.15
    assert room.buffer.late_s == 0
    assert room.largest_step() < STEP


def test_after_a_long_stall_the_old_is_skipped() -> None:
    room = Room()
    room.stream(20, lambda at: 7.0 if 5.0 <= at < 7.0 else at + 0.01)
    assert room.buffer.late_s > 1.5
    assert max(room.depths[400:]) <= MOST_S + 2 * FRAME_S
    assert room.largest_step() < STEP


@pytest.mark.parametrize("pace", [0.999, 1.001])
def test_two_clocks_drift_apart_without_a_gap_or_a_click(pace: float) -> None:
    room = Room()
    room.stream(120, lambda at: at + 0.01, spoken=FRAME_S * pace)
    assert max(room.depths[50:]) < 0.1
    assert room.buffer.late_s == 0
    assert room.largest_step() < STEP


def test_what_is_sent_ahead_of_its_time_is_played_after_what_came_before_it() -> None:
    room = Room(ahead=True)
    for _ in range(150):
        room.say(0.0)
    for tick in range(200):
        room.now = tick * FRAME_S
        room.listen()
    sound = room.sound
    begin = int(np.flatnonzero(sound)[0]) // BLOCK * BLOCK
    faded = RATE // 400
    assert np.array_equal(sound[begin + faded : begin + 150 * BLOCK], sine(0, 150 * BLOCK)[faded:])
    assert begin <= 3 * BLOCK
    assert not sound[begin + 151 * BLOCK :].any()
    assert (room.buffer.filled_s, room.buffer.late_s) == (0, 0)
    assert room.largest_step() < STEP


def test_a_pause_between_stretches_is_neither_filled_nor_late() -> None:
    room = Room(ahead=True)
    for tick in range(500):
        room.now = tick * FRAME_S
        if tick in (10, 260):
            for _ in range(50):
                room.say(room.now)
        room.listen()
    loud = np.flatnonzero(np.abs(room.sound.astype(np.int32)).reshape(-1, BLOCK).max(axis=1))
    pauses = np.diff(loud)
    assert pauses.max() == pytest.approx(200, abs=3)
    assert (room.buffer.filled_s, room.buffer.late_s) == (0, 0)


def test_what_is_cleared_is_not_played_and_what_comes_then_is() -> None:
    room = Room(ahead=True)
    for _ in range(150):
        room.say(0.0)
    for tick in range(100):
        room.now = tick * FRAME_S
        if tick == 50:
            room.buffer.clear()
        if tick == 70:
            room.say(room.now, sine(0, 10 * BLOCK))
        room.listen()
    sound = room.sound
    assert not sound[51 * BLOCK : 70 * BLOCK].any()
    assert sound[75 * BLOCK : 78 * BLOCK].any()
    assert not sound[85 * BLOCK :].any()
    assert room.largest_step() < STEP


def test_a_stream_that_nobody_takes_is_not_kept_for_ever() -> None:
    room = Room()
    for second in range(200):
        room.now = float(second)
        room.say(room.now, sine(0, RATE))
    assert room.buffer.late_s > 100
    room.listen()
    assert room.buffer.depth_s < 200
    for tick in range(10):
        room.now += FRAME_S * tick
        room.listen()
    assert room.buffer.late_s > 190

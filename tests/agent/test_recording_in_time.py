"""Where the recorder puts what it hears: by the clock, whatever the line does."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.recorder import Recorder

MS = 1_000_000
FRAME = np.full(160, 1000, np.int16)


class Tape:
    """What a recorder's file would hold, in milliseconds at 8 kHz."""

    def __init__(self, hears: int = 8000, speaks: int = 8000) -> None:
        self.recorder = Recorder(5 * MS, hears, speaks)
        self._held = bytearray()

    def now(self, ms: float) -> int:
        return int((5 + ms) * MS)

    def caller(self, ms: float, samples: NDArray[np.int16] = FRAME) -> None:
        self.recorder.caller(self.now(ms), samples)

    def agent(self, ms: float, samples: NDArray[np.int16] = FRAME) -> None:
        self.recorder.agent(self.now(ms), samples, False)

    def take(self, ms: float) -> None:
        at, frames = self.recorder.take(self.now(ms))
        assert at * 4 <= len(self._held), "a hole in the file"
        self._held[at * 4 : at * 4 + len(frames)] = frames

    def channels(self) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        both = np.frombuffer(bytes(self._held), np.int16).reshape(-1, 2)
        return both[:, 0], both[:, 1]


def marked(number: int) -> NDArray[np.int16]:
    return np.full(160, number, np.int16)


def spans(samples: NDArray[np.int16], rate: int = 8000) -> list[tuple[int, int]]:
    """Where there is sound, in milliseconds."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], (samples != 0).astype(int), [0]))))
    return [(round(a * 1000 / rate), round(b * 1000 / rate)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def spoken(tape: Tape, frames: Iterable[int], *, late: float = 0) -> None:
    for number in frames:
        tape.caller(number * 20 + 20 + late, marked(number + 1))


def test_the_callers_frames_stand_where_they_were_spoken_whatever_the_jitter() -> None:
    tape = Tape()
    for number in range(100):
        tape.caller(20 * number + 20 + (number * 7) % 30, marked(number + 1))
        tape.take(20 * number + 50)
    caller, _ = tape.channels()

    assert spans(caller) == [(0, 2000)]
    assert (caller[:16_000].reshape(-1, 160) == np.arange(1, 101)[:, None]).all()


def test_a_gap_of_the_line_is_as_long_in_the_recording() -> None:
    tape = Tape()
    spoken(tape, range(50))
    tape.take(1500)
    spoken(tape, range(150, 200))
    tape.take(4000)
    caller, agent = tape.channels()

    assert spans(caller) == [(0, 1000), (3000, 4000)]
    assert len(caller) == len(agent) == 4 * 8000
    assert not agent.any()


def test_what_the_line_held_up_and_sent_at_once_was_spoken_without_a_pause() -> None:
    tape = Tape()
    spoken(tape, range(50))
    for ms in range(1000, 3000, 500):
        tape.take(ms)
    for number in range(50, 150):
        tape.caller(3000, marked(number + 1))
    spoken(tape, range(150, 250))
    tape.take(5100)
    caller, _ = tape.channels()

    assert spans(caller)[-1][1] <= 5020
    assert np.count_nonzero(caller[: 5000 * 8] == 0) <= 160
    assert [number for number in dict.fromkeys(caller.tolist()) if number] == list(range(1, 251))


def test_the_agents_audio_is_played_after_what_was_sent_before_it() -> None:
    tape = Tape()
    for _ in range(50):
        tape.agent(200)
    tape.take(400)
    tape.agent(3000)
    tape.take(4000)
    _, agent = tape.channels()

    assert spans(agent) == [(200, 1200), (3000, 3020)]


def test_a_clear_cuts_what_was_sent_and_not_what_was_played() -> None:
    tape = Tape()
    for _ in range(100):
        tape.agent(0)
    tape.take(500)
    tape.recorder.cleared(tape.now(730))
    tape.take(1000)
    tape.agent(1500)
    tape.take(2000)

    assert spans(tape.channels()[1]) == [(0, 730), (1500, 1520)]


def test_a_pause_is_silence_on_both_sides_and_moves_nothing() -> None:
    tape = Tape()
    for _ in range(150):
        tape.agent(0)
    spoken(tape, range(50))
    tape.recorder.pause(tape.now(1000))
    spoken(tape, range(50, 100))
    tape.agent(1800)
    tape.recorder.resume()
    spoken(tape, range(100, 150))
    tape.agent(2500)
    tape.take(3000)
    caller, agent = tape.channels()

    assert spans(caller) == [(0, 1000), (2000, 3000)]
    assert spans(agent) == [(0, 1000), (2500, 2520)]


@pytest.mark.parametrize(("hears", "speaks"), [(8000, 16_000), (16_000, 8000)])
def test_two_rates_make_one_recording_at_the_higher_one(hears: int, speaks: int) -> None:
    tape = Tape(hears, speaks)
    for number in range(50):
        tape.caller(number * 20 + 20, np.full(hears // 50, 1000, np.int16))
        tape.agent(number * 20, np.full(speaks // 50, 2000, np.int16))
    tape.take(1000)
    caller, agent = tape.channels()

    assert tape.recorder.rate == 16_000
    assert len(caller) == 16_000
    assert np.median(caller) == 1000
    assert np.median(agent) == 2000
    assert spans(caller, 16_000)[0][0] <= 1
    assert spans(agent, 16_000)[-1][1] >= 998


def test_a_line_that_sends_faster_than_time_and_an_agent_that_never_ends_take_bounded_memory() -> None:
    tape = Tape()
    minute = np.full(480_000, 1, np.int16)
    for _ in range(20):
        tape.caller(20)
        tape.agent(20, minute)
    for _ in range(1000):
        tape.caller(20)
    held = [len(track._audio) for track in (tape.recorder._caller, tape.recorder._agent)]

    assert held[0] < 2 * 8000 * 2
    assert held[1] < 7 * 960_000


def test_only_the_last_seconds_stay_in_memory() -> None:
    tape = Tape()
    for number in range(1000):
        tape.caller(number * 20 + 20)
        tape.agent(number * 20)
        if number % 25 == 0:
            tape.take(number * 20 + 20)

    assert max(len(track._audio) for track in (tape.recorder._caller, tape.recorder._agent)) < 4 * 16_000
    tape.take(20_000)
    assert spans(tape.channels()[0]) == [(0, 20_000)]

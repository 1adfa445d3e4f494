from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np
import pytest

from console.sound.clock import BLOCK, RATE
from console.sound.drift import Bend
from console.sound.lanes import MicrophoneLane, SpeakerLane, Tally
from console.sound.ring import Ring

TICKS = 1200
"""24 seconds."""


def test_a_ring_gives_back_in_order_what_it_had_room_for() -> None:
    ring, kept, random = Ring(100, 2), deque[int](), np.random.default_rng(5)
    following = 0

    for _ in range(2000):
        count = int(random.integers(0, 90))
        numbers = np.arange(following, following + count) % 30_000
        lost = ring.write(np.stack((numbers, -numbers), axis=1).astype(np.int16))
        kept.extend(int(one) for one in numbers[: count - lost])
        following += count
        assert ring.fill == len(kept) <= 100
        assert lost == 0 or ring.fill == 100
        out = ring.read(int(random.integers(0, 90)))
        assert [int(one) for one in out[:, 0]] == [kept.popleft() for _ in range(len(out))]
        assert (out[:, 1] == -out[:, 0]).all()


def test_at_its_own_speed_sound_passes_as_it_is() -> None:
    sound = np.random.default_rng(1).integers(-32768, 32767, (4800, 2)).astype(np.int16)
    bend = Bend(2)

    out = np.concatenate([bend.push(part, 1.0) for part in np.split(sound, 40)])

    assert len(out) == len(sound) - 2
    assert (out == sound[: len(out)]).all()


@pytest.mark.parametrize("speed", [0.999, 1.001])
def test_bent_sound_is_the_same_tone_and_nothing_else(speed: float) -> None:
    tone = (20_000 * np.sin(2 * np.pi * 3000 * np.arange(RATE) / RATE)).astype(np.int16)
    bend = Bend(1)

    out = np.concatenate([bend.push(part[:, None], speed) for part in np.split(tone, 50)])[100:, 0]

    assert len(out) + 100 == pytest.approx(RATE / speed, abs=4)
    at = np.arange(len(out)) * 2 * np.pi * 3000 * speed / RATE
    wave = np.stack((np.sin(at), np.cos(at)), axis=1)
    rest = out - wave @ np.linalg.lstsq(wave, out, rcond=None)[0]
    assert 20 * np.log10(np.std(out) / np.std(rest)) > 50


class Clocks:
    """Ticks of 20 ms and the calls of a device whose clock is ``drift`` faster, each up to 2 ms late."""

    def __init__(self, drift: float) -> None:
        self.now = 0.0
        self._drift = drift

    def __iter__(self) -> Iterator[bool]:
        """Whether it is the device's call (or a tick)."""
        random = np.random.default_rng(3)
        ticks = [(0.02 * (tick + 1) + random.uniform(0, 0.002), False) for tick in range(TICKS)]
        calls = [
            (0.013 + 0.02 / (1 + self._drift) * call + random.uniform(0, 0.002), True) for call in range(2 * TICKS)
        ]
        for self.now, call in sorted(ticks + calls)[: 2 * TICKS - 10]:
            yield call


def slope(at: int) -> np.ndarray:
    """A slow triangle: where a sample is left out or put in, it jumps."""
    place = np.arange(at, at + BLOCK) % 40_000
    return np.where(place < 20_000, place, 40_000 - place).astype(np.int16)


@pytest.mark.parametrize("drift", [-300e-6, 0, 300e-6])
def test_a_microphone_with_another_clock_loses_nothing_and_falls_no_further_behind(drift: float) -> None:
    clocks, tally, at, heard = Clocks(drift), Tally(), 0, [np.empty(0, np.int16)]
    lane = MicrophoneLane(RATE, tally, lambda: clocks.now)

    for call in clocks:
        if call:
            lane.put(slope(at)[:, None])
            at += BLOCK
        else:
            heard.append(lane.take())
            assert lane.waiting_ms <= 40

    assert np.abs(np.diff(np.concatenate(heard[10:]).astype(int))).max() <= 2
    assert (tally.filled, tally.dropped) == (0, 0)


@pytest.mark.parametrize("drift", [-300e-6, 0, 300e-6])
def test_a_speaker_with_another_clock_never_runs_dry_and_falls_no_further_behind(drift: float) -> None:
    clocks, tally, at, played = Clocks(drift), Tally(), 0, [np.empty(0, np.int16)]
    lane = SpeakerLane(RATE, tally, lambda: clocks.now)

    for call in clocks:
        if call:
            played.append(lane.take(BLOCK)[:, 0])
        else:
            lane.put(slope(at)[:, None].repeat(2, axis=1))
            at += BLOCK
            assert lane.waiting_ms <= 60

    assert np.abs(np.diff(np.concatenate(played[10:]).astype(int))).max() <= 2
    assert (tally.filled, tally.dropped) == (0, 0)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_a_device_with_another_rate_carries_the_same_tone(rate: int) -> None:
    now = 0.0
    microphone, speaker = MicrophoneLane(rate, Tally(), lambda: now), SpeakerLane(rate, Tally(), lambda: now)
    heard: list[np.ndarray] = []
    for tick in range(100):
        at = np.arange(tick * BLOCK, (tick + 1) * BLOCK)
        tone = (8000 * np.sin(2 * np.pi * 1000 * at / RATE)).astype(np.int16)
        speaker.put(np.stack((tone, tone), axis=1))
        microphone.put(speaker.take(rate // 50)[:, :1])
        now += 0.02
        heard.append(microphone.take())

    sound = np.concatenate(heard)[-RATE:]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert np.argmax(spectrum) == pytest.approx(1000, abs=2)
    assert (
        20 * np.log10(np.sum(spectrum[995:1006] ** 2) / (np.sum(spectrum**2) - np.sum(spectrum[995:1006] ** 2)))
        > 30
    )
    assert np.abs(sound).max() == pytest.approx(8000, rel=0.06)


def test_what_a_stall_heaps_up_is_dropped_and_counted_and_is_no_delay_for_ever() -> None:
    tally, now = Tally(), 0.0
    lane = MicrophoneLane(RATE, tally, lambda: now)
    chunk = np.ones((BLOCK, 1), np.int16)

    def call() -> None:
        nonlocal now
        lane.put(chunk)
        now += 0.02

    for _ in range(10):
        call()
        lane.take()
    for _ in range(30):
        call()
    for _ in range(3):
        call()
        lane.take()

    assert lane.waiting_ms < 60
    assert 28 * BLOCK <= tally.dropped <= 31 * BLOCK

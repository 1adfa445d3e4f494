"""The stereo recording of a call: every sample where it was heard, whatever happens to the process or the disk."""

from __future__ import annotations

import shutil
import threading
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.recording.disk import Disk
from simulator.recording.stereo import StereoWriter

RATE = 8000
TICK = 160


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.close()


def sound(seed: int, samples: int = TICK) -> np.ndarray:
    return np.random.default_rng(seed).integers(-32768, 32768, samples).astype(np.int16)


def read(path: Path) -> np.ndarray:
    """The file as shape (frames, 2)."""
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 2, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)


def unforeseen(sentence: str) -> None:
    raise AssertionError(sentence)


def drain(disk: Disk) -> None:
    disk.finish(lambda: None).result(10)


async def test_caller_is_left_agent_is_right_and_gaps_are_silence(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "new" / "call.wav"
    writer = StereoWriter(path, RATE, disk, unforeseen)
    writer.tick(0, sound(1), None)
    writer.tick(3, None, sound(2, 100))
    writer.tick(120, sound(3), sound(4))
    await writer.close()
    heard = read(path)
    expected = np.zeros((121 * TICK, 2), np.int16)
    expected[:TICK, 0] = sound(1)
    expected[3 * TICK : 3 * TICK + 100, 1] = sound(2, 100)
    expected[120 * TICK :] = np.stack((sound(3), sound(4)), axis=1)
    np.testing.assert_array_equal(heard, expected)
    assert path.stat().st_size == 44 + expected.nbytes


async def test_silence_at_the_end_counts(tmp_path: Path, disk: Disk) -> None:
    writer = StereoWriter(tmp_path / "call.wav", RATE, disk, unforeseen)
    for index in range(75):
        writer.tick(index, None, None)
    await writer.close()
    assert len(read(tmp_path / "call.wav")) == 75 * TICK


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(0, TICK) | st.none(), st.integers(0, TICK) | st.none()),
        max_size=40,
    )
)
async def test_ticks_in_any_order_land_at_their_places(ticks: list[tuple[int, int | None, int | None]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        disk, path = Disk(), Path(folder) / "call.wav"
        writer = StereoWriter(path, RATE, disk, unforeseen)
        expected = np.zeros((301 * TICK, 2), np.int16)
        for number, (index, *lengths) in enumerate(ticks):
            sides = [None if length is None else sound(number, length) for length in lengths]
            writer.tick(index, *sides)
            for channel, side in enumerate(sides):
                if side is not None:
                    place = expected[index * TICK : (index + 1) * TICK, channel]
                    place[:] = 0
                    place[: len(side)] = side
        await writer.close()
        disk.close()
        heard = read(path)
        np.testing.assert_array_equal(heard, expected[: len(heard)])
        assert not expected[len(heard) :].any()


async def test_a_file_that_is_still_being_written_is_whole(tmp_path: Path, disk: Disk) -> None:
    """What a crash would leave behind is what a reader finds at any moment."""
    path = tmp_path / "call.wav"
    writer = StereoWriter(path, RATE, disk, unforeseen)
    drain(disk)
    assert len(read(path)) == 0
    for index in range(130):
        writer.tick(index, sound(index), None)
    drain(disk)
    left_behind = tmp_path / "crash.wav"
    shutil.copy(path, left_behind)
    await writer.close()
    early, whole = read(left_behind), read(path)
    assert len(early) == 100 * TICK
    np.testing.assert_array_equal(early, whole[: len(early)])
    assert left_behind.stat().st_size == 44 + early.nbytes


async def test_a_slow_disk_never_blocks_the_call_and_is_told_once(tmp_path: Path) -> None:
    problems: list[str] = []
    disk = Disk(most_bytes=100_000)
    go_on = threading.Event()

    def busy() -> None:
        go_on.wait(10)

    disk.submit(busy, 0)
    writer = StereoWriter(tmp_path / "call.wav", RATE, disk, problems.append)
    for index in range(500):
        writer.tick(index, sound(index), sound(-index % 7))
    assert len(problems) == 1
    assert "call.wav has gaps: the disk is too slow" in problems[0]
    go_on.set()
    await writer.close()
    heard = read(tmp_path / "call.wav")
    np.testing.assert_array_equal(heard[:TICK, 0], sound(0))
    disk.close()


async def test_a_directory_that_cannot_be_used_is_told_once_and_the_call_goes_on(
    tmp_path: Path, disk: Disk
) -> None:
    (tmp_path / "file").write_text("")
    problems: list[str] = []
    writer = StereoWriter(tmp_path / "file" / "calls" / "call.wav", RATE, disk, problems.append)
    for index in range(200):
        writer.tick(index, sound(1), None)
        drain(disk)
    await writer.close()
    assert len(problems) == 1
    assert problems[0].startswith("The recording call.wav could not be written: Not a directory; check")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
async def test_a_full_disk_is_told_once_and_the_call_goes_on(tmp_path: Path, disk: Disk) -> None:
    (tmp_path / "call.wav").symlink_to("/dev/full")
    problems: list[str] = []
    writer = StereoWriter(tmp_path / "call.wav", RATE, disk, problems.append)
    for index in range(200):
        writer.tick(index, sound(1), None)
    await writer.close()
    assert problems == [
        "The recording call.wav could not be written: No space left on device; "
        "check its directory and the free space."
    ]


async def test_a_recording_has_an_end(tmp_path: Path, disk: Disk) -> None:
    problems: list[str] = []
    writer = StereoWriter(tmp_path / "call.wav", RATE, disk, problems.append)
    writer.tick(10**9, sound(1), None)
    writer.tick(10**9 + 1, sound(1), None)
    await writer.close()
    assert problems == ["The recording call.wav is full at 19 hours; the rest is missing."]
    assert (tmp_path / "call.wav").stat().st_size == 44


async def test_wrong_ticks_are_refused(tmp_path: Path, disk: Disk) -> None:
    with pytest.raises(ValueError, match="8001 Hz"):
        StereoWriter(tmp_path / "a.wav", 8001, disk, unforeseen)
    writer = StereoWriter(tmp_path / "b.wav", RATE, disk, unforeseen)
    with pytest.raises(ValueError, match="160 samples, not 161"):
        writer.tick(0, sound(1, 161), None)
    with pytest.raises(ValueError, match="before the answer"):
        writer.tick(-1, None, None)
    await writer.close()


async def test_a_closed_disk_still_closes_files(tmp_path: Path) -> None:
    disk = Disk()
    problems: list[str] = []
    writer = StereoWriter(tmp_path / "call.wav", RATE, disk, problems.append)
    disk.close()
    writer.tick(0, sound(1), None)
    await writer.close()
    assert len(problems) == 1
    assert len(read(tmp_path / "call.wav")) == 0

"""Recordings that Telnyx makes of a call: the samples in the file, the store, and its HTTP routes."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
import telnyx
from starlette.applications import Starlette
from starlette.routing import Mount

from simulator.recording.call_files import CallRecording, RecordingFailed
from simulator.recording.disk import Disk
from simulator.recording.routes import download_routes, routes
from simulator.recording.store import Recording, Recordings
from simulator.telnyx.call_rules import RecordRules
from simulator.telnyx.facts import CallFacts
from simulator.telnyx.identifiers import CallIds
from simulator.telnyx.router import Router

RATE = 8000
TICK = 160
BASE = "http://simulator.test"


class Calendar:
    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.close()


@pytest.fixture
def recordings(tmp_path: Path, disk: Disk, calendar: Calendar) -> Recordings:
    return Recordings(tmp_path / "recordings", lambda: BASE, now=calendar.now)


def unforeseen(sentence: str) -> None:
    raise AssertionError(sentence)


def facts(number: str = "+12025550131") -> CallFacts:
    return CallFacts(
        ids=CallIds(),
        connection_id="2811200000000000000",
        direction="outgoing",
        from_number="+12025550100",
        to_number=number,
        client_state=None,
        codec="PCMU",
        started_at=datetime(2026, 3, 1, 11, 59, tzinfo=UTC),
    )


def loud(seed: int, samples: int = TICK) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(-32768, 32768, samples).astype(np.int16)
    noise[0] = noise[-1] = 20_000
    return noise


def read(recording: Recording) -> np.ndarray:
    with wave.open(str(recording.path), "rb") as file:
        assert file.getframerate() == RATE
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())


async def finish(recordings: Recordings, recording: CallRecording) -> Recording:
    saved = await recording.stop()
    assert recordings.get(recording.id) is saved
    return saved


async def test_dual_has_the_telephone_left_and_the_application_right(recordings: Recordings, disk: Disk) -> None:
    recording = CallRecording(recordings, disk, facts(), RecordRules(channels="dual"), RATE, unforeseen)
    for index in range(130):
        recording.tick(loud(index) if index % 2 else None, loud(1000 + index, 100))
    saved = await finish(recordings, recording)
    expected = np.zeros((130 * TICK, 2), np.int16)
    for index in range(130):
        if index % 2:
            expected[index * TICK : (index + 1) * TICK, 0] = loud(index)
        expected[index * TICK : index * TICK + 100, 1] = loud(1000 + index, 100)
    np.testing.assert_array_equal(read(saved), expected)
    assert (saved.duration_ms, saved.channels, saved.path.suffix) == (2600, "dual", ".wav")
    assert saved.size == saved.path.stat().st_size == 44 + expected.nbytes


async def test_single_is_mixed_and_saturates(recordings: Recordings, disk: Disk) -> None:
    recording = CallRecording(recordings, disk, facts(), RecordRules(channels="single"), RATE, unforeseen)
    one, other = loud(1), loud(2)
    recording.tick(one, other)
    mixed = np.clip(one.astype(int) + other.astype(int), -32768, 32767)
    np.testing.assert_array_equal(read(await finish(recordings, recording))[:, 0], mixed)
    assert mixed.max() == 32767


@pytest.mark.parametrize("track", ["inbound", "outbound"])
async def test_one_track_is_mono_whatever_the_channels(recordings: Recordings, disk: Disk, track: Any) -> None:
    recording = CallRecording(
        recordings, disk, facts(), RecordRules(channels="dual", track=track), RATE, unforeseen
    )
    recording.tick(loud(1), loud(2))
    saved = await finish(recordings, recording)
    np.testing.assert_array_equal(read(saved)[:, 0], loud(1 if track == "inbound" else 2))
    assert saved.channels == "single"


async def test_the_longest_length_ends_it_to_the_sample(
    recordings: Recordings, disk: Disk, calendar: Calendar
) -> None:
    recording = CallRecording(recordings, disk, facts(), RecordRules(max_seconds=2), RATE, unforeseen)
    for index in range(120):
        assert recording.is_over == (index >= 100)
        recording.tick(loud(1), None)
    calendar.moment += timedelta(seconds=9)
    saved = await finish(recordings, recording)
    assert recording.ended_by == "max_length"
    assert len(read(saved)) == 2 * RATE
    assert saved.ended_at == saved.started_at


async def test_silence_ends_it_once_someone_has_spoken(recordings: Recordings, disk: Disk) -> None:
    recording = CallRecording(recordings, disk, facts(), RecordRules(silence_seconds=1), RATE, unforeseen)
    hiss = np.full(TICK, 90, np.int16)
    for _ in range(200):
        recording.tick(hiss, None)
    assert not recording.is_over
    recording.tick(None, loud(1))
    for _ in range(49):
        recording.tick(hiss, None)
    recording.tick(loud(2), None)
    for _ in range(49):
        recording.tick(hiss, None)
    assert not recording.is_over
    recording.tick(hiss, None)
    assert recording.ended_by == "silence"
    await recording.stop()


@pytest.mark.parametrize("middle", [10, 170])
async def test_trimming_takes_silence_from_both_ends_only(recordings: Recordings, disk: Disk, middle: int) -> None:
    recording = CallRecording(recordings, disk, facts(), RecordRules(trim_silence=True), RATE, unforeseen)
    ticks = [None] * 60 + [loud(1)] + [None] * middle + [loud(2)] + [None] * 130
    for tick in ticks:
        recording.tick(tick, None)
    saved = await finish(recordings, recording)
    heard = read(saved)[:, 0]
    np.testing.assert_array_equal(heard[:TICK], loud(1))
    assert not heard[TICK:-TICK].any()
    np.testing.assert_array_equal(heard[-TICK:], loud(2))
    assert saved.duration_ms == (middle + 2) * 20
    assert saved.path.stat().st_size == 44 + heard.nbytes


async def test_a_call_without_a_sound_is_trimmed_to_nothing(recordings: Recordings, disk: Disk) -> None:
    recording = CallRecording(recordings, disk, facts(), RecordRules(trim_silence=True), RATE, unforeseen)
    for _ in range(80):
        recording.tick(None, None)
    assert (await finish(recordings, recording)).duration_ms == 0


async def test_a_pause_is_left_out(recordings: Recordings, disk: Disk) -> None:
    recording = CallRecording(recordings, disk, facts(), RecordRules(), RATE, unforeseen)
    recording.tick(loud(1), None)
    recording.pause()
    recording.tick(loud(2), None)
    recording.resume()
    recording.tick(loud(3), None)
    heard = read(await finish(recordings, recording))[:, 0]
    np.testing.assert_array_equal(heard, np.concatenate((loud(1), loud(3))))


@pytest.mark.parametrize("channels", ["single", "dual"])
async def test_mp3_sounds_the_same(recordings: Recordings, disk: Disk, channels: Any) -> None:
    recording = CallRecording(
        recordings, disk, facts(), RecordRules(format="mp3", channels=channels), RATE, unforeseen
    )
    times = np.arange(150 * TICK) / RATE
    left = (8000 * np.sin(2 * np.pi * 440 * times)).astype(np.int16)
    right = (8000 * np.sin(2 * np.pi * 1000 * times)).astype(np.int16)
    for index in range(150):
        piece = slice(index * TICK, (index + 1) * TICK)
        recording.tick(left[piece], right[piece])
    saved = await finish(recordings, recording)
    assert saved.path.suffix == ".mp3"
    assert saved.duration_ms == 3000
    assert sorted(path.suffix for path in recordings.directory.iterdir()) == [".mp3"]
    with av.open(str(saved.path)) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
        assert container.streams.audio[0].rate == RATE
    heard = np.concatenate(frames, axis=1)
    assert heard.shape[0] == (2 if channels == "dual" else 1)
    assert abs(heard.shape[1] - 3 * RATE) < 2 * 1152

    def loudest(samples: np.ndarray) -> set[int]:
        spectrum = np.abs(np.fft.rfft(samples[RATE : 2 * RATE]))
        return {int(at) for at in np.flatnonzero(spectrum > spectrum.max() / 4)}

    tones = [loudest(channel) for channel in heard]
    assert tones == ([{440}, {1000}] if channels == "dual" else [{440, 1000}])


async def test_finishing_twice_says_the_same(recordings: Recordings, disk: Disk) -> None:
    recording = CallRecording(
        recordings,
        disk,
        facts(),
        RecordRules(),
        RATE,
        unforeseen,
        recording_id="3fa85f64-5717-4562-b3fc-2c963f66afa6",
    )
    recording.tick(loud(1), None)
    first, second = await asyncio.gather(recording.stop(), recording.stop())
    assert first.id == second.id == "3fa85f64-5717-4562-b3fc-2c963f66afa6"
    assert len(recordings.newest_first()) == 1
    recording.tick(loud(2), None)
    assert len(read(recordings.newest_first()[0])) == TICK


async def test_a_disk_that_fails_ends_the_recording_with_one_sentence(tmp_path: Path, disk: Disk) -> None:
    (tmp_path / "file").write_text("")
    problems: list[str] = []
    recordings = Recordings(tmp_path / "file" / "x", lambda: BASE)
    recording = CallRecording(recordings, disk, facts(), RecordRules(), RATE, problems.append)
    disk.finish(lambda: None).result(10)
    recording.tick(loud(1), None)
    assert recording.ended_by == "failure"
    with pytest.raises(
        RecordingFailed, match=f"The recording {recording.id} could not be written: Not a directory"
    ):
        await recording.stop()
    assert len(problems) == 1
    assert recordings.newest_first() == []


async def saved_by(recordings: Recordings, disk: Disk, ticks: int = 1, number: str = "+12025550131") -> Recording:
    recording = CallRecording(recordings, disk, facts(number), RecordRules(), RATE, unforeseen)
    for _ in range(ticks):
        recording.tick(loud(1), None)
    return await finish(recordings, recording)


async def test_the_oldest_go_first_and_earlier_runs_before_them(tmp_path: Path, disk: Disk) -> None:
    earlier = Recordings(tmp_path, lambda: BASE)
    old = [await saved_by(earlier, disk) for _ in range(2)]
    (tmp_path / "notes.wav").write_text("not a recording")
    recordings = Recordings(tmp_path, lambda: BASE, most=3)
    new = [await saved_by(recordings, disk) for _ in range(2)]
    assert sum(recording.path.exists() for recording in old) == 1
    new += [await saved_by(recordings, disk) for _ in range(2)]
    assert not any(recording.path.exists() for recording in old)
    assert recordings.newest_first() == new[:0:-1]
    assert [recording.path.exists() for recording in new] == [False, True, True, True]
    assert (tmp_path / "notes.wav").exists()


async def test_bytes_are_bounded_too(tmp_path: Path, disk: Disk) -> None:
    recordings = Recordings(tmp_path, lambda: BASE, most_bytes=3 * (44 + 10 * 2 * TICK))
    kept = [await saved_by(recordings, disk, ticks=10) for _ in range(4)]
    assert [recording.path.exists() for recording in kept] == [False, True, True, True]
    long = await saved_by(recordings, disk, ticks=100)
    assert recordings.newest_first() == [long]


@asynccontextmanager
async def served(recordings: Recordings, key: str | None = "KEY") -> AsyncIterator[httpx.AsyncClient]:
    router = Router(key)
    app = Starlette(routes=[Mount("/v2", routes=routes(router, recordings)), *download_routes(recordings)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as client:
        yield client


async def test_the_sdk_reads_lists_and_deletes(recordings: Recordings, disk: Disk, calendar: Calendar) -> None:
    made: list[Recording] = []
    for number in range(5):
        calendar.moment += timedelta(hours=1)
        made.append(await saved_by(recordings, disk, number=f"+1202555013{number}"))
    async with served(recordings) as http:
        client = telnyx.AsyncTelnyx(
            api_key="KEY", base_url=f"{BASE}/v2", http_client=http, _strict_response_validation=True, max_retries=0
        )
        one = (await client.recordings.retrieve(made[0].id)).data
        assert one is not None
        assert (one.id, one.channels, one.duration_millis, one.status) == (made[0].id, "single", 20, "completed")
        assert (one.from_, one.to, one.source) == ("+12025550100", "+12025550130", "call")
        assert one.call_control_id == made[0].facts.ids.call_control_id
        assert one.recording_started_at == "2026-03-01T13:00:00.000000Z"
        listed = [item.id async for item in client.recordings.list(page_size=2)]
        assert listed == [recording.id for recording in reversed(made)]
        chosen = client.recordings.list(filter={"to": "+12025550132"})
        assert [item.id async for item in chosen] == [made[2].id]
        late = client.recordings.list(
            filter={"created_at": {"gte": "2026-03-01T15:00:00Z"}, "end_time": {"lte": "2026-03-01T16:00:00"}}
        )
        assert [item.id async for item in late] == [made[3].id, made[2].id]
        deleted = (await client.recordings.delete(made[0].id)).data
        assert deleted is not None
        assert deleted.id == made[0].id
        assert not made[0].path.exists()
        assert (await client.recordings.actions.delete(ids=[made[1].id, made[2].id])).status == "ok"
        assert recordings.newest_first() == [made[4], made[3]]
        with pytest.raises(telnyx.NotFoundError):
            await client.recordings.retrieve(made[0].id)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/recordings/unknown", 404),
        ("DELETE", "/v2/recordings/unknown", 404),
        ("POST", "/v2/recordings", 405),
        ("GET", "/v2/recordings?page[size]=0", 400),
        ("GET", "/v2/recordings?page[size]=251", 400),
        ("GET", "/v2/recordings?page[number]=²", 400),
        ("GET", "/v2/recordings?filter[created_at][gte]=yesterday", 400),
        ("POST", "/v2/recordings/actions/delete", 422),
    ],
)
async def test_refusals_have_telnyx_errors(recordings: Recordings, method: str, path: str, status: int) -> None:
    async with served(recordings) as http:
        answer = await http.request(method, path, headers={"authorization": "Bearer KEY"})
        assert answer.status_code == status
        assert answer.json()["errors"][0]["code"].isdigit()
        assert (await http.request(method, path)).status_code == 401


async def test_the_file_is_served_without_a_key_for_ten_minutes(
    recordings: Recordings, disk: Disk, calendar: Calendar
) -> None:
    recording = await saved_by(recordings, disk, ticks=10)
    url = recordings.urls(recording)["wav"]
    async with served(recordings) as http:
        whole = await http.get(url)
        assert whole.status_code == 200
        assert whole.content == recording.path.read_bytes()
        assert whole.headers["content-type"] == "audio/wav"
        head = await http.head(url)
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) == recording.size
        part = await http.get(url, headers={"range": "bytes=44-63"})
        assert (part.status_code, part.content) == (206, recording.path.read_bytes()[44:64])
        calendar.moment += timedelta(minutes=10)
        assert (await http.get(url)).status_code == 200
        calendar.moment += timedelta(seconds=1)
        expired = await http.get(url)
        assert (expired.status_code, "valid for 10 minutes" in expired.text) == (403, True)
        fresh = recordings.urls(recording)["wav"]
        recordings.remove(recording.id)
        assert (await http.get(fresh)).status_code == 404


async def test_other_addresses_lead_nowhere(recordings: Recordings, disk: Disk) -> None:
    recording = await saved_by(recordings, disk)
    url = recordings.urls(recording)["wav"]
    changed = url[:-10] + ("A" if url[-10] != "A" else "B") + url[-9:]
    async with served(recordings) as http:
        names = [
            changed,
            f"{BASE}/recordings/{recording.id}.wav",
            f"{BASE}/recordings/é.wav",
            f"{BASE}/recordings/wav",
        ]
        for wrong in names:
            assert (wrong, (await http.get(wrong)).status_code) == (wrong, 403)
        assert (await http.get(url.removesuffix("wav") + "mp3")).status_code == 404

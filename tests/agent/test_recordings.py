"""The recording of a call: its file, its events, and what happens when there is no room for it."""

from __future__ import annotations

import asyncio
import io
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from agent import events, settings
from agent.recordings import Recordings
from tests.agent.line_at_hand import line_at_hand, of_kind
from tests.agent.server_house import House

CALLER = np.arange(1, 321, dtype=np.int16)
AGENT = -CALLER


async def ask(house: House, call: str, action: str, **body: Any) -> httpx.Response:
    body = {"action": action, **body}
    return await house.http.post(f"/calls/{call}/recording", json=body, headers=house.bearer)


async def fetch(house: House, call: str, **headers: str) -> httpx.Response:
    return await house.http.get(f"/calls/{call}/recording", headers={**house.bearer, **headers})


async def written(house: House, call: str) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Both channels of a call's recording, once the disk has all of it."""
    await house.agent.recordings.close()
    content = io.BytesIO((await fetch(house, call)).content)
    with soundfile.SoundFile(content) as file:
        assert (file.samplerate, file.channels) == (16_000, 2)
        samples = np.asarray(file.read(dtype="int16"), np.int16)
    return samples[:, 0], samples[:, 1]


def states(house: House) -> list[tuple[str, str]]:
    return [(event.state, event.who) for event in of_kind(house, events.CallRecording)]


async def test_both_voices_are_in_a_file_for_its_owner_alone(house: House, tmp_path: Path) -> None:
    async with line_at_hand(house) as line:
        await line.hears(CALLER)
        await line.line.operator_speaks(AGENT[:16].tobytes())
        await line.speaks(AGENT)
        await line.reached()
        await line.hang_up()
    caller, agent = await written(house, line.call)
    started, stopped = of_kind(house, events.CallRecording)

    assert np.array_equal(caller[caller != 0], CALLER)
    played = agent[agent != 0]
    assert len(played) > 16
    assert np.array_equal(played, np.concatenate((AGENT[:16], AGENT))[: len(played)])
    assert (started.state, started.at_ms, stopped.state) == ("started", 0, "stopped")
    assert stopped.at_ms == len(caller) // 16
    file = tmp_path / "calls" / stopped.file
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


async def test_what_is_said_while_it_pauses_is_not_in_the_recording(house: House) -> None:
    async with line_at_hand(house) as line:
        await line.hears(CALLER)
        await line.reached()
        for action in ("pause", "pause", "resume", "resume"):
            assert (await ask(house, line.call, action, who="ann")).status_code == 200
            if action == "pause":
                await line.hears(CALLER + 5000)
                await line.reached()
        again = await ask(house, line.call, "start")
        await line.hang_up()
    caller, _ = await written(house, line.call)

    assert (again.status_code, again.json()["error"]) == (409, f"The call {line.call} is recorded already.")
    assert states(house) == [("started", "agent"), ("paused", "ann"), ("resumed", "ann"), ("stopped", "agent")]
    assert caller.max() == CALLER.max()
    paused, resumed = (event.at_ms for event in of_kind(house, events.CallRecording)[1:3])
    assert not caller[(paused + 1) * 16 : (resumed - 1) * 16].any()


async def test_where_calls_are_not_recorded_an_operator_may_begin(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.agent.calls.recorders, "_always", False)
    async with line_at_hand(house) as line:
        refused = await ask(house, line.call, "pause")
        missing = await fetch(house, line.call)
        await ask(house, line.call, "start", who="ann")
        await line.hears(CALLER)
        await line.reached()
        await line.hang_up()

    assert (refused.status_code, missing.status_code) == (409, 404)
    assert missing.json()["error"].startswith(f"There is no recording of {line.call}")
    assert states(house) == [("started", "ann"), ("stopped", "agent")]
    assert (await written(house, line.call))[0].max() == CALLER.max()
    (told,) = [line.text for line in house.agent.stream.calls[line.call].lines if line.who == "note"][:1]
    assert told == "ann started the recording"


async def test_only_a_call_with_audio_can_be_recorded(house: House) -> None:
    ringing = (await house.dial()).json()["call"]

    for call, action, status in ((ringing, "start", 409), ("c_0", "start", 404), (ringing, "stop", 400)):
        answer = await ask(house, call, action)
        assert (answer.status_code, answer.json()["error"][-1]) == (status, ".")


async def test_a_recording_is_there_while_it_grows_and_in_parts_afterwards(house: House) -> None:
    async with line_at_hand(house) as line:
        await line.hears(CALLER)
        async with asyncio.timeout(10):
            while (growing := await fetch(house, line.call)).status_code == 404:
                await asyncio.sleep(0.05)
        await line.hang_up()
    await house.agent.recordings.close()
    part = await fetch(house, line.call, Range="bytes=0-43")
    whole = await fetch(house, line.call)

    info = soundfile.info(io.BytesIO(growing.content))
    assert (info.samplerate, info.channels, info.frames * 4 + 44) == (16_000, 2, len(growing.content))
    assert (part.status_code, part.content) == (206, whole.content[:44])
    assert whole.headers["content-type"] == "audio/wav"


async def test_no_name_leads_to_another_file(house: House, tmp_path: Path) -> None:
    (tmp_path / "calls").mkdir()
    (tmp_path / "agent.wav").write_bytes(b"secret")
    (tmp_path / "calls" / "a.b.wav").write_bytes(b"secret")
    (tmp_path / "calls" / "link.wav").symlink_to(tmp_path / "agent.wav")

    for call in ("c_0123456789", "..%2Fagent", "%2e%2e", "a.b", "link", "x" * 300):
        answer = await fetch(house, call)
        assert answer.status_code == 404
        assert "error" in answer.json()


async def test_without_room_for_it_the_call_goes_on_and_says_why(house: House, tmp_path: Path) -> None:
    (tmp_path / "calls").write_text("no folder")
    async with line_at_hand(house) as line:
        await line.hears(CALLER)
        error = await house.told(line.call, "error")
        again = await ask(house, line.call, "start")
        await line.reached()
        await line.hang_up()

    assert isinstance(error, events.Error)
    assert "is not recorded any more" in error.message
    assert "SIDETONE_DATA_DIR" in error.fix
    assert states(house) == [("started", "agent"), ("failed", "agent")]
    assert (again.status_code, "could not be recorded" in again.json()["error"]) == (409, True)
    assert house.agent.stream.calls[line.call].desk.recording.state == "failed"


async def test_a_disk_that_is_full_in_the_middle_leaves_what_was_written(tmp_path: Path) -> None:
    failed: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    files = Recordings(tmp_path, 1, lambda *what: failed.put_nowait(what))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, hard))
    try:
        files.open()
        for part in range(3):
            files.write("full.wav", 8000, part * 1000, b"\1" * 4000)
        files.write("small.wav", 8000, 0, b"\1" * 4000)
        assert (await asyncio.wait_for(failed.get(), 10))[0] == "full.wav"
        await files.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert failed.empty()
    assert soundfile.info(tmp_path / "full.wav").frames >= 1000
    assert soundfile.info(tmp_path / "small.wav").frames == 1000


async def test_a_disk_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    files = Recordings(tmp_path, 1, print)

    taken = 0
    while files.write("a.wav", 8000, taken, b"\1\1\1\1"):
        taken += 1
    assert taken == 1000


def test_a_killed_agent_leaves_whole_files(tmp_path: Path) -> None:
    code = f"""
import asyncio
from pathlib import Path
from agent.recordings import Recordings
async def main():
    files = Recordings(Path({str(tmp_path)!r}), 1, print)
    files.open()
    for part in range(10):
        files.write("c.wav", 8000, part * 4000, b"\\1\\2" * 8000)
    await files.flush()
    print("written", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"written\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()

    assert soundfile.info(tmp_path / "c.wav").frames == 40_000


async def test_what_is_too_old_is_deleted_at_start(tmp_path: Path) -> None:
    for name, days in (("old.wav", 3), ("new.wav", 1), ("old.txt", 3)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, time.time() - days * 86_400))
    files = Recordings(tmp_path, 2, print)
    files.open()
    await files.close()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.wav", "old.txt"]


@pytest.mark.parametrize(
    ("chosen", "line", "records"),
    [
        ("", "http://127.0.0.1:9/v2", True),
        ("auto", "https://api.telnyx.com/v2", False),
        ("on", "https://api.telnyx.com/v2", True),
        ("off", "http://127.0.0.1:9/v2", False),
    ],
)
def test_calls_are_recorded_where_the_line_is_simulated_or_as_set(chosen: str, line: str, records: bool) -> None:
    assert settings.read({"SIDETONE_RECORD": chosen, "TELNYX_BASE_URL": line}).record is records


def test_a_setting_of_recordings_that_is_wrong_is_named() -> None:
    for name, value in (("SIDETONE_RECORD", "maybe"), ("SIDETONE_RECORD_DAYS", "0")):
        with pytest.raises(settings.SettingsError, match=f"{name}={value}"):
            settings.read({name: value})

"""`sidetone tune` as a person or a program at a shell meets it, with a service that knows each setting's turns."""

from __future__ import annotations

import asyncio
import json
import signal
import struct
import sys
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection, serve

from console.cli import main
from console.command_line import tune_bench, tune_service

GRID = ("--grid", "min_turn_silence=100,600")
PAUSE_MS = 500
"""The caller's pause in the middle of the sentence, from 300 to 800 ms."""


@dataclass
class Ears:
    """Hears two words and ends turns where the settings of the session say so."""

    url: str = ""
    queries: list[dict[str, str]] = field(default_factory=list)
    deaf: bool = False
    refusal: str = ""
    held: asyncio.Event = field(default_factory=asyncio.Event)

    async def session(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        query = dict(parse_qsl(urlsplit(socket.request.path).query))
        self.queries.append(query)
        if self.refusal:
            await socket.send(json.dumps({"type": "Error", "error_code": 1008, "error": self.refusal}))
            return
        await socket.send(json.dumps({"type": "Begin", "configuration": {"model": query["speech_model"]}}))
        self.held.set()
        async for message in socket:
            if isinstance(message, str):
                for turn in () if self.deaf else self.turns(int(query["min_turn_silence"])):
                    await socket.send(json.dumps(turn))
                await socket.send(json.dumps({"type": "Termination"}))
                return

    def turns(self, silence: int) -> list[dict[str, Any]]:
        told = [(0, "I mean", 0, 300, "confidence"), (1, "Thursday.", 300 + PAUSE_MS, 1200, "confidence")]
        if silence >= PAUSE_MS:
            told = [(0, "I mean Thursday.", 0, 1200, "max_silence")]
        return [
            {
                "type": "Turn", "turn_order": order, "end_of_turn": True, "transcript": text,
                "words": [{"text": text, "start": start, "end": end, "confidence": 0.9}],
                "simulator": {"audio_ms": end + silence, "ended_by": by},
            }
            for order, text, start, end, by in told
        ]  # fmt: skip


@pytest.fixture
async def ears(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ears]:
    made = Ears()
    async with serve(made.session, "127.0.0.1", 0) as server:
        made.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        monkeypatch.setenv("ASSEMBLYAI_BASE_URL", made.url)
        monkeypatch.setenv("ASSEMBLYAI_API_KEY", "a key that nobody may see")
        monkeypatch.setattr(tune_service, "_LIVE_EVERY_S", 0.0)
        # These ears need no silence to end a turn, and a live one takes its time.
        monkeypatch.setattr(tune_bench, "_AFTER_MS", -1_200)
        yield made


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "caller.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(struct.pack("<400h", *range(400)))
    return path


async def _tune(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    """Run the command in a thread, where its loop is its own; the signal handlers stay with the test's."""
    monkeypatch.setattr(sys, "argv", ["sidetone", "tune", *map(str, arguments)])
    monkeypatch.setattr(asyncio.unix_events._UnixSelectorEventLoop, "add_signal_handler", lambda *_: None)
    return await asyncio.to_thread(main)


async def test_the_settings_are_compared(
    ears: Ears, recording: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await _tune(monkeypatch, recording, *GRID) == 0

    out, err = capsys.readouterr()
    assert err == ""
    lines = [line.split() for line in out.splitlines()]
    assert ["stt", "LIVE", "(universal-3-6-pro)", "·", "1", "recording,", "00:00"] in lines
    assert ["a", "▸", "320", "2", "1", "0.32", "0.32", "3"] in lines
    assert ["b", "●", "100", "2", "1", "0.10", "0.10", "3"] in lines
    assert ["c", "●", "600", "1", "0", "0.60", "0.60", "3"] in lines
    assert "min_turn_silence=600 cuts off 0 of 1 and waits 0.60 s; now: 1 of 2 at 0.32 s." in out
    assert sorted(query["min_turn_silence"] for query in ears.queries) == ["100", "320", "600"]
    assert {query["sample_rate"] for query in ears.queries} == {"8000"}
    assert "nobody may see" not in out


async def test_every_line_for_programs_is_an_object(
    ears: Ears, recording: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await _tune(monkeypatch, recording, *GRID, "--json") == 0

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["recording"] for one in told] == [str(recording)] * 3 + [None] * 3
    best = [one for one in told if one["recording"] is None and one["setting"] == {"min_turn_silence": 600}]
    assert [(one["cut_offs"], one["wait_p50_ms"], one["best"]) for one in best] == [(0, 600, True)]


async def test_a_caller_whom_nobody_hears_is_a_failure(
    ears: Ears, recording: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ears.deaf = True

    assert await _tune(monkeypatch, recording, "--grid", "min_turn_silence=320") == 1
    assert "No turn was heard" in capsys.readouterr().out


async def test_a_refused_key_is_told_once_and_not_tried_again(
    ears: Ears, recording: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ears.refusal = "Unauthorized Connection: Invalid API key"
    monkeypatch.setattr(tune_service, "_LIVE_EVERY_S", 3600.0)

    assert await _tune(monkeypatch, recording, *GRID) == 1

    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.endswith("on caller.wav: Unauthorized Connection: Invalid API key (code 1008).")
    assert len(ears.queries) == 1


async def test_money_is_not_spent_without_being_asked(
    recording: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASSEMBLYAI_API_KEY", "a key")

    assert await _tune(monkeypatch, recording, *GRID) == 2
    assert capsys.readouterr().err == (
        "This sends about 1 minute of audio to AssemblyAI in 3 sessions, which costs money: "
        "confirm it with --yes, or use the stand-in with --sim stt.\n"
    )


async def test_wrong_usage_is_one_sentence(
    recording: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, told in (
        (["nowhere.wav"], "nowhere.wav cannot be read"),
        ([recording, "--grid", "vad=1"], "AssemblyAI has no parameter vad"),
        ([recording, "--agent", "nowhere.toml"], "nowhere.toml cannot be read"),
    ):
        assert await _tune(monkeypatch, *arguments) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert told in line
    assert await _tune(monkeypatch) == 2
    assert await _tune(monkeypatch, recording, "--channel", "middle") == 2


async def test_ctrl_c_ends_it_and_tells_what_was_tried(ears: Ears, recording: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "console", "tune", str(recording), *GRID,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        await ears.held.wait()
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()

    assert (process.returncode, out) == (130, b"")
    assert err.decode() == "Interrupted: 0 of 3 settings tried.\n"

"""`sidetone tune` with a real stand-in: a caller who pauses in the middle of what he wants."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from simulator.speech.services import SpeechServices

PAUSE_MS = 700


async def _speak(*pieces: str | int) -> np.ndarray:
    """Lines of text and milliseconds of silence at 8 kHz."""
    speech = SpeechServices()
    try:
        return np.concatenate(
            [
                np.zeros(piece * 8, np.int16)
                if isinstance(piece, int)
                else (await speech.synthesiser.speak(piece)).samples
                for piece in pieces
            ]
        )
    finally:
        await speech.close()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Stereo as the simulator writes it: the caller on the left; the agent on the right says nothing."""
    pytest.importorskip("espeakng_loader", reason="the local voice is missing: install sidetone[speech]")
    caller = asyncio.run(_speak(300, "I want to move my appointment.", PAUSE_MS, "Thursday would be good.", 100))
    path = tmp_path / "calls" / "caller.wav"
    path.parent.mkdir()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.stack((caller, np.zeros_like(caller)), axis=1).tobytes())
    return path


@pytest.fixture
def hasty_agent(tmp_path: Path) -> Path:
    path = tmp_path / "hasty.toml"
    path.write_text(
        '[listening]\nkeyterms = ["appointment", "Thursday"]\n'
        "[turn.assemblyai]\nmin_turn_silence = 100\nmax_turn_silence = 100\n"
    )
    return path


def test_a_longer_silence_cuts_off_less_and_waits_longer(
    recording: Path, hasty_agent: Path, tmp_path: Path
) -> None:
    grid = ["--grid", "min_turn_silence=800", "--grid", "max_turn_silence=1400", "--agent", str(hasty_agent)]
    data = tmp_path / "data"
    done = subprocess.run(
        [str(Path(sys.executable).with_name("sidetone")), "tune", str(recording.parent), *grid, "--json"],
        cwd=tmp_path,
        env={**os.environ, "SIDETONE_DATA_DIR": str(data)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )

    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    now, patient = (one for one in told if one["recording"] is None)
    assert now["now"]
    assert now["setting"] == {"min_turn_silence": 100, "max_turn_silence": 100}
    assert (now["turns"], now["cut_offs"]) == (2, 1)
    assert patient["setting"] == {"min_turn_silence": 800, "max_turn_silence": 1400}
    assert (patient["turns"], patient["cut_offs"]) == (1, 0)
    # The service adds 256 ms, and words end where the recogniser says that they do.
    assert now["wait_p50_ms"] < PAUSE_MS < 800 < patient["wait_p50_ms"]
    assert {one["service"] for one in told if one["recording"]} == {"SIM"}
    assert not (data / "simulator.json").exists()

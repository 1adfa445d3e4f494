"""MP3 from recordings."""

from __future__ import annotations

import wave
from pathlib import Path

from simulator.recording.encoding import encode_mp3


def test_a_recording_that_ended_before_its_first_frame_is_a_file(tmp_path: Path) -> None:
    source, target = tmp_path / "a.wav", tmp_path / "a.mp3"
    with wave.open(str(source), "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
    encode_mp3(source, target)
    assert target.stat().st_size > 0

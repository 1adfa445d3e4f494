"""Recordings as `sidetone tune` reads them."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import pytest

from console.command_line.tune_recordings import RecordingError, find

LEFT = [100, -200, 300, -400, 500]
RIGHT = [1, 2, 3, 4, 5]


def _wav(path: Path, frames: bytes, rate: int = 8000, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(frames)
    return path


def _pcm(*samples: int) -> bytes:
    return struct.pack(f"<{len(samples)}h", *samples)


def _stereo(path: Path, repeat: int = 1) -> Path:
    pairs = [sample for pair in zip(LEFT, RIGHT, strict=True) for sample in pair]
    return _wav(path, _pcm(*pairs) * repeat, channels=2)


def test_the_caller_comes_in_whole_blocks_and_then_silence(tmp_path: Path) -> None:
    path = _wav(tmp_path / "a.wav", _pcm(*range(1000)), rate=8000)
    (recording,) = find([path])

    blocks = list(recording.blocks(100, silence_ms=150))

    assert recording.duration_ms == 125
    assert [len(block) for block in blocks] == [1600] * 4
    assert b"".join(blocks) == _pcm(*range(1000)) + bytes(1200) + bytes(3200)


@pytest.mark.parametrize(("channel", "samples"), [("left", LEFT), ("right", RIGHT)])
def test_a_stereo_recording_has_the_caller_on_one_side(tmp_path: Path, channel: str, samples: list[int]) -> None:
    (recording,) = find([_stereo(tmp_path / "a.wav", 1600)], channel)

    assert b"".join(recording.blocks(100)) == _pcm(*samples) * 1600


def test_the_other_side_of_a_stereo_recording_tells_when_the_agent_spoke(tmp_path: Path) -> None:
    quiet, loud = _pcm(*[9000, 300] * 800), _pcm(*[9000, -500] * 800)
    path = _wav(tmp_path / "a.wav", quiet + loud + quiet[:400], channels=2)

    assert find([path])[0].agent_spoke(100) == [False, True, False]
    assert find([path], "right")[0].agent_spoke(100) == [True, True, True]
    assert find([_wav(tmp_path / "mono.wav", loud)])[0].agent_spoke(100) == []


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_the_files_own_rate_is_kept(tmp_path: Path, rate: int) -> None:
    (recording,) = find([_wav(tmp_path / "a.wav", bytes(rate * 2), rate)])

    assert (recording.rate, recording.duration_ms) == (rate, 1000)
    assert {len(block) for block in recording.blocks(100)} == {rate // 10 * 2}


def test_a_folder_is_all_its_wav_files(tmp_path: Path) -> None:
    for name in ("b.wav", "a.WAV"):
        _wav(tmp_path / name, bytes(160))
    (tmp_path / "a.frames.ndjson").write_text("{}")

    assert [one.path.name for one in find([tmp_path, tmp_path / "b.wav"])] == ["a.WAV", "b.wav"]


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_recorder_that_was_killed_leaves_a_header_without_a_length(tmp_path: Path, size: int) -> None:
    path = _wav(tmp_path / "a.wav", _pcm(*range(800)))
    data = bytearray(path.read_bytes())
    data[40:44] = struct.pack("<I", size)
    path.write_bytes(data)

    assert find([path])[0].frames == 800


def test_extensible_headers_and_other_chunks_are_read(tmp_path: Path) -> None:
    fmt = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 16000, 32000, 2, 16, 22, 16, 4) + struct.pack("<H", 1) + bytes(14)
    chunks = b"".join(
        name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
        for name, body in ((b"LIST", b"odd"), (b"fmt ", fmt), (b"fact", bytes(4)), (b"data", _pcm(*range(1600))))
    )
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    (recording,) = find([path])

    assert (recording.rate, recording.frames) == (16000, 1600)
    assert b"".join(recording.blocks(100)) == _pcm(*range(1600))


def _refusal(*paths: Path) -> str:
    with pytest.raises(RecordingError) as caught:
        find(paths)
    return str(caught.value)


def test_what_cannot_be_used_is_told_in_one_sentence(tmp_path: Path) -> None:
    mp3 = tmp_path / "call.mp3"
    mp3.write_bytes(b"ID3\x04" + bytes(100))
    header = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36, b"WAVE", b"fmt ", 16, 7, 1, 8000, 8000, 1, 8)
    (mulaw := tmp_path / "u.wav").write_bytes(header + b"data" + struct.pack("<I", 4) + bytes(4))
    (cut := tmp_path / "cut.wav").write_bytes(header)

    assert "is no WAV file: convert it with `ffmpeg -i call.mp3 call.wav`" in _refusal(mp3)
    assert "is µ-law: convert it with `ffmpeg -i u.wav -c:a pcm_s16le new.wav`" in _refusal(mulaw)
    assert "is a broken WAV file" in _refusal(cut)
    assert "is 24-bit PCM" in _refusal(_wav(tmp_path / "24.wav", bytes(300), width=3))
    assert "has 4000 samples a second" in _refusal(_wav(tmp_path / "slow.wav", bytes(300), rate=4000))
    assert "has 3 channels" in _refusal(_wav(tmp_path / "three.wav", bytes(300), channels=3))
    assert "holds no audio" in _refusal(_wav(tmp_path / "none.wav", b""))
    assert "cannot be read: No such file" in _refusal(tmp_path / "nowhere.wav")
    (empty := tmp_path / "empty").mkdir()
    assert "There is no WAV file in" in _refusal(empty)
    long = _wav(tmp_path / "long.wav", b"")
    with long.open("r+b") as file:
        file.truncate(8000 * 2 * 3600 * 3 + 60_000)
    assert "is longer than 3 hours" in _refusal(long)

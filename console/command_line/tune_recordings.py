"""Recordings of callers: 16-bit PCM WAV files, read in blocks: an hour costs no more memory than a second.

The header is read here, because Python 3.11's ``wave`` knows neither WAVE_FORMAT_EXTENSIBLE nor the unfinished
headers of recorders that were killed or wrote into a pipe.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_RECORDINGS = 100
MAX_MS = 3 * 3600 * 1000
"""How long one of AssemblyAI's sessions may last."""
RATES = range(8_000, 96_001)
"""The sample rates that a session takes."""
CHANNELS = ("left", "right")

_PCM, _EXTENSIBLE = 1, 0xFFFE
_FORMATS = {3: "floating point", 6: "A-law", 7: "µ-law", 17: "ADPCM", 49: "GSM 6.10", 85: "MP3"}
_MAX_CHUNKS = 100
_AUDIBLE = 400
"""A sample this far from zero, 38 dB below full scale, is speech; noise of a quiet line stays below."""


class RecordingError(Exception):
    """The file cannot be used; one sentence that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One caller. ``channel`` counts from 0; ``start`` is the file's first byte of audio, ``frames`` counts the
    samples of one channel."""

    path: Path
    rate: int
    channels: int
    channel: int
    start: int
    frames: int

    @property
    def duration_ms(self) -> int:
        return self.frames * 1000 // self.rate

    def agent_spoke(self, block_ms: int) -> list[bool]:
        """For each block whether the other side of a stereo recording can be heard; nothing of a mono one.

        Raises:
            RecordingError: the file can no longer be read.
        """
        if self.channels == 1:
            return []
        sides = (block[1 - self.channel :: 2] for block in self._read(block_ms))
        return [max(side, default=0) >= _AUDIBLE or min(side, default=0) <= -_AUDIBLE for side in sides]

    def blocks(self, block_ms: int, silence_ms: int = 0) -> Iterator[bytes]:
        """The caller as 16-bit little-endian PCM in blocks of ``block_ms``, then silence; the last block of
        the caller is filled up.

        Raises:
            RecordingError: the file can no longer be read.
        """
        size = self.rate * block_ms // 1000 * 2
        for block in self._read(block_ms):
            yield block[self.channel :: self.channels].tobytes().ljust(size, b"\0")
        for _ in range(-(-silence_ms // block_ms)):
            yield bytes(size)

    def _read(self, block_ms: int) -> Iterator[memoryview[int]]:
        """The samples of all channels in turn, in the byte order of the file."""
        whole = 2 * self.channels
        left = self.frames * whole
        try:
            with self.path.open("rb") as file:
                file.seek(self.start)
                while left > 0 and (data := file.read(min(self.rate * block_ms // 1000 * whole, left))):
                    left -= len(data)
                    yield memoryview(data[: len(data) // whole * whole]).cast("h")
        except OSError as error:
            raise RecordingError(f"{self.path} cannot be read: {error.strerror}.") from error


def find(paths: Sequence[Path], channel: str = "left") -> list[Recording]:
    """The recordings that ``paths`` name, files or folders of WAV files; ``channel`` is where stereo ones have
    the caller, left in those of ``sidetone call --record``.

    Raises:
        RecordingError: a file cannot be used, or a folder has none.
    """
    files: dict[Path, None] = {}
    for path in paths:
        if not path.is_dir():
            files[path] = None
            continue
        try:
            inside = sorted(file for file in path.iterdir() if file.suffix.lower() == ".wav" and file.is_file())
        except OSError as error:
            raise RecordingError(f"{path} cannot be read: {error.strerror}.") from error
        if not inside:
            raise RecordingError(
                f"There is no WAV file in {path}: `sidetone call --record {path}` writes one of each call."
            )
        files.update(dict.fromkeys(inside))
    if len(files) > MAX_RECORDINGS:
        raise RecordingError(f"These are {len(files)} recordings: {MAX_RECORDINGS} are the most.")
    return [_open(file, CHANNELS.index(channel)) for file in files]


def _open(path: Path, channel: int) -> Recording:
    try:
        with path.open("rb") as file:
            return _read(file, path, channel)
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}.") from error


def _read(file: BinaryIO, path: Path, channel: int) -> Recording:
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise RecordingError(f"{path} is no WAV file: convert it with `ffmpeg -i {path.name} {path.stem}.wav`.")
    form = b""
    for _ in range(_MAX_CHUNKS):
        name, size = _chunk(file, path)
        if name == b"data":
            return _recording(path, channel, form, file.tell(), size)
        if name == b"fmt ":
            form = file.read(min(size, 40))
            file.seek(size - len(form) + size % 2, 1)
        else:
            file.seek(size + size % 2, 1)
    raise _broken(path)


def _chunk(file: BinaryIO, path: Path) -> tuple[bytes, int]:
    head = file.read(8)
    if len(head) < 8:
        raise _broken(path)
    return head[:4], struct.unpack_from("<I", head, 4)[0]


def _recording(path: Path, channel: int, form: bytes, start: int, size: int) -> Recording:
    if len(form) < 16:
        raise _broken(path)
    tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", form)
    if tag == _EXTENSIBLE and len(form) >= 26:
        (tag,) = struct.unpack_from("<H", form, 24)
    if tag != _PCM or bits != 16:
        what = f"{bits}-bit PCM" if tag == _PCM else _FORMATS.get(tag, f"WAV format {tag}")
        raise RecordingError(f"{path} is {what}: convert it with `ffmpeg -i {path.name} -c:a pcm_s16le new.wav`.")
    if channels not in (1, 2) or block != 2 * channels:
        raise RecordingError(f"{path} has {channels} channels: give mono, or stereo with the caller on one side.")
    if rate not in RATES:
        raise RecordingError(f"{path} has {rate} samples a second: AssemblyAI takes {RATES[0]} to {RATES[-1]}.")
    there = max(0, path.stat().st_size - start)
    # A recorder that was killed, or wrote into a pipe, leaves a size of 0 or 2**32 - 1.
    frames = (min(size, there) if size else there) // block
    if not frames:
        raise RecordingError(f"{path} holds no audio.")
    made = Recording(path, rate, channels, min(channel, channels - 1), start, frames)
    if made.duration_ms > MAX_MS:
        raise RecordingError(f"{path} is longer than 3 hours, the longest session that AssemblyAI takes: cut it.")
    return made


def _broken(path: Path) -> RecordingError:
    return RecordingError(f"{path} is a broken WAV file: it has no format or no audio.")

"""Recordings of any format that libsndfile reads (WAV, FLAC, Ogg, MP3 and more) as mono int16 samples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulator.audio import Samples, resample

MAX_BYTES: Final = 200_000_000
_MAX_CHANNELS: Final = 16
_LOWEST_HZ: Final = 4000
_HIGHEST_HZ: Final = 192_000
_BLOCK_FRAMES: Final = 65_536


def read_sound(path: Path, rate: int, most_seconds: int) -> Samples:
    """The first `most_seconds` of a recording at `rate` hertz, its channels averaged.

    Raises ValueError with one sentence.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path} cannot be played: it is larger than {MAX_BYTES // 1_000_000} MB; cut it.")
        samples, own_rate = _read(path, most_seconds)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from None
    if not len(samples):
        raise ValueError(
            f"{path} holds no audio. One that a killed recorder left: `sox --ignore-length` repairs it."
        )
    return resample(samples, own_rate, rate)


def _read(path: Path, most_seconds: int) -> tuple[Samples, int]:
    # Loads libsndfile, which few calls need.
    import soundfile  # pyright: ignore[reportMissingTypeStubs]

    try:
        # A file object of our own: with a path, libsndfile says "System error" for whatever the system says.
        with path.open("rb") as opened, soundfile.SoundFile(opened) as file:
            rate, channels = file.samplerate, file.channels
            if not 1 <= channels <= _MAX_CHANNELS or not _LOWEST_HZ <= rate <= _HIGHEST_HZ:
                raise ValueError(
                    f"{path} cannot be played: {channels} channel(s) at {rate} Hz are not read; "
                    "save it as mono at 16000 Hz."
                )
            blocks = list(_mono(file, rate * most_seconds))
    except soundfile.LibsndfileError as error:
        reason = str(error).removeprefix(error.prefix).strip(" .")
        raise ValueError(
            f"{path} cannot be played: it is no WAV, FLAC, Ogg or MP3 file that libsndfile reads ({reason})."
        ) from None
    return np.concatenate(blocks) if blocks else np.zeros(0, np.int16), rate


def _mono(file: Any, frames: int) -> Iterator[Samples]:
    """At most so many frames, a block at a time: what is decoded is many times larger than the file."""
    while frames > 0:
        # As float: libsndfile would not scale the samples of a float file to int16.
        block: NDArray[np.float32] = file.read(min(frames, _BLOCK_FRAMES), dtype="float32", always_2d=True)
        if not len(block):
            return
        frames -= len(block)
        wide = np.nan_to_num(block.mean(axis=1), posinf=1.0, neginf=-1.0) * np.float32(32_768)
        yield np.rint(np.clip(wide, -32_768, 32_767)).astype(np.int16)

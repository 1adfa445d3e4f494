"""A recording, opened from a file or fetched from an agent, as blocks for the speaker."""

from __future__ import annotations

import tempfile
from typing import IO

import httpx
import numpy as np
import numpy.typing as npt
import soundfile

from console.sound.clock import BLOCK
from console.sound.tempo import Tempo

MAX_BYTES = 1 << 29
"""Of a fetched recording: more than four hours of stereo at 16 kHz."""
_READ_S = 0.2
_TIMEOUT_S = 10.0

Samples = npt.NDArray[np.int16]


class Recording:
    """An open recording of any format, rate and number of channels that libsndfile reads; one channel is heard in
    both ears, of more than two the first two. Its methods block: not from the loop, and one at a time."""

    def __init__(self, file: str | IO[bytes]) -> None:
        """Raises ValueError in one sentence."""
        self._held = None if isinstance(file, str) else file
        try:
            self._sound = soundfile.SoundFile(file if isinstance(file, str) else file.fileno(), closefd=False)
        except (OSError, RuntimeError) as error:
            raise ValueError(f"The recording cannot be played: {error}.") from error
        self.length_ms = round(self._sound.frames / self._sound.samplerate * 1000)
        self._seek(0, 1.0)

    def _seek(self, at_ms: float, speed: float) -> None:
        rate = self._sound.samplerate
        self._sound.seek(min(round(at_ms * rate / 1000), self._sound.frames))
        self._tempo = Tempo(rate, speed)
        self._rest = np.empty((0, 2), np.int16)
        self.over = False

    def start(self, at_ms: float, speed: float) -> list[Samples]:
        """The first blocks from there."""
        self._seek(at_ms, speed)
        return self.more()

    def more(self) -> list[Samples]:
        """The next int16[960, 2] blocks, about a fifth of a second; the last is filled with silence and ``over``
        set."""
        read = self._sound.read(int(self._sound.samplerate * _READ_S), dtype="float32", always_2d=True)
        if len(read):
            stereo = np.clip(read[:, [0, min(1, read.shape[1] - 1)]] * 32767, -32768, 32767)
            made = self._tempo.push(stereo.astype(np.int16))
        else:
            self.over = True
            made = self._tempo.end()
        whole = np.concatenate([self._rest, made])
        if self.over and len(whole) % BLOCK:
            whole = np.pad(whole, ((0, -len(whole) % BLOCK), (0, 0)))
        count = len(whole) // BLOCK
        self._rest = whole[count * BLOCK :]
        return [whole[at * BLOCK : (at + 1) * BLOCK] for at in range(count)]

    def close(self) -> None:
        self._sound.close()
        if self._held is not None:
            self._held.close()


async def fetched(url: str, token: str) -> IO[bytes]:
    """The recording at ``url``, in a file without a name: nothing of a call is left behind.

    Raises:
        ValueError: it cannot be had; one sentence.
    """
    file = tempfile.TemporaryFile(prefix="sidetone-")  # noqa: SIM115
    try:
        async with (
            httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=_TIMEOUT_S) as client,
            client.stream("GET", url, headers={"authorization": f"Bearer {token}"}) as answer,
        ):
            if answer.status_code != 200:
                raise ValueError(f"The agent has no such recording (status {answer.status_code}).")
            size = 0
            async for part in answer.aiter_bytes(1 << 16):
                size += len(part)
                if size > MAX_BYTES:
                    raise ValueError(f"The recording is longer than {MAX_BYTES >> 20} MB.")
                file.write(part)
        file.flush()
        file.seek(0)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        file.close()
        raise ValueError(f"The recording cannot be fetched ({type(error).__name__} {error}).") from error
    except BaseException:
        file.close()
        raise
    return file

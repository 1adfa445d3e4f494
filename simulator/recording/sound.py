"""Sound files that a call plays: WAV and MP3, fetched by address."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Final, Literal, cast

import httpx
import numpy as np

from simulator.addresses import is_url, shown
from simulator.audio import Samples

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.container import InputContainer

MOST_BYTES: Final = 10 * 1024 * 1024
MOST_SECONDS: Final = 1800
_RATES: Final = range(4000, 192_001)
_MOST_CHANNELS: Final = 8
_FETCH_SECONDS: Final = 30.0


class SoundNotFound(Exception):
    """There is no such file; the text is one sentence. Telnyx's status is `file_not_found`."""


class SoundUnreadable(Exception):
    """The file cannot be played; the text is one sentence. Telnyx's status is `failed`."""


async def fetch_sound(client: httpx.AsyncClient, url: str, rate: int) -> Samples:
    """The file behind `url` as mono samples at `rate` hertz. Raises SoundNotFound and SoundUnreadable."""
    if not is_url(url, ("http", "https")):
        raise SoundNotFound("The address of the sound must begin with http:// or https:// and name a host.")
    where = shown(url)
    try:
        async with asyncio.timeout(_FETCH_SECONDS):
            data = await _download(client, url, where)
    except TimeoutError:
        raise SoundUnreadable(f"{where} did not send its file within {_FETCH_SECONDS:.0f} s.") from None
    except (httpx.InvalidURL, httpx.ConnectError, httpx.UnsupportedProtocol) as error:
        raise SoundNotFound(f"{where} cannot be reached: {error}.") from error
    except (httpx.HTTPError, httpx.StreamError) as error:
        raise SoundUnreadable(f"{where} broke off: {str(error).rstrip('.') or type(error).__name__}.") from error
    try:
        return await load_sound(data, rate)
    except SoundUnreadable as error:
        raise SoundUnreadable(f"{where} cannot be played: {error}") from None


async def load_sound(data: bytes, rate: int) -> Samples:
    """Decode a WAV or MP3 file in a thread, to mono samples at `rate` hertz. Raises SoundUnreadable."""
    if len(data) > MOST_BYTES:
        raise SoundUnreadable(f"The file is longer than {MOST_BYTES // 1024**2} MB.")
    return await asyncio.to_thread(_decode, data, rate)


async def _download(client: httpx.AsyncClient, url: str, where: str) -> bytes:
    headers = {"accept-encoding": "identity"}
    async with client.stream("GET", url, headers=headers, follow_redirects=True) as response:
        if 400 <= response.status_code < 500:
            raise SoundNotFound(f"{where} answered {response.status_code}; check the address of the sound.")
        if not response.is_success:
            raise SoundUnreadable(f"{where} answered {response.status_code}.")
        data = bytearray()
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > MOST_BYTES:
                raise SoundUnreadable(f"{where} is longer than {MOST_BYTES // 1024**2} MB.")
        return bytes(data)


def _decode(data: bytes, rate: int) -> Samples:
    # Late: few simulators ever need ffmpeg, and it takes a tenth of a start.
    import av
    from av.error import FFmpegError

    try:
        # The format is named, because ffmpeg would also open playlists, which read other files and addresses.
        with av.open(io.BytesIO(data), "r", format=_format(data)) as container:
            return _samples(container, rate)
    except SoundUnreadable:
        raise
    except (FFmpegError, OSError, EOFError, ValueError, IndexError, MemoryError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SoundUnreadable(f"The file is damaged: {reason}.") from None


def _format(data: bytes) -> Literal["wav", "mp3"]:
    if data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE":
        return "wav"
    if data[:3] == b"ID3" or (len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0):
        return "mp3"
    raise SoundUnreadable("The file is neither WAV nor MP3.")


def _samples(container: InputContainer, rate: int) -> Samples:
    from av import AudioResampler

    if not container.streams.audio:
        raise SoundUnreadable("The file holds no audio.")
    stream = container.streams.audio[0]
    # PyAV's types leave out that a codec which ffmpeg does not know has no context.
    codec = cast("AudioCodecContext | None", stream.codec_context)
    if codec is None:
        raise SoundUnreadable("The file holds audio of an unknown kind.")
    if codec.sample_rate not in _RATES or not 1 <= codec.channels <= _MOST_CHANNELS:
        raise SoundUnreadable(f"Audio at {codec.sample_rate} Hz in {codec.channels} channels cannot be played.")
    resampler = AudioResampler(format="s16", layout="mono", rate=rate)
    parts: list[Samples] = []
    count = 0
    for frame in container.decode(stream):
        # Positions in a damaged file may jump; the samples are played one after the other.
        frame.pts = None
        for piece in resampler.resample(frame):
            parts.append(piece.to_ndarray().reshape(-1).astype(np.int16, copy=False))
            count += len(parts[-1])
        if count > MOST_SECONDS * rate:
            raise SoundUnreadable(f"The sound is longer than {MOST_SECONDS // 60} minutes.")
    for piece in resampler.resample(None) if parts else ():
        parts.append(piece.to_ndarray().reshape(-1).astype(np.int16, copy=False))
    if not parts:
        raise SoundUnreadable("The file holds no audio.")
    return np.concatenate(parts)

"""From a session's binary messages to samples: 16-bit PCM, µ-law, and Opus and AAC through PyAV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from simulator.assemblyai.errors import INVALID_INPUT, SessionRefused
from simulator.assemblyai.ogg import NotOgg, OggPackets
from simulator.audio import Samples, ulaw_decode
from simulator.telnyx.media.ffmpeg import OpusDecoder, UndecodableAudio

if TYPE_CHECKING:
    import av

CODED_RATE: Final = 16_000
"""What streams that describe themselves are decoded to; `sample_rate` is nothing to them."""
_OGG_HEADERS: Final = (b"OpusHead", b"OpusTags")


class AudioInput(Protocol):
    """Turns messages into mono samples at `rate` Hz. `timed`: messages have a length of the client's choice."""

    rate: int
    timed: bool

    def decode(self, message: bytes, /) -> Samples:
        """Raises SessionRefused for bytes that are no audio."""
        ...


def audio_input(encoding: str, sample_rate: int) -> AudioInput:
    """The first of a codec loads PyAV, which takes a moment: not for the event loop."""
    match encoding:
        case "pcm_mulaw":
            return _MuLaw(sample_rate)
        case "opus":
            return _Opus()
        case "ogg_opus":
            return _OggOpus()
        case "aac":
            return _Aac()
        case _:
            return _Linear(sample_rate)


class _Linear:
    timed = True

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._odd_byte = b""

    def decode(self, message: bytes) -> Samples:
        message = self._odd_byte + message
        whole = len(message) // 2 * 2
        self._odd_byte = message[whole:]
        return np.frombuffer(message[:whole], "<i2").astype(np.int16, copy=False)


class _MuLaw:
    timed = True

    def __init__(self, rate: int) -> None:
        self.rate = rate

    def decode(self, message: bytes) -> Samples:
        return ulaw_decode(message)


class _Opus:
    """One packet per message."""

    rate = CODED_RATE
    timed = False

    def __init__(self) -> None:
        self._decoder = OpusDecoder(CODED_RATE)

    def decode(self, message: bytes) -> Samples:
        try:
            return self._decoder.decode(message)
        except UndecodableAudio as error:
            raise _undecodable("opus", error) from error


class _OggOpus:
    rate = CODED_RATE
    timed = False

    def __init__(self) -> None:
        self._pages = OggPackets()
        self._decoder = OpusDecoder(CODED_RATE)

    def decode(self, message: bytes) -> Samples:
        try:
            packets = self._pages.push(message)
            return _joined([self._decoder.decode(one) for one in packets if not one.startswith(_OGG_HEADERS)])
        except (NotOgg, UndecodableAudio) as error:
            raise _undecodable("ogg_opus", error) from error


class _Aac:
    """ADTS, in pieces of any size."""

    rate = CODED_RATE
    timed = False

    def __init__(self) -> None:
        import av
        from av.error import FFmpegError

        self._error = FFmpegError
        self._context: Any = av.CodecContext.create("aac", "r")
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=CODED_RATE)

    def decode(self, message: bytes) -> Samples:
        try:
            frames: list[av.AudioFrame] = [
                frame for packet in self._context.parse(message) for frame in self._context.decode(packet)
            ]
            resampled = [out for frame in frames for out in self._resampler.resample(frame)]
        except (self._error, ValueError) as error:
            raise _undecodable("aac", error) from error
        return _joined([frame.to_ndarray()[0] for frame in resampled])


def _joined(pieces: list[Samples]) -> Samples:
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)


def _undecodable(encoding: str, error: Exception) -> SessionRefused:
    """The service's own words for this are not known."""
    return SessionRefused(INVALID_INPUT, f"User Input Validation Error: Invalid {encoding} audio: {error}")

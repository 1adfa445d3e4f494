"""The codecs that FFmpeg's libraries bring, through PyAV: G.722, Opus and MP3. Audio is mono int16.

PyAV is loaded when the first stream needs it: most need G.711 alone.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from simulator.audio import FRAME_MS, Samples

if TYPE_CHECKING:
    import av

_WIDE: Final = 16_000
_OPUS_RATE: Final = 48_000
"""What a decoder gives, whatever the encoder was fed with."""
_OPUS_BITS_PER_SECOND: Final = 32_000


class UndecodableAudio(Exception):
    """Bytes that are not what they should be; the text is one sentence."""


class _Encoder:
    silence: bytes | None = None

    def __init__(self, name: str, options: dict[str, str]) -> None:
        import av

        self._frame = av.AudioFrame
        self._context: Any = av.CodecContext.create(name, "w")
        self._context.sample_rate, self._context.layout, self._context.format = _WIDE, "mono", "s16"
        self._context.options = options

    def encode(self, frame: Samples) -> bytes:
        """320 samples at 16 kHz as one RTP payload."""
        audio = self._frame.from_ndarray(frame.reshape(1, -1), format="s16", layout="mono")
        audio.sample_rate = _WIDE
        return b"".join(bytes(packet) for packet in self._context.encode(audio))


class G722Encoder(_Encoder):
    """64 kbit/s: 160 bytes per 20 ms."""

    def __init__(self) -> None:
        super().__init__("g722", {})


class OpusEncoder(_Encoder):
    """One Opus packet per 20 ms: CELT, which keeps the wave (22 dB), costs half of SILK and is 2.5 ms late."""

    def __init__(self) -> None:
        super().__init__(
            "libopus", {"application": "lowdelay", "frame_duration": str(FRAME_MS), "compression_level": "1"}
        )
        self._context.bit_rate = _OPUS_BITS_PER_SECOND


class G722Decoder:
    def __init__(self) -> None:
        import av

        self._packet = av.Packet
        self._context: Any = av.CodecContext.create("g722", "r")
        self._context.sample_rate, self._context.layout = _WIDE, "mono"

    def decode(self, payload: bytes) -> Samples:
        """Two samples at 16 kHz per byte."""
        return _joined(self._context.decode(self._packet(payload)))


class OpusDecoder:
    """From packets of 2.5 to 120 ms to samples at `rate`, 2 ms late."""

    def __init__(self, rate: int) -> None:
        import av
        from av.error import FFmpegError

        self._error = FFmpegError
        self._packet = av.Packet
        self._context: Any = av.CodecContext.create("libopus", "r")
        self._context.sample_rate, self._context.layout = _OPUS_RATE, "mono"
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)

    def decode(self, packet: bytes) -> Samples:
        """Raises UndecodableAudio."""
        try:
            frames = self._context.decode(self._packet(packet))
            return _joined([out for frame in frames for out in self._resampler.resample(frame)])
        except (self._error, ValueError) as error:
            raise UndecodableAudio(f"The payload is not one Opus packet: {error}.") from None


def decode_mp3(file: bytes, rate: int, max_ms: int) -> Samples:
    """A whole MP3 file as samples at `rate`. Slow for long files: not for the event loop.

    Raises UndecodableAudio, also for more than `max_ms` of audio.
    """
    import av
    from av.error import FFmpegError

    limit, found = max_ms * rate // 1000, 0
    pieces: list[Samples] = []
    try:
        with av.open(io.BytesIO(file), "r", format="mp3") as container:
            resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
            for frame in container.decode(audio=0):
                pieces.append(_joined(resampler.resample(frame)))
                found += len(pieces[-1])
                if found > limit:
                    raise UndecodableAudio(f"The MP3 file is longer than {max_ms // 60_000} minutes.")
            pieces.append(_joined(resampler.resample(None)))
    except (FFmpegError, ValueError, IndexError, OSError) as error:
        raise UndecodableAudio(f"The payload is not an MP3 file: {error}.") from None
    if not found:
        raise UndecodableAudio("The MP3 file holds no audio.")
    return np.concatenate(pieces)


def _joined(frames: list[av.AudioFrame]) -> Samples:
    if len(frames) == 1:
        return frames[0].to_ndarray()[0]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]) if frames else np.zeros(0, np.int16)

"""MP3 from a finished WAV file."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Final

import numpy as np

_BITS_PER_CHANNEL: Final = 32_000
_CHUNK_FRAMES: Final = 8192


class EncodingFailed(Exception):
    """The MP3 file could not be made; the text is one sentence."""


def encode_mp3(source: Path, target: Path) -> None:
    """Encode a 16-bit WAV file at a rate that MP3 knows (8, 16, 24, 48 kHz and their kin).

    Blocks, in steps of about a second, with little memory. Raises EncodingFailed.
    """
    # Late: few simulators ever need ffmpeg, and it takes a tenth of a start.
    import av
    from av.error import FFmpegError

    try:
        with wave.open(str(source), "rb") as audio, av.open(str(target), "w", format="mp3") as container:
            channels, rate = audio.getnchannels(), audio.getframerate()
            layout = "mono" if channels == 1 else "stereo"
            stream = container.add_stream("libmp3lame", rate=rate, layout=layout)
            stream.bit_rate = _BITS_PER_CHANNEL * channels
            # Without it a recording that ended before its first frame would leave no file at all.
            container.start_encoding()
            while data := audio.readframes(_CHUNK_FRAMES):
                samples = np.frombuffer(data, "<i2").astype(np.int16).reshape(1, -1)
                frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
                frame.sample_rate = rate
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except (OSError, EOFError, ValueError, wave.Error, FFmpegError) as error:
        raise EncodingFailed(f"{target.name} could not be encoded: {error}; record as wav instead.") from error

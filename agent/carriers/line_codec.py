"""The codecs of a media stream: payload bytes to samples and back, at the codec's own rate, never resampled."""

from __future__ import annotations

import audioop
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from agent.carriers.telnyx_media import BadMessage, MediaFormat
from agent.line_meter import Samples
from agent.settings import BANDS, ByteOrder, Settings

_EVERY_BYTE = bytes(range(256))
_ULAW = np.frombuffer(audioop.ulaw2lin(_EVERY_BYTE, 2), np.int16)
_ALAW = np.frombuffer(audioop.alaw2lin(_EVERY_BYTE, 2), np.int16)


@dataclass(frozen=True, slots=True)
class LineFormat:
    """What one direction of a stream carries; ``rate`` in hertz is that of its samples.

    ``order`` is the byte order of L16, which Telnyx does not document: projects that tried it on live calls found
    it little-endian, while L16 by its own definition (RFC 3551 §4.5.11) is big-endian.
    """

    encoding: str
    rate: int
    order: ByteOrder = "little"

    def __str__(self) -> str:
        return f"{self.encoding} {self.rate} Hz"

    def decoder(self) -> Callable[[bytes], Samples]:
        """For the payloads of one stream; raises BadMessage for what is not a whole number of samples."""
        match self.encoding:
            case "PCMU":
                return lambda payload: _ULAW.take(np.frombuffer(payload, np.uint8))
            case "PCMA":
                return lambda payload: _ALAW.take(np.frombuffer(payload, np.uint8))
            case "G722":
                from agent.carriers.g722 import Decoder

                return Decoder().decode
            case _:
                return _linear if self.order == "little" else lambda payload: _linear(payload).byteswap()

    def encoder(self) -> Callable[[bytes], bytes]:
        """From one stream's samples, as the bytes of little-endian int16."""
        match self.encoding:
            case "PCMU":
                return lambda audio: audioop.lin2ulaw(audio, 2)
            case "PCMA":
                return lambda audio: audioop.lin2alaw(audio, 2)
            case "G722":
                from agent.carriers.g722 import Encoder

                return Encoder().encode
            case _:
                return bytes if self.order == "little" else lambda audio: audioop.byteswap(audio, 2)


def wanted_format(settings: Settings, band: str, direction: str) -> LineFormat:
    """What to ask the carrier for in ``band``, narrow or hd, which the settings say when it is neither.

    HD is what the way of asking allows: Call Control takes L16 at 16 kHz; TeXML's ``<Stream>``, which answers
    incoming calls, lists G722 and no L16.
    """
    if (band if band in BANDS else settings.band) == "narrow":
        return LineFormat(settings.codec, 8000, settings.l16_byte_order)
    return LineFormat("L16" if direction == "outbound" else "G722", 16_000, settings.l16_byte_order)


def announced_format(media_format: MediaFormat, order: ByteOrder) -> LineFormat:
    """What a start message announces, after :func:`telnyx_media.encoding_fault` found nothing wrong with it.

    G722 is announced with 8000 Hz, its RTP clock (RFC 3551 §4.5.2), and sampled at 16 kHz.
    """
    rate = 16_000 if media_format.encoding == "G722" else media_format.sample_rate
    return LineFormat(media_format.encoding, rate, order)


def _linear(payload: bytes) -> Samples:
    try:
        return np.frombuffer(payload, np.int16)
    except ValueError as error:
        raise BadMessage(f"an L16 payload of {len(payload)} bytes is not a whole number of samples") from error

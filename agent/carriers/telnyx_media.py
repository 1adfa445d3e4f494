"""Telnyx's media WebSocket, the wire alone: what its messages say, and the few that we send.

Shapes are those of Telnyx's page "Stream call media over WebSocket": every message is a JSON text; sequence
numbers, chunks and timestamps are strings; ``stream_id`` is at the top level and ``call_control_id`` inside
``start``. Parsing never raises anything but :class:`BadMessage`.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

MAX_MESSAGE_BYTES = 64 * 1024
FRAME_MS = 20
CODECS = {"PCMU": (8000,), "PCMA": (8000,), "G722": (8000, 16_000), "L16": (8000, 16_000)}
"""What we speak, with the rates that a start message may give for it."""


class BadMessage(ValueError):
    """A message that is not one of Telnyx's; the text says what is wrong with it."""


class MediaFormat(msgspec.Struct):
    encoding: str
    sample_rate: int
    channels: int = 1


class StartBody(msgspec.Struct):
    call_control_id: str
    media_format: MediaFormat
    call_session_id: str = ""
    from_: str = msgspec.field(name="from", default="")
    to: str = ""
    client_state: str | None = None
    custom_parameters: dict[str, str] | None = None


class Connected(msgspec.Struct, tag_field="event", tag="connected"):
    """The first message of a stream."""

    version: str = ""


class Start(msgspec.Struct, tag_field="event", tag="start"):
    """The second message: who calls whom, and the codec of the audio that follows."""

    stream_id: str
    start: StartBody


class MediaBody(msgspec.Struct):
    payload: str
    track: str = "inbound"
    chunk: str | int = "0"
    timestamp: str | int = "0"


class Media(msgspec.Struct, tag_field="event", tag="media"):
    """Audio from the line."""

    media: MediaBody

    @property
    def chunk(self) -> int:
        """Telnyx's count of the chunk, or 0 when it is not a number."""
        text = str(self.media.chunk)
        return int(text) if text.isdecimal() and len(text) < 16 else 0

    def audio(self) -> bytes:
        """The codec's bytes.

        Raises:
            BadMessage: the payload is not base64.
        """
        try:
            return binascii.a2b_base64(self.media.payload, strict_mode=True)
        except ValueError as error:
            raise BadMessage("a media payload is not base64") from error


class DtmfBody(msgspec.Struct):
    digit: str


class Dtmf(msgspec.Struct, tag_field="event", tag="dtmf"):
    """A key the caller pressed."""

    dtmf: DtmfBody


class MarkBody(msgspec.Struct):
    name: str


class Mark(msgspec.Struct, tag_field="event", tag="mark"):
    """The audio sent before our mark of this name was played, or dropped by a clear."""

    mark: MarkBody


class Stop(msgspec.Struct, tag_field="event", tag="stop"):
    """The stream is over; Telnyx closes the socket next."""


class LineErrorBody(msgspec.Struct):
    code: int | str = 0
    title: str = ""
    detail: str = ""


class LineError(msgspec.Struct, tag_field="event", tag="error"):
    """Telnyx could not use something that we sent: 100002 to 100005."""

    payload: LineErrorBody


Message = Connected | Start | Media | Dtmf | Mark | Stop | LineError
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def parse(text: str | bytes) -> Message:
    """Read one message.

    Raises:
        BadMessage: too large, not JSON, of an unknown event, or without a field that it must have.
    """
    if len(text) > MAX_MESSAGE_BYTES:
        raise BadMessage(f"a message of {len(text)} bytes is larger than {MAX_MESSAGE_BYTES}")
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadMessage(str(error)) from error


def media(audio: bytes) -> str:
    """Audio for the line, in the codec's bytes."""
    return '{"event":"media","media":{"payload":"' + base64.b64encode(audio).decode() + '"}}'


def mark(name: str) -> str:
    """Ask to be told when the audio sent so far was played. ``name`` must not need JSON escapes."""
    return '{"event":"mark","mark":{"name":"' + name + '"}}'


CLEAR = '{"event":"clear"}'


def encoding_fault(media_format: MediaFormat) -> str:
    """Why we cannot talk on this line, or an empty text."""
    encoding, rate, channels = media_format.encoding, media_format.sample_rate, media_format.channels
    if encoding not in CODECS:
        return (
            f"The line speaks {encoding or 'no codec'}, which is not among {', '.join(CODECS)}: "
            "ask for one of them with stream_codec (Call Control) or codec (TeXML)."
        )
    if rate not in CODECS[encoding] or channels != 1:
        rates = " or ".join(str(rate) for rate in CODECS[encoding])
        needed = f"{rates} Hz and one channel are needed"
        return f"The line's {encoding} has {rate} Hz and {channels} channels: {needed}."
    return ""

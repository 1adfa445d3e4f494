"""Frames of the application on the Telnyx media WebSocket. Pure.

Source: Telnyx, "Media Streaming over WebSockets" and the AsyncAPI page "Stream call media over WebSocket".
"""

from __future__ import annotations

import binascii
from enum import IntEnum
from typing import Final, Literal

import msgspec

from simulator.telnyx.findings import Rule

_MAX_MARK_CHARACTERS: Final = 1000


class FrameError(IntEnum):
    """`payload.code` of an `error` frame."""

    UNKNOWN = 100002
    MALFORMED_FRAME = 100003
    INVALID_MEDIA = 100004
    RATE_LIMIT_REACHED = 100005

    @property
    def title(self) -> str:
        return "unknown_error" if self is FrameError.UNKNOWN else self.name.lower()


class RefusedFrame(Exception):
    """A frame of the application that Telnyx answers with an `error` frame, and the rule that it broke."""

    def __init__(self, code: FrameError, detail: str, rule: Rule | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.rule = rule


class Media(msgspec.Struct, frozen=True, gc=False):
    """Audio for the telephone: raw codec bytes in `rtp` mode, an MP3 file in `mp3` mode."""

    payload: bytes


class Mark(msgspec.Struct, frozen=True, gc=False):
    name: str


class Clear(msgspec.Struct, frozen=True, gc=False):
    pass


class _Body(msgspec.Struct, gc=False):
    payload: str | None = None
    name: str | None = None


class _Frame(msgspec.Struct, gc=False):
    event: str
    media: _Body | None = None
    mark: _Body | None = None


class _MediaFrame(msgspec.Struct, gc=False):
    event: Literal["media"]
    media: Media


_decoder: Final = msgspec.json.Decoder(_Frame)
_media_decoder: Final = msgspec.json.Decoder(_MediaFrame)
_CLEAR: Final = Clear()


def parse(message: str | bytes) -> Media | Mark | Clear:
    """What the application sent; bytes are a binary message. Raises RefusedFrame, and nothing else."""
    if isinstance(message, bytes):
        detail = "Binary frames are not supported; send JSON text frames."
        raise RefusedFrame(FrameError.MALFORMED_FRAME, detail, Rule.BINARY_FRAME)
    try:
        media = _media_decoder.decode(message).media
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _parse_any(message)
    return media if media.payload else _parse_any(message)


def _parse_any(message: str) -> Media | Mark | Clear:
    """Whatever is not plainly audio, step by step, so that the error says what is wrong with it."""
    try:
        frame = _decoder.decode(message)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _malformed(f"The frame could not be parsed: {error}.") from None
    if frame.event == "media":
        return Media(_payload(frame.media))
    match frame.event:
        case "mark":
            if frame.mark is None or not frame.mark.name or len(frame.mark.name) > _MAX_MARK_CHARACTERS:
                raise _malformed(f"A mark frame needs mark.name, of at most {_MAX_MARK_CHARACTERS} characters.")
            return Mark(frame.mark.name)
        case "clear":
            return _CLEAR
        case other:
            raise _malformed(f"Unknown event {other[:40]!r}; send media, mark or clear.")


def _payload(media: _Body | None) -> bytes:
    if media is None or media.payload is None:
        raise _malformed("A media frame needs media.payload.")
    try:
        payload = binascii.a2b_base64(media.payload, strict_mode=True)
    except ValueError:
        raise _invalid("media.payload is not valid base64.") from None
    if not payload:
        raise _invalid("media.payload is empty.")
    return payload


def _malformed(detail: str) -> RefusedFrame:
    return RefusedFrame(FrameError.MALFORMED_FRAME, detail, Rule.MALFORMED_FRAME)


def _invalid(detail: str) -> RefusedFrame:
    return RefusedFrame(FrameError.INVALID_MEDIA, detail, Rule.INVALID_PAYLOAD)

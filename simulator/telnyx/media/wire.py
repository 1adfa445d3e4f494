"""Frames of the Telnyx media WebSocket, both directions. Pure.

Source: Telnyx, "Media Streaming over WebSockets" and the AsyncAPI page "Stream call media over WebSocket".
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Literal

import msgspec

MAX_CHUNK_SECONDS: Final = 30
"""Longest audio one `media` message of the application may carry in `rtp` mode."""
_MAX_MARK_CHARACTERS: Final = 1000

_encode = msgspec.json.encode


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
    """A frame of the application that Telnyx answers with an `error` frame."""

    def __init__(self, code: FrameError, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Media:
    """Audio for the caller: the raw codec bytes in `rtp` mode, an MP3 file in `mp3` mode."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    name: str


@dataclass(frozen=True, slots=True)
class Clear:
    pass


class _Body(msgspec.Struct):
    payload: str | None = None
    name: str | None = None


class _Frame(msgspec.Struct):
    event: str
    media: _Body | None = None
    mark: _Body | None = None


_decoder: Final = msgspec.json.Decoder(_Frame)


def parse(message: str | bytes) -> Media | Mark | Clear:
    """What the application sent. Raises RefusedFrame for anything Telnyx would not take."""
    if isinstance(message, bytes):
        raise RefusedFrame(FrameError.MALFORMED_FRAME, "Binary frames are not supported; send JSON text frames.")
    try:
        frame = _decoder.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusedFrame(FrameError.MALFORMED_FRAME, f"The frame could not be parsed: {error}.") from None
    match frame.event:
        case "media":
            return Media(_payload(frame.media))
        case "mark":
            if frame.mark is None or not frame.mark.name or len(frame.mark.name) > _MAX_MARK_CHARACTERS:
                detail = f"A mark frame needs mark.name, of at most {_MAX_MARK_CHARACTERS} characters."
                raise RefusedFrame(FrameError.MALFORMED_FRAME, detail)
            return Mark(frame.mark.name)
        case "clear":
            return Clear()
        case other:
            raise RefusedFrame(
                FrameError.MALFORMED_FRAME, f"Unknown event {other[:40]!r}; send media, mark or clear."
            )


def _payload(media: _Body | None) -> bytes:
    if media is None or media.payload is None:
        raise RefusedFrame(FrameError.MALFORMED_FRAME, "A media frame needs media.payload.")
    try:
        payload = base64.b64decode(media.payload, validate=True)
    except (binascii.Error, ValueError):
        raise RefusedFrame(FrameError.INVALID_MEDIA, "media.payload is not valid base64.") from None
    if not payload:
        raise RefusedFrame(FrameError.INVALID_MEDIA, "media.payload is empty.")
    return payload


@dataclass(frozen=True, slots=True)
class StartFields:
    """What the `start` frame says about the call. `client_state` is base64, as the application gave it."""

    user_id: str
    call_control_id: str
    call_session_id: str
    from_number: str
    to_number: str
    encoding: Literal["PCMU", "PCMA"]
    sample_rate: int
    client_state: str | None
    custom_parameters: dict[str, str]


def connected(auth_token: str | None) -> str:
    frame: dict[str, Any] = {"event": "connected", "version": "1.0.0"}
    if auth_token is not None:
        frame["connected"] = {"x-telnyx-streaming-auth-token": auth_token}
    return _encode(frame).decode()


class FrameWriter:
    """Builds the frames of one stream and counts them: sequence, chunks and timestamps are strings."""

    def __init__(self, stream_id: str) -> None:
        self.stream_id = stream_id
        self._sequence = 0
        self._chunks: dict[str, int] = {}

    def start(self, fields: StartFields) -> str:
        start: dict[str, Any] = {
            "user_id": fields.user_id,
            "call_control_id": fields.call_control_id,
            "call_session_id": fields.call_session_id,
            "from": fields.from_number,
            "to": fields.to_number,
            "tags": [],
            "client_state": fields.client_state,
            "custom_parameters": fields.custom_parameters,
            "media_format": {"encoding": fields.encoding, "sample_rate": fields.sample_rate, "channels": 1},
        }
        return self._text(
            {"event": "start", "sequence_number": self._next(), "stream_id": self.stream_id, "start": start}
        )

    def media(self, track: Literal["inbound", "outbound"], payload: bytes, timestamp_ms: int) -> str:
        """20 ms of one track; `timestamp_ms` counts from the start of the stream."""
        chunk = self._chunks.get(track, 0) + 1
        self._chunks[track] = chunk
        encoded = base64.b64encode(payload).decode()
        return (
            f'{{"event":"media","sequence_number":"{self._next()}","stream_id":"{self.stream_id}",'
            f'"media":{{"track":"{track}","chunk":"{chunk}","timestamp":"{timestamp_ms}","payload":"{encoded}"}}}}'
        )

    def dtmf(self, digit: str, occurred_at: str) -> str:
        return self._text(
            {
                "event": "dtmf",
                "stream_id": self.stream_id,
                "occurred_at": occurred_at,
                "sequence_number": self._next(),
                "dtmf": {"digit": digit},
            }
        )

    def mark(self, name: str) -> str:
        return self._text(
            {"event": "mark", "sequence_number": self._next(), "stream_id": self.stream_id, "mark": {"name": name}}
        )

    def stop(self, user_id: str, call_control_id: str) -> str:
        stop = {"user_id": user_id, "call_control_id": call_control_id}
        return self._text(
            {"event": "stop", "sequence_number": self._next(), "stream_id": self.stream_id, "stop": stop}
        )

    def error(self, refused: RefusedFrame) -> str:
        payload = {"code": int(refused.code), "title": refused.code.title, "detail": refused.detail}
        return self._text({"event": "error", "stream_id": self.stream_id, "payload": payload})

    def _next(self) -> str:
        self._sequence += 1
        return str(self._sequence)

    @staticmethod
    def _text(frame: dict[str, Any]) -> str:
        return _encode(frame).decode()

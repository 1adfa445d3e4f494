"""Frames of Telnyx on the media WebSocket. Pure.

Source: Telnyx, "Media Streaming over WebSockets" and the AsyncAPI page "Stream call media over WebSocket".
"""

from __future__ import annotations

from binascii import b2a_base64
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from simulator.telnyx.media.incoming import RefusedFrame
from simulator.telnyx.media.options import Codec

_encode = msgspec.json.encode

SAMPLE_RATES: Final[dict[Codec, int]] = {
    "PCMU": 8000,
    "PCMA": 8000,
    "G722": 8000,
    "OPUS": 16_000,
    "AMR-WB": 16_000,
    "L16": 16_000,
}
"""`media_format.sample_rate`: that of the page's codec table. G722 is 8000, its RTP clock, though it samples at
16 kHz."""


@dataclass(frozen=True, slots=True)
class StartFields:
    """What the `start` frame says about the call. `client_state` is base64, as the application gave it."""

    user_id: str
    call_control_id: str
    call_session_id: str
    from_number: str
    to_number: str
    client_state: str | None = None
    custom_parameters: dict[str, str] = field(default_factory=dict[str, str])
    tags: tuple[str, ...] = ()


def connected(auth_token: str | None) -> str:
    frame: dict[str, Any] = {"event": "connected", "version": "1.0.0"}
    if auth_token is not None:
        frame["connected"] = {"x-telnyx-streaming-auth-token": auth_token}
    return _text(frame)


class FrameWriter:
    """Builds the frames of one connection and counts them: sequence, chunks and timestamps are strings."""

    def __init__(self, stream_id: str) -> None:
        self.stream_id = stream_id
        self._sequence = 0
        self._chunks = {"inbound": 0, "outbound": 0}
        self._last = b""
        self._last_encoded = ""

    def start(self, fields: StartFields, codec: Codec) -> str:
        start: dict[str, Any] = {
            "user_id": fields.user_id,
            "call_control_id": fields.call_control_id,
            "call_session_id": fields.call_session_id,
            "from": fields.from_number,
            "to": fields.to_number,
            "tags": fields.tags,
            "client_state": fields.client_state,
            "custom_parameters": fields.custom_parameters,
            "media_format": {"encoding": codec, "sample_rate": SAMPLE_RATES[codec], "channels": 1},
        }
        return _text(
            {"event": "start", "sequence_number": self._next(), "stream_id": self.stream_id, "start": start}
        )

    def media(self, track: Literal["inbound", "outbound"], payload: bytes, timestamp_ms: int) -> str:
        """20 ms of one track; `timestamp_ms` counts from the start of the connection."""
        chunk = self._chunks[track] = self._chunks[track] + 1
        sequence = self._sequence = self._sequence + 1
        if payload is not self._last:
            # Silence is one object, so most frames of a quiet line are encoded once.
            self._last, self._last_encoded = payload, b2a_base64(payload, newline=False).decode("ascii")
        return (
            f'{{"event":"media","sequence_number":"{sequence}","stream_id":"{self.stream_id}",'
            f'"media":{{"track":"{track}","chunk":"{chunk}","timestamp":"{timestamp_ms}",'
            f'"payload":"{self._last_encoded}"}}}}'
        )

    def dtmf(self, digit: str, occurred_at: str) -> str:
        return _text(
            {
                "event": "dtmf",
                "stream_id": self.stream_id,
                "occurred_at": occurred_at,
                "sequence_number": self._next(),
                "dtmf": {"digit": digit},
            }
        )

    def mark(self, name: str) -> str:
        return _text(
            {"event": "mark", "sequence_number": self._next(), "stream_id": self.stream_id, "mark": {"name": name}}
        )

    def stop(self, user_id: str, call_control_id: str) -> str:
        stop = {"user_id": user_id, "call_control_id": call_control_id}
        return _text({"event": "stop", "sequence_number": self._next(), "stream_id": self.stream_id, "stop": stop})

    def error(self, refused: RefusedFrame) -> str:
        payload = {"code": int(refused.code), "title": refused.code.title, "detail": refused.detail}
        return _text({"event": "error", "stream_id": self.stream_id, "payload": payload})

    def _next(self) -> str:
        self._sequence += 1
        return str(self._sequence)


def _text(frame: dict[str, Any]) -> str:
    return _encode(frame).decode()

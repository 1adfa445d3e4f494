"""Envelopes of Rime's WebSocket v1. Imported when the first client comes: protobuf takes a tenth of a second.

Source: the rime-api package 0.4.0, `schema/rime/text_to_speech.proto` and `schema/text_to_speech.asyncapi.yaml`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from rime_api import text_to_speech_pb2 as proto

from simulator.speech.synthesiser import Speech

Request = proto.WebSocketRequest
Start = proto.SynthesisRequest

BINARY = "rime.v1.binary"
JSON = "rime.v1.json"
_LANGUAGES = ("en", "es", "fr", "pt", "de", "ja", "ar", "hi", "it")


class Undecodable(Exception):
    """A frame that is no envelope, after which Rime closes the connection."""


def decode(message: str | bytes) -> Request:
    """Text frames are JSON and binary ones protobuf, whatever the answers are. Raises Undecodable."""
    request = proto.WebSocketRequest()
    try:
        if isinstance(message, bytes):
            request.ParseFromString(message)
        else:
            json_format.Parse(message, request, ignore_unknown_fields=True)
    except (DecodeError, json_format.ParseError, RecursionError, UnicodeError) as error:
        raise Undecodable(f"The frame is no envelope: {error}") from None
    return request


class Envelopes:
    """What the service sends, in the encoding that the subprotocol chose."""

    def __init__(self, *, binary: bool) -> None:
        self._binary = binary

    def ready(self) -> str | bytes:
        ready = proto.WebSocketReady(protocol=1, languages=_LANGUAGES, default_language="en")
        return self._encode(proto.WebSocketResponse(ready=ready))

    def started(self, context: str) -> str | bytes:
        started = proto.WebSocketStarted(request_id=str(uuid.uuid4()))
        return self._encode(proto.WebSocketResponse(context_id=context, started=started))

    def audio(self, context: str, audio: bytes) -> str | bytes:
        return self._encode(proto.WebSocketResponse(context_id=context, audio=audio))

    def done(self, context: str, spoken: Sequence[tuple[int, Speech]] | None) -> str | bytes:
        """`spoken`: each synthesis and when it began, in milliseconds of the context; None without timestamps."""
        done = proto.WebSocketDone()
        if spoken is not None:
            done.timestamps.status.code = 0
            for began, speech in spoken:
                for word in speech.words:
                    span = done.timestamps.spans.add(text=word.text)
                    span.start.FromMilliseconds(began + word.start_ms)
                    span.end.FromMilliseconds(began + word.end_ms)
        return self._encode(proto.WebSocketResponse(context_id=context, done=done))

    def cancelled(self, context: str) -> str | bytes:
        return self._encode(proto.WebSocketResponse(context_id=context, cancelled=proto.WebSocketCancelled()))

    def error(self, context: str, kind: str, message: str) -> str | bytes:
        error = proto.WebSocketError(kind=kind, message=message)
        return self._encode(proto.WebSocketResponse(context_id=context, error=error))

    def _encode(self, response: proto.WebSocketResponse) -> str | bytes:
        if self._binary:
            return response.SerializeToString()
        return json_format.MessageToJson(response, indent=None)

"""Messages of Rime's JSON WebSockets `/ws2` and `/ws3`, and of the plain `/ws`. Pure.

Source: Rime's pages "Websockets JSON" and "Websockets"; Pipecat 1.14 `services/rime/tts.py`, and
livekit-plugins-rime 1.8.9 `_legacy_websocket_adapter.py`, which also sends a `contextId` with `flush`.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from simulator.rime.catalogue import splits_punctuation
from simulator.speech.synthesiser import Speech

_PLAIN: Final[dict[str, Literal["clear", "flush", "eos"]]] = {
    "<CLEAR>": "clear",
    "<FLUSH>": "flush",
    "<EOS>": "eos",
}
_STAMPED: Final = frozenset({"eng", "spa"})
_MARKS: Final = ".,!?;:"


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    context: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    name: Literal["clear", "flush", "eos"]


class BadMessage(Exception):
    """What is answered with an `error` event; the connection stays."""


class _Message(msgspec.Struct):
    text: Any = None
    operation: Any = None
    context: Any = msgspec.field(default=None, name="contextId")


_decoder: Final = msgspec.json.Decoder(_Message)


def parse_json(message: str | bytes) -> Text | Operation:
    """Raises BadMessage."""
    try:
        decoded = _decoder.decode(message)
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise BadMessage("The message is not a JSON object.") from None
    if decoded.operation is not None:
        match decoded.operation:
            case "clear" | "flush" | "eos":
                return Operation(decoded.operation)
            case _:
                raise BadMessage(f"Unknown operation {str(decoded.operation)[:40]!r}.")
    if not isinstance(decoded.text, str):
        raise BadMessage("A message needs text, a string, or an operation.")
    if decoded.context is not None and not isinstance(decoded.context, str):
        raise BadMessage("contextId must be a string.")
    return Text(decoded.text, decoded.context)


def parse_plain(message: str | bytes) -> Text | Operation:
    """A message of `/ws`, which is bare text. Raises BadMessage."""
    try:
        text = message.decode() if isinstance(message, bytes) else message
    except UnicodeDecodeError:
        raise BadMessage("The message is not text.") from None
    operation = _PLAIN.get(text.strip())
    return Text(text) if operation is None else Operation(operation)


def chunk(audio: bytes, context: str | None) -> str:
    return _event("chunk", context, data=base64.b64encode(audio).decode())


def done(context: str | None) -> str:
    return _event("done", context)


def timestamps(speech: Speech, model: str, language: str, context: str | None) -> str | None:
    """When the words of a synthesis sound, in seconds from its beginning; None in a language without them.

    Words follow each other without a gap, and the last one ends with the audio, as in Rime's examples.
    """
    if language not in _STAMPED or not speech.words:
        return None
    words: list[str] = []
    starts: list[float] = []
    ends: list[float] = []
    following = [word.start_ms for word in speech.words[1:]] + [speech.duration_ms]
    for word, until in zip(speech.words, following, strict=True):
        start = word.start_ms if words else 0
        for text, begin, end in _parts(word.text, start, min(word.end_ms, until), until, model):
            words.append(text)
            starts.append(begin / 1000)
            ends.append(end / 1000)
    return _event("timestamps", context, word_timestamps={"words": words, "start": starts, "end": ends})


def failure(message: str) -> str:
    return msgspec.json.encode({"type": "error", "message": message}).decode()


def _parts(text: str, start: int, end: int, until: int, model: str) -> Sequence[tuple[str, int, int]]:
    spoken = text.rstrip(_MARKS)
    if not splits_punctuation(model) or spoken == text or not spoken:
        return ((text, start, until),)
    return (spoken, start, end), (text[len(spoken) :], end, until)


def _event(kind: str, context: str | None, **more: object) -> str:
    return msgspec.json.encode({"type": kind, **more, "contextId": context}).decode()

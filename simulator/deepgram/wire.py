"""Messages and parameters of Deepgram's text to speech WebSocket. Pure.

Source: types of the deepgram-sdk package 7.17 (`speak/v1/types`, `types/speak_v1*.py`) and Deepgram's pages
"TTS WebSocket: Flush", "Clear", "Close" and "TTS Troubleshooting WebSocket, NET, and DATA Errors".
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from simulator.audio import Samples, alaw_encode, ulaw_encode

Encoding = Literal["linear16", "mulaw", "alaw"]

MAX_TEXT_CHARACTERS: Final = 2000
_RATES: Final[dict[Encoding, tuple[int, ...]]] = {
    "linear16": (8000, 16000, 24000, 32000, 48000),
    "mulaw": (8000, 16000),
    "alaw": (8000, 16000),
}
_DEFAULT_RATE: Final = {"linear16": 24000, "mulaw": 8000, "alaw": 8000}
_DEFAULT_MODEL: Final = "aura-asteria-en"
_MODEL: Final = re.compile(r"aura-[a-z0-9-]{1,60}")


class Refused(Exception):
    """Parameters that Deepgram answers with HTTP 400; the text goes into the `dg-error` header."""


@dataclass(frozen=True, slots=True)
class SpeakParameters:
    """`speed` multiplies the usual rate of speech."""

    model: str
    encoding: Encoding
    sample_rate: int
    speed: float

    def encode(self, samples: Samples) -> bytes:
        match self.encoding:
            case "linear16":
                return samples.astype("<i2", copy=False).tobytes()
            case "mulaw":
                return ulaw_encode(samples)
            case "alaw":
                return alaw_encode(samples)


def parse_parameters(query: Mapping[str, str]) -> SpeakParameters:
    """Raises Refused. Parameters this stand-in has no use for, such as `mip_opt_out`, are accepted."""
    model = query.get("model", _DEFAULT_MODEL)
    if not _MODEL.fullmatch(model):
        raise Refused("No such model/language/tier combination found.")
    encoding = query.get("encoding", "linear16")
    if encoding not in _RATES:
        raise Refused(f"Unsupported audio format: encoding must be one of {', '.join(_RATES)}.")
    rate = query.get("sample_rate", str(_DEFAULT_RATE[encoding]))
    rates = _RATES[encoding]
    if rate not in map(str, rates):
        listed = ", ".join(map(str, rates))
        raise Refused(f"Unsupported audio format: sample_rate must be one of {listed} for {encoding}.")
    return SpeakParameters(model, encoding, int(rate), _speed(query.get("speed", "1")))


def _speed(value: str) -> float:
    try:
        speed = float(value)
    except ValueError:
        speed = 0.0
    if not 0.7 <= speed <= 1.5:
        raise Refused("speed must be between 0.7 and 1.5.")
    return speed


class _Message(msgspec.Struct):
    type: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Speak:
    text: str


@dataclass(frozen=True, slots=True)
class Control:
    type: Literal["Flush", "Clear", "Close"]


class BadMessage(Exception):
    """A message answered with a Warning; `code` as Deepgram groups them."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


_decoder: Final = msgspec.json.Decoder(_Message)


def parse_message(message: str) -> Speak | Control:
    """Raises BadMessage."""
    try:
        decoded = _decoder.decode(message)
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise BadMessage("DATA-0000", "The message is not a JSON object with a type.") from None
    match decoded.type:
        case "Speak" if not decoded.text:
            raise BadMessage("DATA-0000", "A Speak message needs text.")
        case "Speak":
            if len(decoded.text) > MAX_TEXT_CHARACTERS:
                detail = f"The text is longer than {MAX_TEXT_CHARACTERS:,} characters and was not spoken."
                raise BadMessage("DATA-0001", detail)
            return Speak(decoded.text)
        case "Flush" | "Clear" | "Close":
            return Control(decoded.type)
        case other:
            raise BadMessage("DATA-0000", f"Unknown message type {other[:40]!r}.")


def metadata(request_id: str, model: str) -> str:
    """Sent once, when the connection opens."""
    model_uuid = str(uuid.uuid5(uuid.NAMESPACE_DNS, model))
    return _text(
        {
            "type": "Metadata",
            "request_id": request_id,
            "model_name": model,
            "model_version": "2026-01-01.0",
            "model_uuid": model_uuid,
            "additional_model_uuids": [],
        }
    )


def flushed(sequence_id: int) -> str:
    return _text({"type": "Flushed", "sequence_id": sequence_id})


def cleared(sequence_id: int) -> str:
    return _text({"type": "Cleared", "sequence_id": sequence_id})


def warning(code: str, description: str) -> str:
    """The documentation says `warn_code` and `warn_msg`, the package's types `code` and `description`."""
    return _text(
        {
            "type": "Warning",
            "code": code,
            "description": description,
            "warn_code": code,
            "warn_msg": description,
        }
    )


def _text(message: dict[str, object]) -> str:
    return msgspec.json.encode(message).decode()

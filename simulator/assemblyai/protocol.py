"""Messages of AssemblyAI's v3 streaming API.

Shapes are those of the schemas in AssemblyAI's `usm-streaming.yml` and `usm-streaming-u3-pro.yml`, of the models
of its Python SDK 1.8.2 for what those lack, and `Begin.configuration` as observed on the live service in September
2026. All times are whole milliseconds of the session's audio: the clients of Pipecat and of AssemblyAI's own SDK
refuse fractions. What is ours is under the one key `simulator`, which clients pass over.
"""

from __future__ import annotations

import json
from typing import Any, Final, Literal, cast

import msgspec
from msgspec import UNSET, UnsetType

from simulator.assemblyai.errors import INVALID_INPUT, SessionRefused

Ending = Literal["confidence", "max_silence", "forced", "hangup", ""]
"""What ended a turn; `forced` is a ForceEndpoint, or the most that a turn may last. Empty while it is open."""
BEHIND: Final = 1
"""`warning_code` of a recogniser that cannot keep up. The service was never seen to warn."""


class Configuration(msgspec.Struct, frozen=True):
    """The part of a session's settings that the service repeats in Begin."""

    model: str
    mode: str | None
    api_version: str
    speaker_labels: bool
    redact_pii: bool
    filter_profanity: bool
    domain: str | None
    voice_focus: str | None


class Ears(msgspec.Struct, frozen=True):
    """Who hears, and what was asked for in vain: parameters that v3 does not have, and those without an effect
    here, with the reason."""

    engine: str
    unknown: tuple[str, ...] = ()
    ignored: dict[str, str] = {}


class Begin(msgspec.Struct, frozen=True, tag_field="type"):
    """The first message; `expires_at` is in whole unix seconds."""

    id: str
    expires_at: int
    configuration: Configuration
    simulator: Ears


class SpeechStarted(msgspec.Struct, frozen=True, tag_field="type"):
    """U3 models: once per turn, right before its first Turn."""

    timestamp: int
    confidence: float


class Word(msgspec.Struct, frozen=True):
    start: int
    end: int
    text: str
    confidence: float
    word_is_final: bool


class Heard(msgspec.Struct, frozen=True):
    """Who recognised the words (`script`, or an engine), whether they are guesses, how much audio had been heard,
    and what ended the turn, if this did."""

    recogniser: str
    rough: bool
    audio_ms: int
    ended_by: Ending = ""


class Turn(msgspec.Struct, frozen=True, tag_field="type"):
    """A turn as known so far."""

    turn_order: int
    turn_is_formatted: bool
    end_of_turn: bool
    transcript: str
    end_of_turn_confidence: float
    words: tuple[Word, ...]
    utterance: str
    simulator: Heard
    language_code: str | UnsetType = UNSET
    language_confidence: float | UnsetType = UNSET


class Heartbeat(msgspec.Struct, frozen=True, tag_field="type"):
    """`realtime_factor`: audio by wall time since the last one. `max_speech_probability` here is 0 or 1."""

    total_audio_received_ms: int
    total_duration_ms: int
    realtime_factor: float
    max_speech_probability: float


class Silence(msgspec.Struct, frozen=True, tag_field="type"):
    """No speech in this stretch of the audio."""

    start_ms: int
    end_ms: int


class Notice(msgspec.Struct, frozen=True, tag_field="type", tag="Warning"):
    """Something that the client should know; goes on."""

    warning_code: int
    warning: str


class Error(msgspec.Struct, frozen=True, tag_field="type"):
    error_code: int
    error: str


class Termination(msgspec.Struct, frozen=True, tag_field="type"):
    """The last message of a session that its client ended, in whole seconds."""

    audio_duration_seconds: int
    session_duration_seconds: int


ServerMessage = Begin | SpeechStarted | Turn | Heartbeat | Silence | Notice | Error | Termination

ClientAction = Literal["ForceEndpoint", "KeepAlive", "Terminate", "UpdateConfiguration"]


def encode(message: ServerMessage) -> str:
    return msgspec.json.encode(message).decode()


def parse_client_message(text: str) -> tuple[ClientAction, dict[str, Any]]:
    """What the client asks, and the other fields of its message. Raises SessionRefused."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = f"User Input Validation Error: Invalid JSON: {error}"
        raise SessionRefused(INVALID_INPUT, reason) from None
    if not isinstance(message, dict):
        raise SessionRefused(INVALID_INPUT, f"Invalid Message: {text[:100]}")
    fields = cast("dict[str, Any]", message)
    action = fields.pop("type", None)
    match action:
        case "ForceEndpoint" | "KeepAlive" | "Terminate" | "UpdateConfiguration":
            return action, fields
        case _:
            raise SessionRefused(INVALID_INPUT, f"Invalid Message Type: {_printable(str(action)[:100])}")


def _printable(text: str) -> str:
    """Half a character pair, which JSON can say and UTF-8 cannot, as a question mark."""
    return text.encode(errors="replace").decode()

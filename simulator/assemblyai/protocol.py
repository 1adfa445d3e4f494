"""Messages of AssemblyAI's v3 streaming API.

Shapes are those of the schemas in AssemblyAI's `usm-streaming.yml` and `usm-streaming-u3-pro.yml`, with
`Begin.configuration` and the error texts as observed on the live service in September 2026. All times are whole
milliseconds of the session's audio: the clients of Pipecat and of AssemblyAI's own SDK refuse fractions.
"""

from __future__ import annotations

import json
from typing import Any, Final, Literal, cast

import msgspec
from msgspec import UNSET, UnsetType

NORMAL_CLOSE: Final = 1000
UNAUTHORISED: Final = 1008
CANCELLED: Final = 3005
INVALID_INPUT: Final = 3006
INPUT_DURATION: Final = 3007
EXPIRED: Final = 3008
TOO_MANY_SESSIONS: Final = 3009

ENDED_REASON: Final = "Session Ended"
# The only reason that the service puts on the close after an Error; what happened is in the Error alone.
ERROR_REASON: Final = "See Error message for details"

DOCUMENTED: Final[dict[int, str]] = {
    UNAUTHORISED: "Unauthorized Connection: Invalid API key",
    CANCELLED: "Session Cancelled: An error occurred",
    INVALID_INPUT: "User Input Validation Error: Invalid 'speech_model': Input should be 'universal-3-6-pro'",
    INPUT_DURATION: "Input Duration Error: Input Duration Violation: 20.0 ms. Expected between 50 and 1000 ms",
    EXPIRED: "Session Expired: Maximum session duration exceeded",
    TOO_MANY_SESSIONS: "Unauthorized Connection: Too many concurrent sessions",
}
"""What the service says by close code, where a fault sets no other text."""


class SessionRefused(Exception):
    """The session ends with an Error message and a close of the same code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


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


class Begin(msgspec.Struct, frozen=True, tag_field="type"):
    """The first message; `expires_at` is in whole unix seconds."""

    id: str
    expires_at: int
    configuration: Configuration


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


class Turn(msgspec.Struct, frozen=True, tag_field="type"):
    """A turn as known so far. `recogniser` is ours: whether a script was matched or the words are rough."""

    turn_order: int
    turn_is_formatted: bool
    end_of_turn: bool
    transcript: str
    end_of_turn_confidence: float
    words: tuple[Word, ...]
    utterance: str
    recogniser: Literal["script", "rough"]
    language_code: str | UnsetType = UNSET
    language_confidence: float | UnsetType = UNSET


class Error(msgspec.Struct, frozen=True, tag_field="type"):
    error_code: int
    error: str


class Termination(msgspec.Struct, frozen=True, tag_field="type"):
    """The last message of a session that its client ended, in whole seconds."""

    audio_duration_seconds: int
    session_duration_seconds: int


ServerMessage = Begin | SpeechStarted | Turn | Error | Termination

ClientAction = Literal["ForceEndpoint", "KeepAlive", "Terminate", "UpdateConfiguration"]


def encode(message: ServerMessage) -> str:
    return msgspec.json.encode(message).decode()


def parse_client_message(text: str) -> tuple[ClientAction, dict[str, Any]]:
    """What the client asks, and the other fields of its message. Raises SessionRefused."""
    try:
        message = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        reason = f"User Input Validation Error: Invalid JSON: {error}"
        raise SessionRefused(INVALID_INPUT, reason) from None
    if not isinstance(message, dict):
        raise SessionRefused(INVALID_INPUT, "User Input Validation Error: Invalid JSON: Expecting an object")
    fields = cast("dict[str, Any]", message)
    action = fields.pop("type", None)
    match action:
        case "ForceEndpoint" | "KeepAlive" | "Terminate" | "UpdateConfiguration":
            return action, fields
        case _:
            raise SessionRefused(INVALID_INPUT, f"Invalid Message Type: {str(action)[:100]}")

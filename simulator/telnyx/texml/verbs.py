"""TeXML verbs as the interpreter runs them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulator.telnyx.call_rules import RecordRules
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.routing import Method
from simulator.telnyx.texml.port import DialTarget


@dataclass(frozen=True, slots=True)
class Action:
    """Where the next document is to be had when a verb is done."""

    url: str
    method: Method


@dataclass(frozen=True, slots=True)
class ConnectStream:
    """The next verb waits until the stream has ended."""

    stream: StreamOptions


@dataclass(frozen=True, slots=True)
class StartStream:
    """The next verb runs beside the stream."""

    stream: StreamOptions


@dataclass(frozen=True, slots=True)
class StopStream:
    """`name` None: the stream there is."""

    name: str | None


@dataclass(frozen=True, slots=True)
class StartRecording:
    """The call is recorded until it ends."""

    rules: RecordRules


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: int


@dataclass(frozen=True, slots=True)
class Say:
    """`times` 0: without end."""

    text: str
    voice: str = "man"
    language: str | None = None
    times: int = 1


@dataclass(frozen=True, slots=True)
class Play:
    """`times` 0: without end."""

    url: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class PlayDigits:
    """`times` 0: without end."""

    digits: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class Gather:
    """`action_url` and `invalid_url` are asked with the method of the TeXML application.

    `finish_on_key` holds every key that ends the input, or none; `listens` is False when speech alone is wanted.
    """

    prompts: tuple[Say | Play | PlayDigits | Pause, ...]
    action_url: str | None = None
    invalid_url: str | None = None
    minimum: int = 1
    maximum: int = 128
    timeout_seconds: int = 5
    finish_on_key: str = "#"
    valid_digits: str = "0123456789#*"
    listens: bool = True


@dataclass(frozen=True, slots=True)
class Record:
    rules: RecordRules
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class Dial:
    """`caller_id` None: the calling number of the leg. `recording` None: not recorded."""

    targets: tuple[DialTarget, ...]
    caller_id: str | None = None
    timeout_seconds: int = 30
    time_limit_seconds: int = 14_400
    sequential: bool = False
    answer_on_bridge: bool = False
    hang_up_on_star: bool = False
    recording: RecordRules | None = None
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class HangUp:
    pass


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str
    method: Method


@dataclass(frozen=True, slots=True)
class Reject:
    reason: Literal["rejected", "busy"]


Prompt = Say | Play | PlayDigits | Pause

Verb = (
    ConnectStream
    | StartStream
    | StopStream
    | StartRecording
    | Pause
    | Say
    | Play
    | PlayDigits
    | Gather
    | Record
    | Dial
    | HangUp
    | Redirect
    | Reject
)


@dataclass(frozen=True, slots=True)
class Document:
    """Verbs in their order. `warnings` are what a person should know of the document: one sentence each."""

    verbs: tuple[Verb, ...]
    warnings: tuple[str, ...] = ()

"""How keys are gathered and calls recorded, whoever asked for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulator.telnyx.routing import Callback


@dataclass(frozen=True, slots=True)
class GatherRules:
    """Times in milliseconds; `initial_timeout_ms` None: the inter-digit time counts from the start.

    `valid_digits` are the keys that count. Any key of `terminating_digit`, which may hold none or several, ends
    the input and is not part of it. `timeout_ms` bounds the whole gather.
    """

    minimum: int = 1
    maximum: int = 128
    terminating_digit: str = "#"
    valid_digits: str = "0123456789#*"
    inter_digit_timeout_ms: int = 5000
    initial_timeout_ms: int | None = None
    timeout_ms: int = 60_000
    gather_id: str | None = None


@dataclass(frozen=True, slots=True)
class RecordRules:
    """`max_seconds` 0: until stopped. `silence_seconds` 0: silence does not end it.

    `callback` is told of the recording.
    """

    channels: Literal["single", "dual"] = "single"
    format: Literal["wav", "mp3"] = "wav"
    track: Literal["both", "inbound", "outbound"] = "both"
    max_seconds: int = 0
    silence_seconds: int = 0
    finish_on_key: str = ""
    play_beep: bool = False
    trim_silence: bool = False
    callback: Callback | None = None

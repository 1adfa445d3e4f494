"""What is known of a call leg, and why it ended. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from simulator.telnyx.identifiers import CallIds

HangupCause = Literal[
    "call_rejected",
    "normal_clearing",
    "originator_cancel",
    "timeout",
    "time_limit",
    "user_busy",
    "not_found",
    "no_answer",
    "unspecified",
]
HangupSource = Literal["caller", "callee", "unknown"]
Direction = Literal["incoming", "outgoing"]


@dataclass(frozen=True, slots=True)
class Hangup:
    """Why and by whom a leg ended. `sip` is the SIP response code, or `unspecified` when there was none."""

    cause: HangupCause
    source: HangupSource
    sip: str = "200"


@dataclass(frozen=True, slots=True)
class Header:
    """A custom or SIP header as Telnyx passes it on."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What every event says about its leg. `sampling_rate` in hertz is that of the leg's codec."""

    ids: CallIds
    connection_id: str
    direction: Direction
    from_number: str
    to_number: str
    client_state: str | None
    codec: str
    started_at: datetime
    sampling_rate: int = 8000
    caller_name: str | None = None
    tags: tuple[str, ...] = ()
    custom_headers: tuple[Header, ...] = ()
    sip_headers: tuple[Header, ...] = ()

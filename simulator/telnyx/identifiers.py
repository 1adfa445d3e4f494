"""Identifiers and times in the shapes that Telnyx gives them."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime


def _call_control_id() -> str:
    """`v3:` and 54 URL-safe characters, as in Telnyx production logs of 2025."""
    return "v3:" + secrets.token_urlsafe(40)[:54]


def _time_based_uuid() -> str:
    """Leg and session ids are UUIDs of version 1; the node is random, so no hardware address is shown."""
    return str(uuid.uuid1(node=secrets.randbits(48) | 0x010000000000))


@dataclass(frozen=True, slots=True)
class CallIds:
    call_control_id: str = field(default_factory=_call_control_id)
    call_leg_id: str = field(default_factory=_time_based_uuid)
    call_session_id: str = field(default_factory=_time_based_uuid)


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds and `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

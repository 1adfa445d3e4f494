"""The requests of Call Control by their older names. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.telnyx.requests.answers import COMMAND_ACCEPTED, call_resource
from simulator.telnyx.requests.body import decode_object
from simulator.telnyx.requests.commands import check_call_control_id, parse_action
from simulator.telnyx.requests.common import Command
from simulator.telnyx.requests.dial import DialRequest, parse_dial
from simulator.telnyx.requests.numbers import is_e164

__all__ = [
    "COMMAND_ACCEPTED",
    "Command",
    "DialRequest",
    "call_resource",
    "check_call_control_id",
    "decode_object",
    "is_e164",
    "parse_command",
    "parse_dial",
]


def parse_command(body: Mapping[str, Any]) -> Command[object]:
    """A hangup."""
    return parse_action("hangup", body)

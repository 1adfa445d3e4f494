"""Commands that change little or nothing of what a simulated call sounds like. Pure.

Source: the command schemas of Telnyx's OpenAPI document, as typed in the telnyx package 4.189.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.requests.common import CLIENT_STATE, CommandSpec, command_table
from simulator.telnyx.requests.fields import Choice, Flag, Number, Object, Text, Whole, below
from simulator.telnyx.requests.rules import needs

_MIME_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:\s*;.*)?")
_FORK_TARGET: Final = Text(
    code=Code.INVALID_VALUE, pattern=re.compile(r"udp:[^\s:]+:[0-9]{1,5}"), wanted="written as udp:address:port"
)
_MAX_INFO_BYTES: Final = 1400
_LEAST_SESSION_SECS: Final = 90


@dataclass(frozen=True, slots=True)
class UpdateClientState:
    """`client_state` is Base64 as it came."""

    client_state: str


@dataclass(frozen=True, slots=True)
class Enqueue:
    queue_name: str
    max_size: int = 100
    max_wait_time_secs: int | None = None
    keep_after_hangup: bool = False


@dataclass(frozen=True, slots=True)
class LeaveQueue:
    pass


@dataclass(frozen=True, slots=True)
class StartFork:
    rx: str | None = None
    tx: str | None = None


@dataclass(frozen=True, slots=True)
class StopFork:
    pass


@dataclass(frozen=True, slots=True)
class StartSiprec:
    connector_name: str | None = None


@dataclass(frozen=True, slots=True)
class StopSiprec:
    pass


OtherOrder = UpdateClientState | Enqueue | LeaveQueue | StartFork | StopFork | StartSiprec | StopSiprec


def _info_fits(values: Mapping[str, Any], pointer: str) -> None:
    if len(values["body"].encode("utf-8", "surrogatepass")) > _MAX_INFO_BYTES:
        detail = f"The 'body' parameter must be at most {_MAX_INFO_BYTES} bytes."
        raise TelnyxError(Code.STRING_LENGTH, detail, below(pointer, "body"))


def _session_timeout(values: Mapping[str, Any], pointer: str) -> None:
    if 0 < values.get("session_timeout_secs", 0) < _LEAST_SESSION_SECS:
        detail = f"The 'session_timeout_secs' parameter must be 0 or at least {_LEAST_SESSION_SECS}."
        raise TelnyxError(Code.OUT_OF_RANGE, detail, below(pointer, "session_timeout_secs"))


def _enqueue(values: Mapping[str, Any]) -> Enqueue:
    return Enqueue(
        values["queue_name"],
        values.get("max_size", 100),
        values.get("max_wait_time_secs"),
        values.get("keep_after_hangup", False),
    )


_ENGINES: Final = Choice(
    "Denoiser",
    "DeepFilterNet",
    "Krisp",
    "AiCoustics",
    "aic_l_quail",
    "aic_l_rook",
    "aic_s_quail",
    "aic_s_rook",
    "quail_voice_focus_s",
    "quail_voice_focus_xs",
    # Deprecated names of the first four, still accepted.
    "A",
    "B",
    "C",
    "D",
)
_ENGINE_CONFIG: Final = Object(
    {
        "attenuation_limit": Whole(0, 100),
        "enhancement_level": Number(0, 1),
        "family": Choice("sparrow", "quail"),
        "mode": Choice("standard", "advanced"),
        "model": Choice(
            "krisp-viva-tel-v2.kef",
            "krisp-viva-tel-lite-v1.kef",
            "krisp-viva-pro-v1.kef",
            "krisp-viva-ss-v1.kef",
        ),
        "size": Choice("s", "l", "xs", "xxs", "vf_l", "vf_1_1_l"),
        "suppression_level": Number(0, 100),
        "voice_gain": Number(0.1, 4),
    }
)
_ENQUEUE: Final = {
    "queue_name": Text(least=1),
    "keep_after_hangup": Flag(),
    "max_size": Whole(1),
    "max_wait_time_secs": Whole(0),
}

OTHER_COMMANDS: Final[dict[str, CommandSpec[OtherOrder]]] = {
    "client_state_update": CommandSpec(
        Object({"client_state": CLIENT_STATE}, required=("client_state",)),
        lambda values: UpdateClientState(values["client_state"]),
        method="PUT",
    ),
    "suppression_start": CommandSpec(
        command_table(
            {
                "direction": Choice("inbound", "outbound", "both"),
                "noise_suppression_engine": _ENGINES,
                "noise_suppression_engine_config": _ENGINE_CONFIG,
            }
        )
    ),
    "suppression_stop": CommandSpec(command_table({})),
    "send_sip_info": CommandSpec(
        command_table(
            {
                "body": Text(),
                "content_type": Text(code=Code.INVALID_VALUE, pattern=_MIME_TYPE, wanted="a MIME type"),
            },
            required=("body", "content_type"),
            rules=(_info_fits,),
        )
    ),
    "enqueue": CommandSpec(command_table(_ENQUEUE, required=("queue_name",)), _enqueue, frozenset(_ENQUEUE)),
    "leave_queue": CommandSpec(command_table({}), lambda _: LeaveQueue()),
    "fork_start": CommandSpec(
        command_table(
            {"rx": _FORK_TARGET, "tx": _FORK_TARGET, "stream_type": Choice("decrypted")},
            rules=(needs("stream_type", "rx"), needs("stream_type", "tx")),
        ),
        lambda values: StartFork(values.get("rx"), values.get("tx")),
        frozenset({"rx", "tx", "stream_type"}),
    ),
    "fork_stop": CommandSpec(
        command_table({"stream_type": Choice("raw", "decrypted")}),
        lambda _: StopFork(),
        frozenset({"stream_type"}),
    ),
    "siprec_start": CommandSpec(
        Object(
            {
                "client_state": CLIENT_STATE,
                "connector_name": Text(),
                "include_metadata_custom_headers": Flag(),
                "secure": Flag(),
                "session_timeout_secs": Whole(0),
                "sip_transport": Choice("udp", "tcp", "tls"),
                "siprec_track": Choice("inbound_track", "outbound_track", "both_tracks"),
            },
            rules=(_session_timeout,),
        ),
        lambda values: StartSiprec(values.get("connector_name")),
        frozenset({"connector_name"}),
    ),
    "siprec_stop": CommandSpec(command_table({}), lambda _: StopSiprec()),
}

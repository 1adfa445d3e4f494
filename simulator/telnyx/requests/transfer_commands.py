"""Joining a leg with another one: transfer, bridge, refer, switch_supervisor_role. Pure.

Source: the command schemas of Telnyx's OpenAPI document, as typed in the telnyx package 4.189.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from simulator.telnyx.errors import Code
from simulator.telnyx.facts import Header
from simulator.telnyx.requests.amd import AMD_KINDS, AmdRules, amd_rules
from simulator.telnyx.requests.common import (
    CLIENT_STATE,
    CUSTOM_HEADERS,
    DISPLAY_NAME,
    MEDIA_ENCRYPTION,
    MUTE_DTMF,
    PARK,
    SEND_DIGITS,
    SIP_HEADERS,
    SIP_REGION,
    SIP_TRANSPORT,
    SOUND_MODIFICATIONS,
    SUPERVISOR_ROLE,
    TIME_LIMIT_SECS,
    TIMEOUT_SECS,
    CommandSpec,
    command_table,
    headers,
)
from simulator.telnyx.requests.fields import Address, Choice, Flag, Kind, Object, Text
from simulator.telnyx.requests.numbers import SIP_ADDRESS, Destination, Destinations, PhoneNumber, encrypted
from simulator.telnyx.requests.recording import RECORD_KINDS, RecordOrder, record_from_answer
from simulator.telnyx.requests.rules import exclusive, one_of
from simulator.telnyx.requests.webhook_rules import WEBHOOK_CHECKS, WEBHOOK_KINDS, WebhookRules, webhook_rules

MuteDtmf = Literal["none", "both", "self", "opposite"]
SupervisorRole = Literal["barge", "whisper", "monitor"]

_RINGTONES = """
    at au be bg br ch cl cn cz de dk ee es fi fr gr hu il in it jp lt mx my nl no nz ph pl pt ru se sg th tw uk
    us-old us ve za
"""


@dataclass(frozen=True, slots=True)
class Transfer:
    """A new leg to `to`, bridged with this one when it answers. Times in seconds; `from_number` None: this call's.

    `audio_url` or `media_name` is played to the new leg before the bridge.
    """

    to: Destination
    from_number: str | None = None
    from_display_name: str | None = None
    target_leg_client_state: str | None = None
    timeout_secs: int = 30
    time_limit_secs: int = 14_400
    early_media: bool = True
    send_digits: str = ""
    park_after_unbridge: bool = False
    mute_dtmf: MuteDtmf = "none"
    audio_url: str | None = None
    media_name: str | None = None
    amd: AmdRules | None = None
    record: RecordOrder | None = None
    webhooks: WebhookRules = field(default_factory=WebhookRules)
    custom_headers: tuple[Header, ...] = ()
    sip_headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class Bridge:
    """Exactly one of `call_control_id` and `queue` is there, or neither when it is to be a video room."""

    call_control_id: str | None = None
    queue: str | None = None
    park_after_unbridge: bool = False
    hold_after_unbridge: bool = False
    mute_dtmf: MuteDtmf = "none"
    play_ringtone: bool = False
    prevent_double_bridge: bool = False
    record: RecordOrder | None = None


@dataclass(frozen=True, slots=True)
class Refer:
    sip_address: str
    custom_headers: tuple[Header, ...] = ()
    sip_headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class SwitchSupervisorRole:
    role: SupervisorRole


def _transfer(values: Mapping[str, Any]) -> Transfer:
    to = encrypted(values["to"], values.get("media_encryption"))[0]
    return Transfer(
        to=to,
        from_number=values.get("from"),
        from_display_name=values.get("from_display_name"),
        target_leg_client_state=values.get("target_leg_client_state"),
        timeout_secs=values.get("timeout_secs", 30),
        time_limit_secs=values.get("time_limit_secs", 14_400),
        early_media=values.get("early_media", True),
        send_digits=values.get("send_digits_on_answer", to.digits),
        park_after_unbridge="park_after_unbridge" in values,
        mute_dtmf=values.get("mute_dtmf", "none"),
        audio_url=values.get("audio_url"),
        media_name=values.get("media_name"),
        amd=amd_rules(values),
        record=record_from_answer(values),
        webhooks=webhook_rules(values),
        custom_headers=headers(values, "custom_headers"),
        sip_headers=headers(values, "sip_headers"),
    )


def _bridge(values: Mapping[str, Any]) -> Bridge:
    return Bridge(
        call_control_id=values.get("call_control_id"),
        queue=values.get("queue"),
        park_after_unbridge="park_after_unbridge" in values,
        hold_after_unbridge=values.get("hold_after_unbridge", False),
        mute_dtmf=values.get("mute_dtmf", "none"),
        play_ringtone=values.get("play_ringtone", False),
        prevent_double_bridge=values.get("prevent_double_bridge", False),
        record=record_from_answer(values),
    )


def _refer(values: Mapping[str, Any]) -> Refer:
    return Refer(values["sip_address"], headers(values, "custom_headers"), headers(values, "sip_headers"))


_TRANSFER: Final[dict[str, Kind]] = {
    "to": Destinations(several=False),
    "from": PhoneNumber(or_sip=True),
    "from_display_name": DISPLAY_NAME,
    "audio_url": Address(),
    "media_name": Text(least=1),
    "early_media": Flag(),
    "media_encryption": MEDIA_ENCRYPTION,
    "mute_dtmf": MUTE_DTMF,
    "park_after_unbridge": PARK,
    "send_digits_on_answer": SEND_DIGITS,
    "target_leg_client_state": CLIENT_STATE,
    "time_limit_secs": TIME_LIMIT_SECS,
    "timeout_secs": TIMEOUT_SECS,
    "custom_headers": CUSTOM_HEADERS,
    "sip_headers": SIP_HEADERS,
    **AMD_KINDS,
    **RECORD_KINDS,
    **WEBHOOK_KINDS,
}
_TRANSFER_WITHOUT_EFFECT: Final[dict[str, Kind]] = {
    "diversion": PhoneNumber(),
    "preferred_codecs": Text(),
    "privacy": Choice("id", "none"),
    "route_to_mobile": Flag(),
    "sip_auth_password": Text(),
    "sip_auth_username": Text(),
    "sip_region": SIP_REGION,
    "sip_transport_protocol": SIP_TRANSPORT,
    "sound_modifications": SOUND_MODIFICATIONS,
}
_BRIDGE: Final[dict[str, Kind]] = {
    "call_control_id": Text(least=1),
    "queue": Text(least=1),
    "hold_after_unbridge": Flag(),
    "mute_dtmf": MUTE_DTMF,
    "park_after_unbridge": PARK,
    "play_ringtone": Flag(),
    "prevent_double_bridge": Flag(),
    **RECORD_KINDS,
}
_REFER: Final[dict[str, Kind]] = {
    "sip_address": Text(code=Code.INVALID_VALUE, pattern=SIP_ADDRESS, wanted="a SIP address"),
    "custom_headers": CUSTOM_HEADERS,
    "sip_headers": SIP_HEADERS,
}
_PEERS: Final = ("call_control_id", "queue", "video_room_id")

TRANSFER_COMMANDS: Final[dict[str, CommandSpec[Transfer | Bridge | Refer | SwitchSupervisorRole]]] = {
    "transfer": CommandSpec(
        command_table(
            {**_TRANSFER, **_TRANSFER_WITHOUT_EFFECT},
            required=("to",),
            rules=(exclusive("audio_url", "media_name"), *WEBHOOK_CHECKS),
        ),
        _transfer,
        frozenset(_TRANSFER),
    ),
    "bridge": CommandSpec(
        command_table(
            {
                **_BRIDGE,
                "ringtone": Choice(*_RINGTONES.split()),
                "video_room_context": Text(),
                "video_room_id": Text(),
            },
            rules=(one_of(*_PEERS), exclusive(*_PEERS)),
        ),
        _bridge,
        frozenset(_BRIDGE),
    ),
    "refer": CommandSpec(
        command_table(
            {**_REFER, "sip_auth_password": Text(), "sip_auth_username": Text()}, required=("sip_address",)
        ),
        _refer,
        frozenset(_REFER),
    ),
    "switch_supervisor_role": CommandSpec(
        Object({"role": SUPERVISOR_ROLE}, required=("role",)),
        lambda values: SwitchSupervisorRole(values["role"]),
        frozenset({"role"}),
    ),
}

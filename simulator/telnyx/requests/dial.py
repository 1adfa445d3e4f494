"""`POST /v2/calls`: every parameter of a dial, checked. Pure.

Source: operation DialCall of Telnyx's OpenAPI document, as typed in the telnyx package 4.189
(`types/call_dial_params.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.facts import Header
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.requests.amd import AMD_KINDS, AmdRules, amd_rules
from simulator.telnyx.requests.assistants import ASSISTANT
from simulator.telnyx.requests.common import (
    BILLING_GROUP_ID,
    CLIENT_STATE,
    COMMAND_ID,
    CUSTOM_HEADERS,
    DEEPFAKE_DETECTION,
    DIALOGFLOW_CONFIG,
    DISPLAY_NAME,
    MEDIA_ENCRYPTION,
    PARK,
    SEND_DIGITS,
    SIP_HEADERS,
    SIP_REGION,
    SIP_TRANSPORT,
    SOUND_MODIFICATIONS,
    SUPERVISOR_ROLE,
    TIME_LIMIT_SECS,
    TIMEOUT_SECS,
    headers,
    without_effect,
)
from simulator.telnyx.requests.fields import Address, Choice, Flag, Kind, Many, Object, Text
from simulator.telnyx.requests.numbers import Destination, Destinations, PhoneNumber, encrypted
from simulator.telnyx.requests.recording import RECORD_KINDS, RecordOrder, record_from_answer
from simulator.telnyx.requests.relay import RELAY_CONFIG
from simulator.telnyx.requests.rules import exclusive, needs
from simulator.telnyx.requests.streaming import DIAL_STREAM, stream_options, stream_rate
from simulator.telnyx.requests.transcription import (
    TRANSCRIPTION_CONFIG,
    StartTranscription,
    transcription_from_answer,
)
from simulator.telnyx.requests.webhook_rules import WEBHOOK_CHECKS, WEBHOOK_KINDS, WebhookRules, webhook_rules

_CONFERENCE: Final = Object(
    {
        "id": Text(),
        "beep_enabled": Choice("always", "never", "on_enter", "on_exit"),
        "conference_name": Text(),
        "early_media": Flag(),
        "end_conference_on_exit": Flag(),
        "hold": Flag(),
        "hold_audio_url": Address(),
        "hold_media_name": Text(),
        "mute": Flag(),
        "soft_end_conference_on_exit": Flag(),
        "start_conference_on_create": Flag(),
        "start_conference_on_enter": Flag(),
        "supervisor_role": Choice("barge", "monitor", "none", "whisper"),
        "whisper_call_control_ids": Many(Text()),
    },
    rules=(exclusive("hold_media_name", "hold_audio_url"),),
)
_HONOURED: Final[dict[str, Kind]] = {
    "connection_id": Text(limit=255),
    "to": Destinations(),
    "from": PhoneNumber(),
    "from_display_name": DISPLAY_NAME,
    "client_state": CLIENT_STATE,
    "command_id": COMMAND_ID,
    "timeout_secs": TIMEOUT_SECS,
    "time_limit_secs": TIME_LIMIT_SECS,
    "retry_on_timeout": Flag(),
    "media_encryption": MEDIA_ENCRYPTION,
    "custom_headers": CUSTOM_HEADERS,
    "sip_headers": SIP_HEADERS,
    "send_digits_on_answer": SEND_DIGITS,
    "audio_url": Address(),
    "media_name": Text(least=1),
    "link_to": Text(least=1),
    "bridge_intent": Flag(),
    "bridge_on_answer": Flag(),
    "prevent_double_bridge": Flag(),
    "park_after_unbridge": PARK,
    "transcription": Flag(),
    "transcription_config": TRANSCRIPTION_CONFIG,
    **AMD_KINDS,
    **DIAL_STREAM,
    **RECORD_KINDS,
    **WEBHOOK_KINDS,
}
_WITHOUT_EFFECT: Final[dict[str, Kind]] = {
    "supervisor_role": SUPERVISOR_ROLE,
    "supervise_call_control_id": Text(least=1),
    "preferred_codecs": Text(),
    "privacy": Choice("id", "none"),
    "assistant": ASSISTANT,
    "billing_group_id": BILLING_GROUP_ID,
    "conference_config": _CONFERENCE,
    "conversation_relay_config": RELAY_CONFIG,
    "deepfake_detection": DEEPFAKE_DETECTION,
    "dialogflow_config": DIALOGFLOW_CONFIG,
    "diversion": PhoneNumber(),
    "enable_dialogflow": Flag(),
    "route_to_mobile": Flag(),
    "sip_auth_password": Text(),
    "sip_auth_username": Text(),
    "sip_region": SIP_REGION,
    "sip_transport_protocol": SIP_TRANSPORT,
    "sound_modifications": SOUND_MODIFICATIONS,
}
DIAL: Final = Object(
    {**_HONOURED, **_WITHOUT_EFFECT},
    required=("connection_id", "to", "from"),
    rules=(
        exclusive("media_name", "audio_url"),
        needs("bridge_intent", "link_to"),
        needs("bridge_on_answer", "link_to"),
        needs("park_after_unbridge", "link_to"),
        stream_rate,
        *WEBHOOK_CHECKS,
    ),
)


@dataclass(frozen=True, slots=True)
class DialRequest:
    """A valid dial. Times in seconds; a time of recording, detection or retrying as its own type says.

    `to` is rung all at once.
    `ignored` names parameters without effect here, `unknown` those that Telnyx does not know.
    """

    to: tuple[Destination, ...]
    from_number: str
    connection_id: str
    client_state: str | None = None
    command_id: str | None = None
    from_display_name: str | None = None
    timeout_secs: int = 30
    time_limit_secs: int = 14_400
    retry_on_timeout: bool = True
    custom_headers: tuple[Header, ...] = ()
    sip_headers: tuple[Header, ...] = ()
    webhooks: WebhookRules = field(default_factory=WebhookRules)
    amd: AmdRules | None = None
    stream: StreamOptions | None = None
    stream_before_ringing: bool = False
    record: RecordOrder | None = None
    transcription: StartTranscription | None = None
    send_digits: str = ""
    audio_url: str | None = None
    media_name: str | None = None
    link_to: str | None = None
    bridge_intent: bool = False
    bridge_on_answer: bool = False
    prevent_double_bridge: bool = False
    park_after_unbridge: bool = False
    ignored: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def to_number(self) -> str:
        """The first destination's address."""
        return self.to[0].address


def parse_dial(body: Mapping[str, Any]) -> DialRequest:
    """Raises TelnyxError with the pointer of the first parameter at fault."""
    values = DIAL.read(body)
    to = encrypted(values["to"], values.get("media_encryption"))
    return DialRequest(
        to=to,
        from_number=values["from"],
        connection_id=values["connection_id"],
        client_state=values.get("client_state"),
        command_id=values.get("command_id"),
        from_display_name=values.get("from_display_name"),
        timeout_secs=values.get("timeout_secs", 30),
        time_limit_secs=values.get("time_limit_secs", 14_400),
        retry_on_timeout=values.get("retry_on_timeout", True),
        custom_headers=headers(values, "custom_headers"),
        sip_headers=headers(values, "sip_headers"),
        webhooks=webhook_rules(values),
        amd=amd_rules(values),
        stream=stream_options(values),
        stream_before_ringing=values.get("stream_establish_before_call_originate", False),
        record=record_from_answer(values),
        transcription=transcription_from_answer(values),
        send_digits=values.get("send_digits_on_answer", to[0].digits),
        audio_url=values.get("audio_url"),
        media_name=values.get("media_name"),
        link_to=values.get("link_to"),
        bridge_intent=values.get("bridge_intent", False),
        bridge_on_answer=values.get("bridge_on_answer", False),
        prevent_double_bridge=values.get("prevent_double_bridge", False),
        park_after_unbridge="park_after_unbridge" in values,
        ignored=without_effect(values, frozenset(_HONOURED)),
        unknown=tuple(DIAL.unknown(body)),
    )


def unknown_connection(pointer: str = "/connection_id") -> TelnyxError:
    """What a call gets whose `connection_id`, or `ApplicationSid` at another `pointer`, is nobody's."""
    detail = "The requested connection_id (Call Control App ID) is either invalid or does not exist."
    return TelnyxError(Code.INVALID_CONNECTION_ID, detail, pointer)

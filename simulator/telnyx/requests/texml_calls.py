"""The TeXML REST paths: calls, call update, streams and recordings, with CamelCase parameters. Pure.

Bodies come as JSON or as forms; `body.decode_body` reads either against the tables here.
Source: the TeXML REST schemas of Telnyx's OpenAPI document, as typed in the telnyx package 4.189 (`types/texml`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from simulator.telnyx.facts import Header
from simulator.telnyx.requests.amd import AmdRules
from simulator.telnyx.requests.common import (
    CUSTOM_HEADERS,
    DISPLAY_NAME,
    MEDIA_ENCRYPTION,
    SIP_REGION,
    SUPERVISOR_ROLE,
    TIME_LIMIT_SECS,
    headers,
    without_effect,
)
from simulator.telnyx.requests.fields import Address, Choice, Flag, Kind, Number, Object, Text, Whole
from simulator.telnyx.requests.numbers import Destination, Destinations, PhoneNumber, encrypted
from simulator.telnyx.requests.recording import RecordOrder, record_order
from simulator.telnyx.requests.rules import exclusive
from simulator.telnyx.requests.texml_callbacks import (
    METHOD,
    RECORDING_CALLBACK_KINDS,
    STATUS_CALLBACK_KINDS,
    CallbackRules,
    recording_callback,
    status_callback,
)

Method = Literal["GET", "POST"]

_COUNT: Final = Whole(0, 2**31 - 1)
_DOCUMENT: Final = Text(limit=64 * 1024)

_HONOURED: Final[dict[str, Kind]] = {
    "ApplicationSid": Text(limit=255),
    "From": PhoneNumber(),
    "To": Destinations(several=False),
    "Url": Address(),
    "UrlMethod": METHOD,
    "FallbackUrl": Address(),
    "Texml": _DOCUMENT,
    "CallerId": DISPLAY_NAME,
    "CustomHeaders": CUSTOM_HEADERS,
    "MediaEncryption": MEDIA_ENCRYPTION,
    "Timeout": Whole(5, 120),
    "TimeLimit": TIME_LIMIT_SECS,
    "MachineDetection": Choice("Enable", "Disable", "DetectMessageEnd"),
    "DetectionMode": Choice("Premium", "Regular", "PremiumCallScreening"),
    "AsyncAmd": Flag(),
    "AsyncAmdStatusCallback": Address(),
    "AsyncAmdStatusCallbackMethod": METHOD,
    "MachineDetectionTimeout": Whole(500, 60_000),
    "MachineDetectionSilenceTimeout": _COUNT,
    "MachineDetectionSpeechThreshold": _COUNT,
    "MachineDetectionSpeechEndThreshold": _COUNT,
    "MachineDetectionPromptEndTimeout": Whole(1000, 120_000),
    "CancelPlaybackOnDetectMessageEnd": Flag(),
    "CancelPlaybackOnMachineDetection": Flag(),
    "Record": Flag(),
    "RecordingChannels": Choice("mono", "dual"),
    "RecordingTimeout": _COUNT,
    "RecordingTrack": Choice("inbound", "outbound", "both"),
    "Trim": Choice("trim-silence", "do-not-trim"),
    "SendRecordingUrl": Flag(),
    "SuperviseCallSid": Text(least=1),
    "SupervisingRole": SUPERVISOR_ROLE,
    **STATUS_CALLBACK_KINDS,
    **RECORDING_CALLBACK_KINDS,
}
_WITHOUT_EFFECT: Final[dict[str, Kind]] = {
    "DeepfakeDetection": Choice("Enable"),
    "DeepfakeDetectionCallbackMethod": METHOD,
    "DeepfakeDetectionCallbackUrl": Address(),
    "MachineDetectionBeepMaxFrequency": _COUNT,
    "MachineDetectionBeepMinFrequency": _COUNT,
    "MachineDetectionBeepMinToneDuration": _COUNT,
    "MachineDetectionBeepProfile": Choice("both", "freq_only"),
    "MachineDetectionBeepSpectralConfirmation": Flag(),
    "MachineDetectionBeepSpectralMinPurity": Number(0, 1),
    "MachineDetectionBeepSpectralRejectFaxCng": Flag(),
    "MachineDetectionBeepSpectralWindow": _COUNT,
    "PreferredCodecs": Text(),
    "SipAuthPassword": Text(),
    "SipAuthUsername": Text(),
    "SipRegion": SIP_REGION,
}
CALL: Final = Object(
    {**_HONOURED, **_WITHOUT_EFFECT}, required=("ApplicationSid", "From", "To"), rules=(exclusive("Url", "Texml"),)
)
"""`POST /v2/texml/Accounts/{account_sid}/Calls`."""

CONNECTION_CALL: Final = Object(
    {
        "From": PhoneNumber(),
        "To": Destinations(several=False),
        "Url": Address(),
        "Method": METHOD,
        "Texml": _DOCUMENT,
    },
    required=("From", "To"),
    rules=(exclusive("Url", "Texml"),),
)
"""`POST /v2/texml/calls/{connection_id}`."""


@dataclass(frozen=True, slots=True)
class TexmlDial:
    """A valid TeXML call. Times in seconds. Neither `url` nor `texml`: the application's own address.

    `url_method` None is the application's. `detect_async`: the document does not wait for `amd`.
    `detect_message_end`: a machine counts as detected when its greeting is over.
    """

    to: Destination
    from_number: str
    application_sid: str
    url: str | None = None
    url_method: Method | None = None
    fallback_url: str | None = None
    texml: str | None = None
    caller_id: str | None = None
    custom_headers: tuple[Header, ...] = ()
    timeout_secs: int = 30
    time_limit_secs: int = 14_400
    amd: AmdRules | None = None
    detect_async: bool = False
    detect_message_end: bool = False
    amd_callback: str | None = None
    amd_callback_method: Method = "POST"
    cancel_playback_on_machine: bool = True
    cancel_playback_on_greeting_end: bool = True
    record: RecordOrder | None = None
    status: CallbackRules = field(default_factory=CallbackRules)
    recording: CallbackRules = field(default_factory=CallbackRules)
    send_recording_url: bool = True
    supervise_call_sid: str | None = None
    supervisor_role: Literal["barge", "whisper", "monitor"] = "barge"
    ignored: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def parse_texml_call(body: Mapping[str, Any]) -> TexmlDial:
    """Raises TelnyxError with the pointer of the first parameter at fault."""
    values = CALL.read(body)
    return TexmlDial(
        to=encrypted(values["To"], values.get("MediaEncryption"), "/MediaEncryption")[0],
        from_number=values["From"],
        application_sid=values["ApplicationSid"],
        url=values.get("Url"),
        url_method=values.get("UrlMethod"),
        fallback_url=values.get("FallbackUrl"),
        texml=values.get("Texml"),
        caller_id=values.get("CallerId"),
        custom_headers=headers(values, "CustomHeaders"),
        timeout_secs=values.get("Timeout", 30),
        time_limit_secs=values.get("TimeLimit", 14_400),
        amd=_amd(values),
        detect_async=values.get("AsyncAmd", False),
        detect_message_end=values.get("MachineDetection") == "DetectMessageEnd",
        amd_callback=values.get("AsyncAmdStatusCallback"),
        amd_callback_method=values.get("AsyncAmdStatusCallbackMethod", "POST"),
        cancel_playback_on_machine=values.get("CancelPlaybackOnMachineDetection", True),
        cancel_playback_on_greeting_end=values.get("CancelPlaybackOnDetectMessageEnd", True),
        record=_record(values),
        status=status_callback(values),
        recording=recording_callback(values),
        send_recording_url=values.get("SendRecordingUrl", True),
        supervise_call_sid=values.get("SuperviseCallSid"),
        supervisor_role=values.get("SupervisingRole", "barge"),
        ignored=without_effect(values, frozenset(_HONOURED)),
        unknown=tuple(CALL.unknown(body)),
    )


def parse_connection_call(body: Mapping[str, Any], connection_id: str) -> TexmlDial:
    """A call by `POST /v2/texml/calls/{connection_id}`. Raises TelnyxError."""
    values = CONNECTION_CALL.read(body)
    return TexmlDial(
        to=values["To"][0],
        from_number=values["From"],
        application_sid=connection_id,
        url=values.get("Url"),
        url_method=values.get("Method"),
        texml=values.get("Texml"),
        unknown=tuple(CONNECTION_CALL.unknown(body)),
    )


def _amd(values: Mapping[str, Any]) -> AmdRules | None:
    detection = values.get("MachineDetection", "Disable")
    if detection == "Disable":
        return None
    mode = values.get("DetectionMode", "Regular")
    if mode == "Regular":
        name = "greeting_end" if detection == "DetectMessageEnd" else "detect"
    else:
        name = "premium" if mode == "Premium" else "premium_ios_call_screening_detection"
    return AmdRules(
        mode=name,
        total_analysis_ms=values.get("MachineDetectionTimeout", 30_000),
        initial_silence_ms=values.get("MachineDetectionSilenceTimeout", 3500),
        greeting_ms=values.get("MachineDetectionSpeechThreshold", 3500),
        after_greeting_silence_ms=values.get("MachineDetectionSpeechEndThreshold", 800),
        prompt_end_ms=values.get("MachineDetectionPromptEndTimeout", 5000),
    )


def _record(values: Mapping[str, Any]) -> RecordOrder | None:
    if not values.get("Record", False):
        return None
    return record_order(
        channels="dual" if values.get("RecordingChannels") == "dual" else "single",
        format="mp3",
        track=values.get("RecordingTrack", "both"),
        max_seconds=0,
        silence_seconds=values.get("RecordingTimeout", 0),
        trim=values.get("Trim", "trim-silence") == "trim-silence",
        file_name=None,
    )

"""Request and response bodies of Telnyx Call Control. Pure.

Source: operation DialCall and the command schemas of Telnyx's OpenAPI document, as typed in the telnyx package
4.189 (`types/call_dial_params.py`, `types/calls/action_hangup_params.py`).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec

from simulator.addresses import is_url
from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.identifiers import CallIds
from simulator.telnyx.media.options import (
    LEGS,
    MODES,
    OTHER_CODECS,
    TRACKS,
    Legs,
    Mode,
    StreamOptions,
    Track,
    codec_name,
)

_E164: Final = re.compile(r"\+[1-9]\d{6,14}")
_HEADER_VALUE: Final = re.compile(r"[\x21-\x7e]+")
_CALL_CONTROL_ID: Final = re.compile(r"v[23]:[A-Za-z0-9_-]{20,80}")

_HONOURED: Final = re.compile(
    r"connection_id|to|from|client_state|command_id|timeout_secs|time_limit_secs|webhook_url(_method)?|"
    r"stream_(url|track|codec|auth_token|bidirectional_(mode|codec|target_legs|sampling_rate))|"
    # These ask for what the simulated line does anyway.
    r"send_silence_when_idle|from_display_name|privacy"
)


@dataclass(frozen=True, slots=True)
class DialRequest:
    """A valid dial. `ignored` names the parameters that the simulated line has no use for."""

    connection_id: str
    to_number: str
    from_number: str
    client_state: str | None
    command_id: str | None
    timeout_secs: int
    time_limit_secs: int
    webhook_url: str | None
    stream: StreamOptions | None
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """What every call command may carry."""

    client_state: str | None
    command_id: str | None


def decode_object(body: bytes) -> dict[str, Any]:
    """A JSON object, or TelnyxError. An empty body is an empty object: Pipecat hangs up without a body."""
    if not body.strip():
        return {}
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TelnyxError(Code.INVALID_JSON, f"The request body is not valid JSON: {error}.") from None
    if not isinstance(decoded, dict):
        raise TelnyxError(Code.BAD_REQUEST, "The request body must be a JSON object.")
    return cast("dict[str, Any]", decoded)


def parse_dial(body: Mapping[str, Any]) -> DialRequest:
    """Validate a dial. Raises TelnyxError with the pointer of the first parameter at fault."""
    fields = _Fields(body)
    return DialRequest(
        connection_id=fields.required("connection_id"),
        to_number=_e164(_one(body.get("to")), "/to"),
        from_number=_e164(body.get("from"), "/from"),
        client_state=fields.base64("client_state"),
        command_id=fields.text("command_id", limit=255),
        timeout_secs=fields.integer("timeout_secs", 5, 600, 30),
        time_limit_secs=fields.integer("time_limit_secs", 30, 14_400, 14_400),
        webhook_url=_webhook_url(fields),
        stream=_stream(fields),
        ignored=tuple(sorted(key for key in body if body[key] is not None and not _HONOURED.fullmatch(key))),
    )


def parse_command(body: Mapping[str, Any]) -> Command:
    fields = _Fields(body)
    return Command(fields.base64("client_state"), fields.text("command_id", limit=255))


def check_call_control_id(call_control_id: str) -> None:
    if not _CALL_CONTROL_ID.fullmatch(call_control_id):
        raise TelnyxError(
            Code.INVALID_CALL_CONTROL_ID, "The call_control_id has not the form of a call control id."
        )


def is_e164(number: str) -> bool:
    return bool(_E164.fullmatch(number))


def call_resource(
    ids: CallIds,
    *,
    client_state: str | None,
    is_alive: bool,
    call_duration: int | None = None,
    start_time: str | None = None,
    end_time: str | None = None,
) -> dict[str, Any]:
    """`{"data": …}` of dial and retrieve. `call_duration` in seconds, times in ISO 8601."""
    data: dict[str, Any] = {
        "record_type": "call",
        "call_control_id": ids.call_control_id,
        "call_leg_id": ids.call_leg_id,
        "call_session_id": ids.call_session_id,
        "is_alive": is_alive,
    }
    optional = {
        "client_state": client_state,
        "call_duration": call_duration,
        "start_time": start_time,
        "end_time": end_time,
    }
    data.update((key, value) for key, value in optional.items() if value is not None)
    return {"data": data}


COMMAND_ACCEPTED: Final[dict[str, Any]] = {"data": {"result": "ok"}}


class _Fields:
    """Typed reads of one request body."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body

    def text(self, name: str, limit: int = 4000) -> str | None:
        value = self._body.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise TelnyxError(Code.INVALID_TYPE, f"The {name} parameter must be a string.", f"/{name}")
        if len(value) > limit:
            raise TelnyxError(
                Code.OUT_OF_RANGE, f"The {name} parameter is longer than {limit} characters.", f"/{name}"
            )
        return value

    def required(self, name: str) -> str:
        value = self.text(name, limit=255)
        if not value:
            raise TelnyxError(Code.MISSING_PARAMETER, f"The {name} parameter is required.", f"/{name}")
        return value

    def base64(self, name: str) -> str | None:
        value = self.text(name)
        if value is not None:
            try:
                base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError):
                detail = f"The {name} parameter must be base64 encoded."
                raise TelnyxError(Code.CLIENT_STATE_NOT_BASE64, detail, f"/{name}") from None
        return value

    def integer(self, name: str, least: int, most: int, default: int) -> int:
        value = self._body.get(name)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            raise TelnyxError(Code.INVALID_TYPE, f"The {name} parameter must be an integer.", f"/{name}")
        if not least <= value <= most:
            detail = f"The {name} parameter must be between {least} and {most}."
            raise TelnyxError(Code.OUT_OF_RANGE, detail, f"/{name}")
        return value

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        value = self.text(name)
        if value is None:
            return default
        if value not in choices:
            detail = f"The {name} parameter must be one of {', '.join(choices)}."
            raise TelnyxError(Code.INVALID_ENUM, detail, f"/{name}")
        return value


def _one(value: object) -> object:
    """Telnyx rings several destinations at once; the simulated exchange rings one."""
    if isinstance(value, list):
        several = cast("list[object]", value)
        if len(several) != 1:
            raise TelnyxError(Code.INVALID_VALUE, "The simulator dials exactly one destination at a time.", "/to")
        return several[0]
    return value


def _e164(value: object, pointer: str) -> str:
    name = pointer.removeprefix("/")
    if value is None or value == "":
        raise TelnyxError(Code.MISSING_PARAMETER, f"The {name} parameter is required.", pointer)
    if not isinstance(value, str):
        raise TelnyxError(Code.INVALID_TYPE, f"The {name} parameter must be a string.", pointer)
    if not is_e164(value):
        detail = f"The {name} parameter must be a phone number in +E164 format; SIP addresses are not simulated."
        raise TelnyxError(Code.NOT_E164, detail, pointer)
    return value


def _webhook_url(fields: _Fields) -> str | None:
    url = fields.text("webhook_url", limit=2000)
    if url is not None and not is_url(url, ("http", "https")):
        raise TelnyxError(
            Code.INVALID_VALUE, "The webhook_url parameter must be an http(s) address.", "/webhook_url"
        )
    if fields.choice("webhook_url_method", ("POST", "GET"), "POST") == "GET":
        detail = "The simulator delivers webhooks by POST only."
        raise TelnyxError(Code.INVALID_VALUE, detail, "/webhook_url_method")
    return url


def _stream(fields: _Fields) -> StreamOptions | None:
    track = fields.choice("stream_track", TRACKS, "inbound_track")
    mode = fields.choice("stream_bidirectional_mode", MODES, "mp3")
    legs = fields.choice("stream_bidirectional_target_legs", LEGS, "opposite")
    codec = fields.choice("stream_codec", ("PCMU", "PCMA", *OTHER_CODECS, "default"), "default")
    send_codec = fields.choice("stream_bidirectional_codec", ("PCMU", "PCMA", *OTHER_CODECS), "PCMU")
    for name, value in (("stream_codec", codec), ("stream_bidirectional_codec", send_codec)):
        if value in OTHER_CODECS:
            detail = f"The simulated line carries PCMU and PCMA only, not {value}."
            raise TelnyxError(Code.INVALID_VALUE, detail, f"/{name}")
    rate = fields.integer("stream_bidirectional_sampling_rate", 8000, 48_000, 8000)
    if rate != 8000:
        detail = "The simulated line runs at 8000 Hz only."
        raise TelnyxError(Code.INVALID_VALUE, detail, "/stream_bidirectional_sampling_rate")
    auth_token = fields.text("stream_auth_token")
    if auth_token is not None and not _HEADER_VALUE.fullmatch(auth_token):
        detail = "The stream_auth_token parameter must be printable ASCII: it is sent as a header."
        raise TelnyxError(Code.INVALID_VALUE, detail, "/stream_auth_token")
    url = fields.text("stream_url", limit=2000)
    if url is None:
        return None
    if not is_url(url, ("ws", "wss")):
        raise TelnyxError(Code.INVALID_VALUE, "The stream_url parameter must be a ws(s) address.", "/stream_url")
    return StreamOptions(
        url=url,
        track=cast("Track", track),
        codec=codec_name(codec),
        mode=cast("Mode", mode),
        send_codec=codec_name(send_codec) or "PCMU",
        target_legs=cast("Legs", legs),
        auth_token=auth_token,
    )

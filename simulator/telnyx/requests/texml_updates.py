"""What TeXML's REST paths do to a call that is there: update, Streams.json, Recordings.json, Siprec.json. Pure.

Source: the TeXML REST schemas of Telnyx's OpenAPI document, as typed in the telnyx package 4.189 (`types/texml`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from simulator.telnyx.errors import Code
from simulator.telnyx.media.options import MODES, TRACKS, Codec, Mode, StreamOptions, Track
from simulator.telnyx.requests.fields import Address, Choice, Flag, Object, Text, Whole
from simulator.telnyx.requests.recording import RecordOrder, record_order
from simulator.telnyx.requests.rules import exclusive
from simulator.telnyx.requests.texml_callbacks import (
    METHOD,
    RECORDING_CALLBACK_KINDS,
    CallbackRules,
    recording_callback,
)

Method = Literal["GET", "POST"]

UPDATE: Final = Object(
    {
        "Status": Choice("completed", "canceled"),
        "Url": Address(),
        "Method": METHOD,
        "FallbackUrl": Address(),
        "FallbackMethod": METHOD,
        "StatusCallback": Address(),
        "StatusCallbackMethod": METHOD,
        "Texml": Text(limit=64 * 1024),
    },
    rules=(exclusive("Url", "Texml"),),
)
"""`POST …/Calls/{call_sid}`."""
STREAM: Final = Object(
    {
        "Url": Address(("ws", "wss"), code=Code.INVALID_VALUE),
        "Name": Text(limit=255),
        "Track": Choice(*TRACKS),
        "BidirectionalMode": Choice(*MODES),
        "BidirectionalCodec": Choice("PCMU", "PCMA", "G722"),
        "StatusCallback": Address(),
        "StatusCallbackMethod": METHOD,
    },
    required=("Url",),
)
"""`POST …/Streams.json`."""
STREAM_UPDATE: Final = Object({"Status": Choice("stopped")}, required=("Status",))
"""`POST …/Streams/{streaming_sid}.json`."""
RECORDING: Final = Object(
    {
        "PlayBeep": Flag(),
        "RecordingChannels": Choice("single", "dual"),
        "RecordingTrack": Choice("inbound", "outbound", "both"),
        "SendRecordingUrl": Flag(),
        **RECORDING_CALLBACK_KINDS,
    }
)
"""`POST …/Recordings.json`."""
RECORDING_UPDATE: Final = Object({"Status": Choice("in-progress", "paused", "stopped")}, required=("Status",))
"""`POST …/Recordings/{recording_sid}.json`."""
SIPREC: Final = Object(
    {
        "ConnectorName": Text(),
        "IncludeMetadataCustomHeaders": Flag(),
        "Name": Text(),
        "Secure": Flag(),
        "SessionTimeoutSecs": Whole(0),
        "SipTransport": Choice("udp", "tcp", "tls"),
        "StatusCallback": Address(),
        "StatusCallbackMethod": METHOD,
        "Track": Choice("both_tracks", "inbound_track", "outbound_track"),
    }
)
"""`POST …/Siprec.json`."""


@dataclass(frozen=True, slots=True)
class TexmlUpdate:
    """`ends` the call, or makes it run the document at `url` or in `texml`, or changes its callback only."""

    ends: bool = False
    url: str | None = None
    method: Method = "POST"
    fallback_url: str | None = None
    fallback_method: Method = "POST"
    texml: str | None = None
    status_callback: str | None = None
    status_callback_method: Method = "POST"


@dataclass(frozen=True, slots=True)
class TexmlRecording:
    order: RecordOrder
    callback: CallbackRules = field(default_factory=CallbackRules)
    send_url: bool = True


def parse_update(body: Mapping[str, Any]) -> TexmlUpdate:
    """Raises TelnyxError."""
    values = UPDATE.read(body)
    return TexmlUpdate(
        ends="Status" in values,
        url=values.get("Url"),
        method=values.get("Method", "POST"),
        fallback_url=values.get("FallbackUrl"),
        fallback_method=values.get("FallbackMethod", "POST"),
        texml=values.get("Texml"),
        status_callback=values.get("StatusCallback"),
        status_callback_method=values.get("StatusCallbackMethod", "POST"),
    )


def parse_stream(body: Mapping[str, Any]) -> StreamOptions:
    """Raises TelnyxError."""
    values = STREAM.read(body)
    return StreamOptions(
        url=values["Url"],
        track=cast("Track", values.get("Track", "inbound_track")),
        mode=cast("Mode", values.get("BidirectionalMode", "mp3")),
        send_codec=cast("Codec", values.get("BidirectionalCodec", "PCMU")),
        target_legs="self",
        name=values.get("Name", ""),
        status_callback=values.get("StatusCallback"),
        status_callback_method=values.get("StatusCallbackMethod", "POST"),
    )


def parse_stream_update(body: Mapping[str, Any]) -> None:
    """A stream can only be stopped. Raises TelnyxError."""
    STREAM_UPDATE.read(body)


def parse_recording(body: Mapping[str, Any]) -> TexmlRecording:
    """Raises TelnyxError."""
    values = RECORDING.read(body)
    return TexmlRecording(
        record_order(
            channels=values.get("RecordingChannels", "dual"),
            format="mp3",
            track=values.get("RecordingTrack", "both"),
            max_seconds=0,
            silence_seconds=0,
            trim=False,
            file_name=None,
            play_beep=values.get("PlayBeep", True),
        ),
        recording_callback(values),
        values.get("SendRecordingUrl", True),
    )


def parse_recording_update(body: Mapping[str, Any]) -> Literal["in-progress", "paused", "stopped"]:
    """Raises TelnyxError."""
    return RECORDING_UPDATE.read(body)["Status"]

"""record_start, record_stop, record_pause, record_resume. Pure.

Source: the command schemas of Telnyx's OpenAPI document, as typed in the telnyx package 4.189; "API error codes".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.telnyx.errors import Code
from simulator.telnyx.requests import languages
from simulator.telnyx.requests.common import FILE_NAME, CommandSpec, command_table
from simulator.telnyx.requests.fields import Choice, Flag, Kind, Text, Whole
from simulator.telnyx.requests.recording import RecordOrder, record_order

_SPEAKERS: Final = Whole(0)
_HONOURED: Final[dict[str, Kind]] = {
    "channels": Choice("single", "dual", code=Code.RECORDING_CHANNELS),
    "format": Choice("wav", "mp3", code=Code.RECORDING_FORMAT),
    "custom_file_name": FILE_NAME,
    "max_length": Whole(0, 14_400),
    "play_beep": Flag(),
    "recording_track": Choice("both", "inbound", "outbound", code=Code.RECORDING_TRACK),
    "timeout_secs": Whole(0, code=Code.TIMEOUT_SECS),
    "trim": Choice("trim-silence"),
}
_TRANSCRIPTION: Final[dict[str, Kind]] = {
    "transcription": Flag(),
    "transcription_engine": Choice("A", "B", "deepgram/nova-3"),
    "transcription_language": Choice(*languages.RECORDED),
    "transcription_max_speaker_count": _SPEAKERS,
    "transcription_min_speaker_count": _SPEAKERS,
    "transcription_profanity_filter": Flag(),
    "transcription_speaker_diarization": Flag(),
}
_WHICH: Final = {"recording_id": Text(limit=255)}


@dataclass(frozen=True, slots=True)
class StopRecording:
    """`recording_id` None: the recording there is."""

    recording_id: str | None = None


@dataclass(frozen=True, slots=True)
class PauseRecording:
    recording_id: str | None = None


@dataclass(frozen=True, slots=True)
class ResumeRecording:
    recording_id: str | None = None


def _record_start(values: Mapping[str, Any]) -> RecordOrder:
    return record_order(
        channels=values["channels"],
        format=values["format"],
        track=values.get("recording_track", "both"),
        max_seconds=values.get("max_length", 0),
        silence_seconds=values.get("timeout_secs", 0),
        trim="trim" in values,
        file_name=values.get("custom_file_name"),
        play_beep=values.get("play_beep", False),
    )


RECORDING_COMMANDS: Final[
    dict[str, CommandSpec[RecordOrder | StopRecording | PauseRecording | ResumeRecording]]
] = {
    "record_start": CommandSpec(
        command_table({**_HONOURED, **_TRANSCRIPTION}, required=("channels", "format")),
        _record_start,
        frozenset(_HONOURED),
    ),
    "record_stop": CommandSpec(
        command_table(_WHICH), lambda values: StopRecording(values.get("recording_id")), frozenset(_WHICH)
    ),
    "record_pause": CommandSpec(
        command_table(_WHICH), lambda values: PauseRecording(values.get("recording_id")), frozenset(_WHICH)
    ),
    "record_resume": CommandSpec(
        command_table(_WHICH), lambda values: ResumeRecording(values.get("recording_id")), frozenset(_WHICH)
    ),
}

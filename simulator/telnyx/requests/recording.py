"""The `record` parameters that dial, answer, bridge and transfer share, and record_start's own. Pure.

Source: operations DialCall and StartCallRecord of Telnyx's OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.telnyx.call_rules import RecordRules
from simulator.telnyx.errors import Code
from simulator.telnyx.requests.common import FILE_NAME
from simulator.telnyx.requests.fields import Choice, Kind, Whole

RECORD_KINDS: Final[dict[str, Kind]] = {
    "record": Choice("record-from-answer"),
    "record_channels": Choice("single", "dual"),
    "record_custom_file_name": FILE_NAME,
    "record_format": Choice("wav", "mp3"),
    "record_max_length": Whole(0, 43_200),
    "record_timeout_secs": Whole(0, code=Code.RECORD_TIMEOUT),
    "record_track": Choice("both", "inbound", "outbound"),
    "record_trim": Choice("trim-silence"),
}


@dataclass(frozen=True, slots=True)
class RecordOrder:
    """`file_name` None: the call leg's id; Telnyx adds the time to either."""

    rules: RecordRules
    file_name: str | None = None


def record_from_answer(values: Mapping[str, Any]) -> RecordOrder | None:
    """What checked `record_…` parameters ask for; None without `record`."""
    if "record" not in values:
        return None
    return record_order(
        channels=values.get("record_channels", "dual"),
        format=values.get("record_format", "mp3"),
        track=values.get("record_track", "both"),
        max_seconds=values.get("record_max_length", 0),
        silence_seconds=values.get("record_timeout_secs", 0),
        trim="record_trim" in values,
        file_name=values.get("record_custom_file_name"),
    )


def record_order(
    *,
    channels: Any,
    format: Any,
    track: Any,
    max_seconds: int,
    silence_seconds: int,
    trim: bool,
    file_name: str | None,
    play_beep: bool = False,
) -> RecordOrder:
    rules = RecordRules(
        # A single track is one channel whatever was asked for.
        channels="single" if track != "both" else channels,
        format=format,
        track=track,
        max_seconds=max_seconds,
        silence_seconds=silence_seconds,
        play_beep=play_beep,
        trim_silence=trim,
    )
    return RecordOrder(rules, file_name)

"""`Record`, and `Recording` in `Start`. Pure.

Source: Telnyx, TeXML pages of `Record` and `Recording`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from simulator.telnyx.call_rules import RecordRules
from simulator.telnyx.routing import COMPLETED, Callback
from simulator.telnyx.texml.elements import Element, Reading
from simulator.telnyx.texml.kinds import METHOD, Address, Choice, Flag, Free, Keys, Tokens, Whole
from simulator.telnyx.texml.tree import Node
from simulator.telnyx.texml.verbs import Action, Record, StartRecording

_ALL_KEYS: Final = "1234567890*#"

_RECORD: Final = Element(
    counts={
        "action": Address(),
        "method": METHOD,
        "maxLength": Whole(0, 14_400, "seconds"),
        "timeout": Whole(0, unit="seconds"),
        "finishOnKey": Keys(),
        "playBeep": Flag(),
        "channels": Choice("single", "dual"),
        "format": Choice("mp3", "wav"),
        "trim": Choice("trim-silence", "do-not-trim"),
        "recordingStatusCallback": Address(),
        "recordingStatusCallbackMethod": METHOD,
        "recordingStatusCallbackEvent": Tokens(("in-progress", "completed", "absent")),
    },
    passed_over={
        "transcription": Flag(),
        "transcriptionCallback": Address(),
        "transcriptionEngine": Choice("A", "B", "Deepgram", any_case=True),
        "transcriptionModel": Free(),
        "transcriptionLanguage": Free(),
    },
    may_be_empty=("finishOnKey",),
)
_RECORDING: Final = Element(
    counts={
        "channels": Choice("mono", "single", "dual"),
        "track": Choice("inbound", "outbound", "both"),
        "trim": Choice("trim-silence", "do-not-trim"),
        "format": Choice("mp3", "wav"),
        "recordingStatusCallback": Address(),
        "recordingStatusCallbackMethod": METHOD,
        "recordingStatusCallbackEvent": Tokens(("in-progress", "completed", "absent")),
    },
)


def record(node: Node, reading: Reading) -> Iterator[Record]:
    given = reading.attributes(node, _RECORD)
    for _ in reading.children(node, _RECORD):
        pass
    if node.attributes.get("transcription") == "true":
        reading.notes.add(node.line, "The simulator does not transcribe a <Record>.")
    rules = RecordRules(
        channels=given.get("channels", "dual"),
        format=given.get("format", "mp3"),
        max_seconds=given.get("maxLength", 3600),
        silence_seconds=given.get("timeout", 0),
        finish_on_key=given.get("finishOnKey", _ALL_KEYS),
        play_beep=given.get("playBeep", True),
        trim_silence=given.get("trim") == "trim-silence",
        callback=recording_callback(given),
    )
    yield Record(rules, action(given))


def start_recording(node: Node, reading: Reading) -> StartRecording:
    given = reading.attributes(node, _RECORDING)
    for _ in reading.children(node, _RECORDING):
        pass
    return StartRecording(
        RecordRules(
            channels="dual" if given.get("channels", "dual") == "dual" else "single",
            format=given.get("format", "mp3"),
            track=given.get("track", "both"),
            trim_silence=given.get("trim") == "trim-silence",
            callback=recording_callback(given),
        )
    )


def recording_callback(given: dict[str, Any]) -> Callback | None:
    """The `recordingStatusCallback` among attributes that were given."""
    url = given.get("recordingStatusCallback")
    if url is None:
        return None
    events = given.get("recordingStatusCallbackEvent", COMPLETED)
    return Callback(url, given.get("recordingStatusCallbackMethod", "POST"), events)


def action(given: dict[str, Any]) -> Action | None:
    """The `action` among attributes that were given."""
    url = given.get("action")
    return None if url is None else Action(url, given.get("method", "POST"))

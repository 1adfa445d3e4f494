"""Payloads of the Call Control events about speech, playback, keys, recordings and streams. Pure.

Source: webhook schemas of Telnyx's OpenAPI document; production bodies add `speak_id`, `playback_id` and, to
`call.recording.saved`, `recording_id` and `format`.
"""

from __future__ import annotations

from typing import Any, Final

from simulator.telnyx.facts import CallFacts
from simulator.telnyx.happenings import (
    GatherEnded,
    PlaybackEnded,
    PlaybackStarted,
    RecordingFailed,
    RecordingSaved,
    SpeakEnded,
    StreamFailed,
    Transcribed,
)
from simulator.telnyx.identifiers import timestamp
from simulator.telnyx.webhooks.control_parts import ids, parties

_RECORDING_ERRORS: Final = (
    "Failed to authorize with storage using custom credentials",
    "Invalid credentials json",
    "Unsupported backend",
    "Internal server error",
)


def speak_ended(facts: CallFacts, ended: SpeakEnded) -> dict[str, Any]:
    """The schema knows no `cancelled`: speech that a command stopped is `completed`."""
    status = "completed" if ended.status == "cancelled" else ended.status
    return ids(facts) | {"speak_id": ended.speak_id, "status": status}


def playback(facts: CallFacts, what: PlaybackStarted | PlaybackEnded) -> dict[str, Any]:
    payload = ids(facts) | {"overlay": what.overlay, "playback_id": what.playback_id}
    if what.media_url is not None:
        payload["media_url"] = what.media_url
    if what.media_name is not None:
        payload["media_name"] = what.media_name
    return payload


def playback_ended(facts: CallFacts, ended: PlaybackEnded) -> dict[str, Any]:
    payload = playback(facts, ended) | {"status": ended.status}
    return payload | {"status_detail": ended.detail} if ended.detail else payload


def gather_ended(facts: CallFacts, ended: GatherEnded) -> dict[str, Any]:
    payload = parties(facts) | {"digits": ended.digits, "status": ended.status}
    return payload if ended.gather_id is None else payload | {"gather_id": ended.gather_id}


def recording_saved(facts: CallFacts, saved: RecordingSaved) -> dict[str, Any]:
    """Public addresses exist only for accounts that asked for them."""
    payload = ids(facts) | {
        "channels": saved.channels,
        "public_recording_urls": {},
        "recording_ended_at": timestamp(saved.ended_at),
        "recording_id": saved.recording_id,
        "recording_started_at": timestamp(saved.started_at),
        "recording_urls": dict(saved.urls),
    }
    return payload | {"format": next(iter(saved.urls))} if saved.urls else payload


def recording_failed(facts: CallFacts, failed: RecordingFailed) -> dict[str, Any]:
    """`reason` is one of four sentences; any other reason is Telnyx's fault."""
    reason = failed.reason if failed.reason in _RECORDING_ERRORS else _RECORDING_ERRORS[-1]
    return ids(facts) | {"reason": reason}


def streaming_failed(facts: CallFacts, failed: StreamFailed) -> dict[str, Any]:
    """The schema calls the inner field `track`, a newer page of the docs `stream_track`: both are sent."""
    stream = failed.stream
    return ids(facts) | {
        "failure_reason": "connection_failed",
        "stream_id": failed.stream_id,
        "stream_params": {"stream_url": stream.url, "track": stream.track, "stream_track": stream.track},
        "stream_type": "websocket",
    }


def transcribed(facts: CallFacts, heard: Transcribed) -> dict[str, Any]:
    return ids(facts) | {
        "transcription_data": {
            "confidence": heard.confidence,
            "is_final": heard.is_final,
            "transcript": heard.transcript,
            "transcription_track": heard.track,
        }
    }

"""The event type and payload of what happens to a Call Control leg. Pure.

Source: webhook schemas of Telnyx's OpenAPI document, and production bodies of September and November 2025: these
add `codec`, `sampling_rate`, `end_time` and the SIP addresses, give `start_time` and the codecs of
`call.initiated` to incoming calls only, and carry no `state` in `call.answered` and `call.hangup`, where the
schema has it optional.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from simulator.telnyx.facts import CallFacts
from simulator.telnyx.happenings import (
    Answered,
    Bridged,
    Charged,
    Dtmf,
    GatherEnded,
    GreetingEnded,
    Happening,
    HungUp,
    Initiated,
    LineStats,
    MachineDetected,
    PlaybackEnded,
    PlaybackStarted,
    RecordingFailed,
    RecordingSaved,
    RecordingStarted,
    Referred,
    Ringing,
    SpeakEnded,
    SpeakStarted,
    StreamFailed,
    StreamStarted,
    StreamStopped,
    Transcribed,
)
from simulator.telnyx.identifiers import timestamp
from simulator.telnyx.webhooks import control_media, cost
from simulator.telnyx.webhooks.control_parts import extras, ids, parties, sip_uri, started

_CONNECTION_CODECS: Final = "PCMU,PCMA,G722,OPUS"

Told = tuple[str, dict[str, Any]]


def payload(facts: CallFacts, happening: Happening, at: datetime) -> Told | None:
    """Event type and payload, or None for what Call Control does not tell. `at` is when it happened."""
    match happening:
        case Initiated():
            return "call.initiated", _initiated(facts)
        case Ringing() | RecordingStarted():
            return None
        case Answered():
            return "call.answered", _answered(facts, happening)
        case Bridged():
            return "call.bridged", started(facts)
        case HungUp():
            return "call.hangup", _hangup(facts, happening)
        case Charged():
            return "call.cost", cost.payload(facts, happening, at)
        case StreamStarted():
            return "streaming.started", ids(facts) | {"stream_url": happening.stream.url}
        case StreamStopped():
            return "streaming.stopped", ids(facts) | {"stream_url": happening.stream.url}
        case StreamFailed():
            return "streaming.failed", control_media.streaming_failed(facts, happening)
        case Dtmf():
            return "call.dtmf.received", parties(facts) | {"digit": happening.digit}
        case _:
            return _media(facts, happening)


def _media(
    facts: CallFacts,
    happening: SpeakStarted
    | SpeakEnded
    | PlaybackStarted
    | PlaybackEnded
    | GatherEnded
    | RecordingSaved
    | RecordingFailed
    | MachineDetected
    | GreetingEnded
    | Transcribed
    | Referred,
) -> Told:
    match happening:
        case SpeakStarted():
            return "call.speak.started", ids(facts) | {"speak_id": happening.speak_id}
        case SpeakEnded():
            return "call.speak.ended", control_media.speak_ended(facts, happening)
        case PlaybackStarted():
            return "call.playback.started", control_media.playback(facts, happening)
        case PlaybackEnded():
            return "call.playback.ended", control_media.playback_ended(facts, happening)
        case GatherEnded():
            return "call.gather.ended", control_media.gather_ended(facts, happening)
        case RecordingSaved():
            return "call.recording.saved", control_media.recording_saved(facts, happening)
        case RecordingFailed():
            return "call.recording.error", control_media.recording_failed(facts, happening)
        case MachineDetected():
            kind = "premium.detection" if happening.premium else "detection"
            return f"call.machine.{kind}.ended", parties(facts) | {"result": happening.result}
        case GreetingEnded():
            kind = "premium.greeting" if happening.premium else "greeting"
            return f"call.machine.{kind}.ended", parties(facts) | {"result": happening.result}
        case Transcribed():
            return "call.transcription", control_media.transcribed(facts, happening)
        case Referred():
            referred = parties(facts) | {"to": happening.to, "sip_notify_response": happening.sip}
            return f"call.refer.{happening.status}", referred


def quality_stats(stats: LineStats) -> dict[str, Any]:
    """Every figure is a string. The mean opinion score follows from the share of lost packets by the E-model."""
    expected = stats.received + stats.lost
    rating = 100.0 - (100.0 * stats.lost / expected if expected > 0 else 0.0)
    score = 1 + 0.035 * rating + 7e-6 * rating * (rating - 60) * (100 - rating)
    return {
        "inbound": {
            "jitter_max_variance": f"{stats.jitter_ms:.2f}",
            "jitter_packet_count": str(stats.late),
            "mos": f"{max(score, 1.0):.2f}",
            "packet_count": str(stats.received),
            "skip_packet_count": str(stats.lost),
        },
        "outbound": {"packet_count": str(stats.sent), "skip_packet_count": "0"},
    }


def _initiated(facts: CallFacts) -> dict[str, Any]:
    """`state` is `bridging` for a dialled call and `parked` for an incoming one."""
    payload = parties(facts) | {
        "direction": facts.direction,
        "from_sip_uri": sip_uri(facts.from_number),
        "state": "bridging" if facts.direction == "outgoing" else "parked",
        "to_sip_uri": sip_uri(facts.to_number),
    }
    if facts.direction == "incoming":
        payload |= {
            "caller_id_name": facts.from_number,
            "connection_codecs": _CONNECTION_CODECS,
            "offered_codecs": facts.codec,
            "start_time": timestamp(facts.started_at),
        }
    if facts.caller_name is not None:
        payload["caller_id_name"] = facts.caller_name
    return payload | extras(facts)


def _answered(facts: CallFacts, answered: Answered) -> dict[str, Any]:
    payload = started(facts) | {"codec": facts.codec, "sampling_rate": facts.sampling_rate} | extras(facts)
    if answered.stream is not None:
        payload |= {"stream_url": answered.stream.url, "stream_track": answered.stream.track}
    return payload


def _hangup(facts: CallFacts, end: HungUp) -> dict[str, Any]:
    """A leg that was never answered has no quality statistics."""
    return (
        started(facts)
        | {
            "call_quality_stats": None if end.answered_at is None else quality_stats(end.stats),
            "end_time": timestamp(end.ended_at),
            "hangup_cause": end.hangup.cause,
            "hangup_source": end.hangup.source,
            "sip_hangup_cause": end.hangup.sip,
        }
        | extras(facts)
    )

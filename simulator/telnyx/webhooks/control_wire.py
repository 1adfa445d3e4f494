"""Bodies of Call Control webhooks. Pure.

Source: webhook schemas of Telnyx's OpenAPI document, and production bodies of November 2025, which add
`calling_party_type`, `client_state: null`, `codec`, `sampling_rate`, `end_time` and the SIP addresses, and which
carry no `state` in `call.answered` and `call.hangup`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from simulator.telnyx.facts import CallFacts, Hangup
from simulator.telnyx.identifiers import timestamp
from simulator.telnyx.media.options import StreamOptions


@dataclass(frozen=True, slots=True)
class Event:
    """One event on its way to `url`."""

    event_type: str
    id: str
    occurred_at: str
    payload: dict[str, Any]
    url: str

    def encode(self, attempt: int) -> bytes:
        """The request body; `attempt` counts deliveries from 1."""
        data = {
            "event_type": self.event_type,
            "id": self.id,
            "occurred_at": self.occurred_at,
            "payload": self.payload,
            "record_type": "event",
        }
        return msgspec.json.encode({"data": data, "meta": {"attempt": attempt, "delivered_to": self.url}})


def event(event_type: str, payload: dict[str, Any], url: str, occurred_at: datetime) -> Event:
    return Event(event_type, str(uuid.uuid4()), timestamp(occurred_at), payload, url)


def initiated(call: CallFacts) -> dict[str, Any]:
    """`state` is `bridging` for a dialled call and `parked` for an incoming one."""
    return _ids(call) | {
        "connection_codecs": "PCMU,PCMA",
        "direction": call.direction,
        "from": call.from_number,
        "from_sip_uri": sip_uri(call.from_number),
        "offered_codecs": call.codec,
        "start_time": timestamp(call.started_at),
        "state": "bridging" if call.direction == "outgoing" else "parked",
        "to": call.to_number,
        "to_sip_uri": sip_uri(call.to_number),
    }


def answered(call: CallFacts) -> dict[str, Any]:
    return _ids(call) | {
        "codec": call.codec,
        "from": call.from_number,
        "sampling_rate": 8000,
        "start_time": timestamp(call.started_at),
        "to": call.to_number,
    }


def streaming(call: CallFacts, stream: StreamOptions) -> dict[str, Any]:
    """Payload of `streaming.started` and `streaming.stopped`."""
    return _ids(call) | {"stream_url": stream.url}


def streaming_failed(call: CallFacts, stream: StreamOptions, stream_id: str) -> dict[str, Any]:
    """The schema calls the inner field `track`, a newer page of the docs `stream_track`: both are sent."""
    params = {"stream_url": stream.url, "track": stream.track, "stream_track": stream.track}
    return _ids(call) | {
        "failure_reason": "connection_failed",
        "stream_id": stream_id,
        "stream_params": params,
        "stream_type": "websocket",
    }


def hangup(call: CallFacts, end: Hangup, ended_at: datetime, received: int, sent: int) -> dict[str, Any]:
    """`received` and `sent` are packets of 20 ms from and to the telephone."""
    stats = {
        "inbound": {
            "jitter_max_variance": "0.00",
            "jitter_packet_count": "0",
            "mos": "4.50",
            "packet_count": str(received),
            "skip_packet_count": "0",
        },
        "outbound": {"packet_count": str(sent), "skip_packet_count": "0"},
    }
    return _ids(call) | {
        "call_quality_stats": stats,
        "end_time": timestamp(ended_at),
        "from": call.from_number,
        "hangup_cause": end.cause,
        "hangup_source": end.source,
        "sip_hangup_cause": end.sip,
        "start_time": timestamp(call.started_at),
        "to": call.to_number,
    }


def sip_uri(number: str) -> str:
    """An address of the range kept for documentation (RFC 5737)."""
    return f"{number}@192.0.2.10:5060"


def _ids(call: CallFacts) -> dict[str, Any]:
    return {
        "call_control_id": call.ids.call_control_id,
        "call_leg_id": call.ids.call_leg_id,
        "call_session_id": call.ids.call_session_id,
        "calling_party_type": "pstn",
        "client_state": call.client_state,
        "connection_id": call.connection_id,
    }

"""What the payloads of Call Control events have in common. Pure.

Source: webhook schemas of Telnyx's OpenAPI document, and production bodies of September and November 2025, which
add `calling_party_type` and, when there is no client state, `client_state: null`.
"""

from __future__ import annotations

from typing import Any

from simulator.telnyx.facts import CallFacts, Header
from simulator.telnyx.identifiers import timestamp


def ids(facts: CallFacts) -> dict[str, Any]:
    return {
        "call_control_id": facts.ids.call_control_id,
        "call_leg_id": facts.ids.call_leg_id,
        "call_session_id": facts.ids.call_session_id,
        "calling_party_type": calling_party_type(facts),
        "client_state": facts.client_state,
        "connection_id": facts.connection_id,
    }


def parties(facts: CallFacts) -> dict[str, Any]:
    return ids(facts) | {"from": facts.from_number, "to": facts.to_number}


def started(facts: CallFacts) -> dict[str, Any]:
    return parties(facts) | {"start_time": timestamp(facts.started_at)}


def extras(facts: CallFacts) -> dict[str, Any]:
    """Headers and tags of `call.initiated`, `call.answered` and `call.hangup`, where there are any."""
    present: dict[str, Any] = {}
    if facts.custom_headers:
        present["custom_headers"] = _headers(facts.custom_headers)
    if facts.sip_headers:
        present["sip_headers"] = _headers(facts.sip_headers)
    if facts.tags:
        present["tags"] = list(facts.tags)
    return present


def calling_party_type(facts: CallFacts) -> str:
    return "sip" if "@" in facts.from_number else "pstn"


def sip_uri(number: str) -> str:
    """A SIP address as it is; a number at an address of the range kept for documentation (RFC 5737)."""
    return number.removeprefix("sip:") if "@" in number else f"{number}@192.0.2.10:5060"


def _headers(headers: tuple[Header, ...]) -> list[dict[str, str]]:
    return [{"name": header.name, "value": header.value} for header in headers]

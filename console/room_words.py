"""LiveKit rooms and the worker that takes calls there, in words."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from agent import api, events
from agent.call_state import CallState
from agent.events import Event
from console import words

_NAMES = {
    "callStatus": "status",
    "phoneNumber": "number",
    "trunkPhoneNumber": "trunk number",
    "hostname": "host",
    "trunkID": "trunk",
    "ruleID": "rule",
    "callID": "SIP call",
    "callIDFull": "Call-ID",
    "callTag": "tag",
    "telnyx.callLegID": "Telnyx leg",
    "telnyx.callSessionID": "Telnyx session",
}
"""What livekit-sip tells of a call, the most telling first (livekit/protocol ``livekit/attrs.go``)."""
_KINDS = {"sip": "caller", "agent": "agent", "operator": "operator", "other": "somebody"}
_BY_ITSELF = ("", "client_initiated")


def line(state: CallState) -> str:
    """What carries the call: ``room`` or ``telnyx``."""
    return "room" if state.line == "livekit" else state.line


def where(url: str) -> str:
    """A server's address without what everybody knows of it."""
    return urlsplit(url).netloc or url


def percent(share: float) -> str:
    return f"{round(share * 100)} %"


def describe(event: Event) -> tuple[str, bool] | None:
    """The event in a few words, and whether it tells of something that went wrong; None for other events."""
    match event:
        case events.RoomOpened():
            by = "".join(
                f", {name} {value}" for name, value in (("trunk", event.trunk), ("rule", event.rule)) if value
            )
            return f"opened {event.room} on {where(event.url)}{by}", False
        case events.RoomSip():
            number = event.attributes.get("phoneNumber", "")
            return f"sip {event.status} {number}".rstrip(), False
        case events.RoomParticipant():
            who = _who(event.kind, event.identity)
            why = "" if event.reason in _BY_ITSELF else f", {event.reason.replace('_', ' ')}"
            return f"{who} {'joined' if event.joined else 'left'}{why}", False
        case events.WorkerState():
            return _standing(event), event.state == "lost"
        case events.WorkerLoad():
            return (
                f"load {percent(event.load)} of {percent(event.limit)}, {event.jobs} of {event.most_jobs} jobs",
                False,
            )
        case events.WorkerRefused():
            return f"refused {event.room}: {event.reason}", True
        case _:
            return None


def _standing(event: events.WorkerState) -> str:
    at = f"{event.agent_name} at {where(event.url)}"
    match event.state:
        case "connecting":
            return f"connecting as {at}"
        case "registered":
            return f"registered as {at}"
        case "lost":
            return f"lost {where(event.url)}: {event.detail}" if event.detail else f"lost {where(event.url)}"
        case _:
            return f"{event.state}: {event.detail}" if event.detail else event.state


def worker(state: api.Worker) -> str:
    """The worker in one line."""
    at = f"as {state.agent_name} at {where(state.url)}"
    refused = f", {state.refused} refused" if state.refused else ""
    load = f", load {percent(state.load)} of {percent(state.limit)}, {state.jobs} live{refused}"
    match state.state:
        case "registered":
            return f"registered {at}{load}"
        case "lost":
            return f"not registered {at}: {state.detail or 'the server does not answer.'}"
        case _:
            return f"{state.state} {at}{refused}"


def _who(kind: str, identity: str) -> str:
    named = _KINDS.get(kind, kind)
    return identity if identity.startswith(named) else f"{named} {identity}"


def participants(state: CallState) -> str:
    """Who is in the call's room in sight: ``caller, agent, 2 operators, somebody kiosk-4``."""
    here = state.room.participants
    kinds = list(here.values())
    found = [_KINDS[kind] for kind in ("sip", "agent") if kind in kinds]
    if operators := kinds.count("operator"):
        found.append("operator" if operators == 1 else words.plural(operators, "operator"))
    found += [
        _who("other", identity) for identity, kind in here.items() if kind not in ("sip", "agent", "operator")
    ]
    return ", ".join(found)


def facts(state: CallState) -> Iterator[tuple[str, str]]:
    """What is known of the call's room and of its SIP leg, each with its name."""
    room = state.room
    told = dict(room.sip)
    told.setdefault("callStatus", room.sip_status)
    told.setdefault("trunkID", room.trunk)
    told.setdefault("ruleID", room.rule)
    yield "room", room.name
    yield "server", where(room.url)
    if state.live:
        yield "in the room", participants(state) or "nobody"
    for name, shown in _NAMES.items():
        if value := told.pop(name, ""):
            yield shown if state.live or name != "callStatus" else "last status", value
    if state.sip:
        yield "SIP status", state.sip
    for name, value in sorted(told.items()):
        if value:
            yield name.removeprefix("h."), value

"""A call's LiveKit room, folded from its events. Pure."""

from __future__ import annotations

import msgspec

from agent import events
from agent.events import Event


class Room(msgspec.Struct):
    """``name`` is empty for a call without a room. ``participants`` maps who is there to their kind, as
    :class:`agent.events.RoomParticipant` tells it; ``sip`` and ``sip_status`` are those of the last
    :class:`agent.events.RoomSip`."""

    name: str = ""
    url: str = ""
    agent_name: str = ""
    trunk: str = ""
    rule: str = ""
    caller: str = ""
    sip_status: str = ""
    sip: dict[str, str] = {}
    participants: dict[str, str] = {}


def step(room: Room, event: Event) -> None:
    """Fold an event into the room, in place."""
    match event:
        case events.RoomOpened():
            room.name, room.url, room.agent_name = event.room, event.url, event.agent_name
            room.trunk, room.rule = event.trunk, event.rule
        case events.RoomSip():
            room.caller, room.sip_status, room.sip = event.identity, event.status, event.attributes
        case events.RoomParticipant():
            if event.joined:
                room.participants[event.identity] = event.kind
            else:
                room.participants.pop(event.identity, None)
        case _:
            pass

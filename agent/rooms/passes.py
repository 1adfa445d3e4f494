"""Passes: tokens that let operators into the rooms of calls, and who holds one.

A pass is for one identity that nobody else has. Being an operator rests on that identity, which only this agent
gives out; the attribute is for other clients to see.
"""

from __future__ import annotations

import datetime
import secrets
import time
from dataclasses import dataclass
from typing import Final, Literal

from livekit import api

from agent.api import RoomPass
from agent.limits import Refused
from agent.settings import Rooms

ATTRIBUTE: Final = "sidetone.operator"
VALID_S: Final = 60
"""A pass opens a connection so long; the connection itself may last."""
_MOST_KEPT: Final = 4_000

To = Literal["listen", "speak"]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who a pass was given to; ``until`` is the monotonic time in seconds at which it opens nothing more."""

    room: str
    who: str
    to: To
    until: float


class Passes:
    """All passes that were given out and may still be in use."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._holders: dict[str, Holder] = {}

    def give(self, room: str, to: To, who: str, caller: str, agent: str) -> RoomPass:
        """Let ``who`` into the room: to listen hidden, without publishing anything, or to speak in sight of all,
        with a microphone and nothing else.

        Raises:
            Refused: too many passes were given out. None is forgotten before its room is over: nobody would know
                who came with it.
        """
        if len(self._holders) >= _MOST_KEPT:
            raise Refused(f"{_MOST_KEPT} passes to rooms are in use: wait until a call is over.", 429)
        identity = f"operator-{secrets.token_hex(8)}"
        grants = api.VideoGrants(
            room_join=True,
            room=room,
            hidden=to == "listen",
            can_subscribe=True,
            can_publish=to == "speak",
            can_publish_sources=["microphone"] if to == "speak" else None,
            can_publish_data=False,
            can_update_own_metadata=False,
        )
        token = (
            api.AccessToken(self._rooms.key, self._rooms.secret)
            .with_identity(identity)
            .with_name(who)
            .with_attributes({ATTRIBUTE: who})
            .with_ttl(datetime.timedelta(seconds=VALID_S))
            .with_grants(grants)
            .to_jwt()
        )
        self._holders[identity] = Holder(room, who, to, time.monotonic() + VALID_S)
        return RoomPass(
            url=self._rooms.url,
            room=room,
            token=token,
            identity=identity,
            caller=caller,
            agent=agent,
            valid_s=VALID_S,
        )

    def holder(self, room: str, identity: str) -> Holder | None:
        """Whose pass for this room an identity is."""
        holder = self._holders.get(identity)
        return holder if holder is not None and holder.room == room else None

    def listeners(self, room: str) -> dict[str, Holder]:
        """The passes to listen in this room, by identity."""
        found = self._holders.items()
        return {identity: one for identity, one in found if one.room == room and one.to == "listen"}

    def forget(self, room: str) -> None:
        """The room is over. Until then a pass stays known: who was put out may come again while it is valid."""
        for identity, holder in list(self._holders.items()):
            if holder.room == room:
                del self._holders[identity]

"""One room with the agent in it: who comes and goes, whose audio the agent hears, and when all of it is over.

The agent subscribes to the caller, and to operators who took the call over; it hears nobody else. Nobody can
command it in the room: it registers no RPC methods and reads no data.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from livekit import rtc
from livekit.rtc.participant import PublishTrackError, UnpublishTrackError

from agent import events
from agent.carriers import CarrierError
from agent.carriers.line_codec import LineFormat
from agent.events import Event
from agent.rooms.operator_track import OperatorTracks
from agent.rooms.people import People, is_sip, reason_of, sip_attributes
from agent.rooms.room_line import RATE, RoomLine

MEDIA: Final = LineFormat("L16", RATE)
_CONNECT_S: Final = 10.0
ORDERLY: Final = ("room_deleted", "room_closed", "participant_removed")
"""Why a room or a stay in it ends by somebody's wish, other than the caller's."""
_KEYS: Final = tuple("0123456789*#ABCD")
_MOST_HELD: Final = 200
_UNTOLD: Final = "unknown_reason"
"""When livekit.rtc has to connect anew, everybody seems to leave, without a reason, and to come again."""
_BACK_S: Final = 10.0
_NEGOTIATED_S: Final = 0.6
"""A room that is left while a track of ours is still being agreed on leaves three native threads behind for ever
(livekit 1.1.21, measured); half a second after publishing it leaves none."""
_WITHDRAW_S: Final = 1.0


class CannotEnter(CarrierError):
    """The agent could not enter a room."""

    def __init__(self, message: str) -> None:
        super().__init__(message, fix="Check that the server's media ports are open.")


class RoomCall:
    """Made for one job; :meth:`join` first. What happens before :meth:`tell` is told then.

    Args:
        name: the room's.
        people: who counts as whom in it.
        operators: what operators in the room say goes there.

    ``caller`` is who the call is with, once they are there. ``gone`` is set when the caller or we are out of the
    room, ``reason`` then is LiveKit's.
    """

    def __init__(self, name: str, people: People, operators: OperatorTracks) -> None:
        self.name, self.line = name, RoomLine()
        self.caller: rtc.RemoteParticipant | None = None
        self.caller_came, self.active, self.gone = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.reason, self.entered = "", False
        self.on_gone: Callable[[], object] = lambda: None
        self._people, self.operators = people, operators
        self._room = rtc.Room()
        self._emit: Callable[[Event], object] | None = None
        self._held: list[Event] = []
        self._missed: asyncio.TimerHandle | None = None
        self._published_at = 0.0
        on = self._room.on
        on("participant_connected", self._came)
        on("participant_disconnected", self._went)
        on("participant_attributes_changed", self._changed)
        on("track_published", self._published)
        on("track_subscribed", self._subscribed)
        on("track_unsubscribed", self._unsubscribed)
        on("sip_dtmf_received", self._key)
        on("reconnecting", self._reconnecting)
        on("reconnected", self._reconnected)
        on("disconnected", self._disconnected)

    @property
    def identity(self) -> str:
        """The agent's own."""
        return self._room.local_participant.identity

    async def join(self, url: str, token: str) -> None:
        """Enter the room and publish the agent's track: a SIP call that comes in is answered when there is one.

        Raises:
            CannotEnter: we could not.
        """
        try:
            await self._enter(url, token)
        except (rtc.ConnectError, PublishTrackError) as error:
            raise CannotEnter(f"The agent could not enter the room {self.name}: {error.message}.") from error
        except TimeoutError as error:
            message = f"The agent was not in the room {self.name} within {_CONNECT_S:.0f} s."
            raise CannotEnter(message) from error

    async def _enter(self, url: str, token: str) -> None:
        async with asyncio.timeout(_CONNECT_S):
            await self._room.connect(url, token, rtc.RoomOptions(auto_subscribe=False))
            self._told(events.RoomParticipant(identity=self.identity, kind="agent", joined=True))
            # A telephone is the caller before anybody else is.
            for participant in sorted(self._room.remote_participants.values(), key=is_sip, reverse=True):
                self._came(participant)
                for publication in list(participant.track_publications.values()):
                    self._published(publication, participant)
            await self.line.publish(self._room)
            self._published_at = asyncio.get_running_loop().time()
            self.entered = True

    def tell(self, emit: Callable[[Event], object]) -> None:
        """The call is known: events go there from now on."""
        self._emit, held = emit, self._held
        self._held = []
        for event in held:
            emit(event)

    def left_behind(self, reason: str) -> None:
        """The room is over though nothing told us."""
        self._end(reason)

    async def withdraw(self) -> None:
        """Take the agent's track out of the room. One that is in a room when the server ends it leaves a native
        thread behind for ever (livekit 1.1.21, measured)."""
        await self._settled()
        if not self.gone.is_set():
            with contextlib.suppress(TimeoutError, UnpublishTrackError):
                async with asyncio.timeout(_WITHDRAW_S):
                    await self.line.unpublish(self._room)

    async def leave(self) -> None:
        self._end("client_initiated")
        await self.operators.close()
        await self._settled()
        await self._room.disconnect()

    async def _settled(self) -> None:
        await asyncio.sleep(self._published_at + _NEGOTIATED_S - asyncio.get_running_loop().time())

    def _came(self, participant: rtc.RemoteParticipant) -> None:
        kind = self._people.kind(participant)
        self._told(events.RoomParticipant(identity=participant.identity, kind=kind, joined=True))
        if kind == "operator":
            self.operators.came(participant)
        elif self._is_caller(participant) or (self.caller is None and self._people.may_be_caller(participant)):
            self.caller = participant
            if self._missed is not None:
                self._missed.cancel()
            self._tell_caller()
            self.caller_came.set()

    def _went(self, participant: rtc.RemoteParticipant) -> None:
        reason = reason_of(participant.disconnect_reason)
        kind = self._people.kind(participant)
        self._told(events.RoomParticipant(identity=participant.identity, kind=kind, joined=False, reason=reason))
        self.operators.went(participant)
        if not self._is_caller(participant):
            return
        if reason == _UNTOLD:
            self._missed = asyncio.get_running_loop().call_later(_BACK_S, self._end, "connection_timeout")
        else:
            self._end(reason)

    def _changed(self, _changed: dict[str, str], participant: rtc.Participant) -> None:
        if self._is_caller(participant):
            self._tell_caller()

    def _tell_caller(self) -> None:
        assert self.caller is not None
        if not is_sip(self.caller):
            self.active.set()
            return
        attributes = sip_attributes(self.caller)
        status = attributes.get("callStatus", "")
        self._told(events.RoomSip(identity=self.caller.identity, status=status, attributes=attributes))
        # One that tells no status is in the room because the call is up.
        if status in ("active", ""):
            self.active.set()

    def _published(self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant) -> None:
        wanted = self._is_caller(participant) or self._people.kind(participant) == "operator"
        if wanted and publication.kind == rtc.TrackKind.KIND_AUDIO:
            publication.set_subscribed(True)

    def _subscribed(
        self, track: rtc.Track, _publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        if self._is_caller(participant):
            self.line.listen(track)
        else:
            self.operators.speaks(participant, track, self.line)

    def _unsubscribed(
        self, _track: rtc.Track, _publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        if self._is_caller(participant):
            self.line.listen_no_more()
        else:
            self.operators.silent(participant)

    def _key(self, key: rtc.SipDTMF) -> None:
        if key.participant is not None and self._is_caller(key.participant) and key.digit in _KEYS:
            self.line.key(key.digit)

    def _reconnecting(self) -> None:
        message = "The agent's connection to the room was interrupted, and is made again."
        self._told(events.Error(where="media", message=message))

    def _reconnected(self) -> None:
        # What was asked for while the connection was being made is not answered.
        for participant in list(self._room.remote_participants.values()):
            for publication in list(participant.track_publications.values()):
                self._published(publication, participant)

    def _disconnected(self, reason: int) -> None:
        self._end(reason_of(reason))

    def _end(self, reason: str) -> None:
        if self._missed is not None:
            self._missed.cancel()
        if not self.gone.is_set():
            self.reason = reason
            self.gone.set()
            self.on_gone()
            self.line.over("stop" if by_caller(reason) or reason in ORDERLY else f"the room: {reason}")

    def _is_caller(self, participant: rtc.Participant) -> bool:
        return self.caller is not None and participant.identity == self.caller.identity

    def _told(self, event: Event) -> None:
        if self._emit is not None:
            self._emit(event)
        elif len(self._held) < _MOST_HELD:
            self._held.append(event)


def by_caller(reason: str) -> bool:
    """Whether the caller left by their own wish, or could not or would not answer."""
    return reason == "client_initiated" or reason.startswith("user_")

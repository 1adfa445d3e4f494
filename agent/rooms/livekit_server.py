"""What the agent asks of a LiveKit server by its API: rooms, dispatches, SIP participants (livekit-api 1.2.2).

Nothing is tried twice by itself: LiveKit does not recognise a second request to dial as the same call.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Final, TypeVar

import aiohttp
from google.protobuf.duration_pb2 import Duration
from livekit import api

from agent.carriers import CarrierError
from agent.rooms import sip_status
from agent.rooms.sip_status import SipFailure
from agent.settings import Rooms

CALLEE: Final = "callee"
MOST_RING_S: Final = 75
"""A LiveKit server gives up a request to dial after 80 s (livekit/livekit ``pkg/service/sip.go``)."""
_EMPTY_S: Final = 60
_DEPARTURE_S: Final = 20
"""A room without anybody but agents is ended after these, should this agent be gone."""
_MARGIN_S: Final = 4.0
_TIMEOUT_S: Final = 10.0

T = TypeVar("T")


class DialFailed(Exception):
    """The call did not come about; ``failure`` says why."""

    def __init__(self, failure: SipFailure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class LiveKitServer:
    """One server and project. Made on the loop that it is used on.

    Every method raises CarrierError when the server refuses or does not answer.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._api = api.LiveKitAPI(
            rooms.url,
            rooms.key,
            rooms.secret,
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
            failover=False,
        )

    async def close(self) -> None:
        await self._api.aclose()

    async def open_room(self, room: str, call: str) -> None:
        """Make a room and have the agent of our name dispatched to it for ``call``."""
        wanted = api.CreateRoomRequest(name=room, empty_timeout=_EMPTY_S, departure_timeout=_DEPARTURE_S)
        await self._ask(self._api.room.create_room(wanted), "make a room")
        dispatch = api.CreateAgentDispatchRequest(
            agent_name=self._rooms.agent_name, room=room, metadata=json.dumps({"call": call})
        )
        await self._ask(self._api.agent_dispatch.create_dispatch(dispatch), "dispatch the agent")

    async def delete_room(self, room: str) -> None:
        """End the call in the room for everybody; it is fine when there is no such room."""
        try:
            await self._ask(self._api.room.delete_room(api.DeleteRoomRequest(room=room)), "end the room")
        except CarrierError as error:
            if error.code != api.ServerErrorCode.NOT_FOUND:
                raise

    async def remove(self, room: str, identity: str) -> None:
        """Put somebody out of the room; it is fine when they are not there."""
        wanted = api.RoomParticipantIdentity(room=room, identity=identity)
        try:
            await self._ask(self._api.room.remove_participant(wanted), f"remove {identity} from the room")
        except CarrierError as error:
            if error.code == api.ServerErrorCode.NOT_FOUND:
                return
            # For one who leaves in this moment nobody answers the server any more: it calls that unavailable.
            if identity in await self.identities(room):
                raise

    async def identities(self, room: str) -> set[str]:
        """Who is in the room, the hidden ones too."""
        found = await self._ask(
            self._api.room.list_participants(api.ListParticipantsRequest(room=room)), "list who is in the room"
        )
        return {participant.identity for participant in found.participants}

    async def trunk(self) -> api.SIPOutboundTrunkInfo:
        """The outbound trunk of the settings, by id or name, or the only one that there is."""
        listed = await self._ask(
            self._api.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest()), "list the outbound SIP trunks"
        )
        trunks, wanted = list(listed.items), self._rooms.trunk
        setup = "Run `sidetone setup livekit`, or set SIDETONE_OUTBOUND_TRUNK."
        if not wanted:
            if len(trunks) == 1:
                return trunks[0]
            many = f"{len(trunks)} outbound SIP trunks" if trunks else "no outbound SIP trunk"
            raise CarrierError(f"The LiveKit server has {many}.", "no_trunk", setup)
        found = [trunk for trunk in trunks if wanted in (trunk.sip_trunk_id, trunk.name)]
        if len(found) != 1:
            how = "no outbound SIP trunk" if not found else f"{len(found)} outbound SIP trunks"
            raise CarrierError(f"The LiveKit server has {how} of the id or name {wanted}.", "no_trunk", setup)
        return found[0]

    async def dial(self, room: str, trunk: str, to: str, from_: str, ring_s: int, time_limit_s: int) -> str:
        """Call ``to`` over the trunk into the room as :data:`CALLEE`; returns the SIP call's id once it is
        answered.

        Raises:
            DialFailed: it was not answered.
        """
        ring_s = min(ring_s, MOST_RING_S)
        wanted = api.CreateSIPParticipantRequest(
            sip_trunk_id=trunk,
            sip_call_to=to,
            sip_number=from_,
            room_name=room,
            participant_identity=CALLEE,
            participant_name=to,
            wait_until_answered=True,
            ringing_timeout=Duration(seconds=ring_s),
            max_call_duration=Duration(seconds=time_limit_s),
            krisp_enabled=False,
            include_headers=api.SIPHeaderOptions.SIP_X_HEADERS,
        )
        try:
            answer = await self._api.sip.create_sip_participant(wanted, timeout=ring_s + _MARGIN_S)
        except api.ServerError as error:
            raise DialFailed(_failure(error, ring_s)) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise DialFailed(_unknown(error, ring_s)) from error
        return answer.sip_call_id

    async def _ask(self, asked: Awaitable[T], what: str) -> T:
        try:
            return await asked
        except api.ServerError as error:
            raise _refused(error, what) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            away = isinstance(error, aiohttp.ClientConnectorError)
            why = "it cannot be reached" if away else str(error) or "it did not answer in time"
            raise CarrierError(
                f"The LiveKit server could not be asked to {what}: {why}.", "", "Check LIVEKIT_URL."
            ) from error


def _refused(error: api.ServerError, what: str) -> CarrierError:
    if error.status == 401 or error.code == api.ServerErrorCode.UNAUTHENTICATED:
        return CarrierError(
            f"The LiveKit server did not let us {what}: it does not know the key, or not with that secret.",
            error.code,
            "Check LIVEKIT_API_KEY and LIVEKIT_API_SECRET.",
        )
    fix = "Start livekit-sip, and Redis for both." if "sip not connected" in error.message else ""
    return CarrierError(f"The LiveKit server refused to {what}: {error.message} ({error.code}).", error.code, fix)


def _failure(error: api.ServerError, ring_s: int) -> SipFailure:
    status, reason = sip_status.status_in(error.message)
    if isinstance(error, api.SipCallError) and error.sip_status_code:
        status = error.sip_status_code
        # The text may hold more of the reason than the field, which some servers fill with the standard phrase.
        given = error.sip_status or ""
        reason = max(given, reason, key=lambda text: (bool(sip_status.telnyx_code(text)), len(text)))
    if status:
        return sip_status.explain(status, reason)
    if error.code in (api.ServerErrorCode.CANCELED, api.ServerErrorCode.DEADLINE_EXCEEDED):
        return sip_status.no_answer(ring_s)
    refused = _refused(error, "dial")
    return SipFailure("dial_failed", "carrier", "", str(refused), refused.fix)


def _unknown(error: Exception, ring_s: int) -> SipFailure:
    if isinstance(error, TimeoutError):
        return sip_status.no_answer(ring_s)
    what = f"The LiveKit server was lost while it dialled: {error}."
    return SipFailure("dial_failed", "carrier", "", what, "The room is ended, so that nobody is left ringing.")

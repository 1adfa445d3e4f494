"""Who else is in a room: a telephone behind a SIP trunk, and operators."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque

import numpy as np
from livekit import api, rtc

from simulator.audio import Samples
from simulator.caller.party import NARROWBAND, SILENCE, Party, Said, cut, frame_samples
from simulator.pacing import Wheel
from tests.rooms.guest import Guest
from tests.rooms.servers import LiveKitServer

__all__ = ["Guest", "SimulatedSip", "listener", "speaker"]

NUMBER, TRUNK_NUMBER = "+15550100177", "+15550100000"
_SAID_WAITING = 50
_KEYS = "0123456789*#ABCD"


class SimulatedSip(Guest):
    """A telephone in a room, as livekit-sip (``pkg/sip``) brings one there: kind SIP, ``sip.*`` attributes.

    A call that came in rings until somebody's track reaches it, and is answered then; one that was placed
    (``outgoing``) rings until :meth:`answer`. From then on its ``party`` talks, with None whatever :meth:`say` is
    given. Its sound is that of a telephone, 8 kHz, unless the party has more.
    """

    def __init__(
        self,
        server: LiveKitServer,
        room: str,
        party: Party | None = None,
        *,
        identity: str = f"sip_{NUMBER}",
        number: str = NUMBER,
        outgoing: bool = False,
    ) -> None:
        self.attributes = {
            "sip.callID": f"SCL_{secrets.token_hex(6)}",
            "sip.callIDFull": f"{secrets.token_hex(8)}@127.0.0.1",
            "sip.callStatus": "dialing" if outgoing else "ringing",
            "sip.trunkID": "ST_telnyx",
            "sip.trunkPhoneNumber": TRUNK_NUMBER,
            "sip.phoneNumber": number,
            "sip.hostname": "sip.telnyx.com",
            "sip.telnyx.callLegID": f"leg-{secrets.token_hex(6)}",
            "sip.telnyx.callSessionID": f"session-{secrets.token_hex(6)}",
        }
        if not outgoing:
            self.attributes["sip.ruleID"] = "SDR_incoming"
        grants = api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True)
        token = server.token(identity).with_name(f"Phone {number}").with_kind("sip")
        token = token.with_attributes(self.attributes).with_grants(grants)
        super().__init__(server.url, token.to_jwt(), party.rate if party is not None else NARROWBAND)
        self.party = party
        self.keys: list[str] = []
        """What the application pressed."""
        self._outgoing = outgoing
        self._wheel, self._tick_handle = Wheel(), 0
        self._words: deque[Said] = deque()
        self._said: asyncio.Queue[Said] = asyncio.Queue(_SAID_WAITING)
        self.room.on("sip_dtmf_received", self._key)

    @property
    def status(self) -> str:
        """Its ``sip.callStatus``."""
        return self.attributes["sip.callStatus"]

    async def join(self) -> None:
        if self.party is not None:
            await self.party.prepare()
        await super().join()
        await self.open_microphone()
        if self._outgoing:
            await self.show("ringing")
        else:
            self.begin(self._answer_once_heard())

    async def answer(self) -> None:
        """Lift the receiver."""
        await self.show("active")
        self.begin(self._speak())
        self._tick_handle = self._wheel.add(self._tick)

    async def say(self, samples: Samples) -> None:
        """Speak, without a party; returns when it was sent."""
        self._words.extend(cut(samples, self.rate))
        await self.until(lambda: not self._words or self.reason)

    async def hang_up(self) -> None:
        """Put the receiver down."""
        if not self.reason:
            await self.show("hangup")
        await self.leave()

    async def leave(self) -> None:
        self._stop()
        if self.party is not None:
            self.party.close()
        await super().leave()

    async def show(self, status: str) -> None:
        """Change its ``sip.callStatus``."""
        self.attributes["sip.callStatus"] = status
        await self.room.local_participant.set_attributes({"sip.callStatus": status})
        await self._tell()

    async def _answer_once_heard(self) -> None:
        await self.until(lambda: self._heard or self.reason)
        if not self.reason:
            await self.answer()

    def _tick(self) -> None:
        """20 ms of the telephone, which plays the sum of all who speak, as livekit-sip mixes them."""
        frames = [arrived.popleft() for arrived in self._arrived.values() if arrived]
        heard = np.sum(frames, axis=0, dtype=np.int32).clip(-32768, 32767).astype(np.int16) if frames else None
        said = self._words.popleft() if self._words else SILENCE
        if self.party is not None:
            said = self.party.tick(heard)
        # What cannot be sent for a second is lost, as on a real line.
        with contextlib.suppress(asyncio.QueueFull):
            self._said.put_nowait(said)

    async def _speak(self) -> None:
        silence = np.zeros(frame_samples(self.rate), np.int16)
        while not (said := await self._said.get()).hang_up:
            if said.digit is not None:
                await self.room.local_participant.publish_dtmf(code=_KEYS.index(said.digit), digit=said.digit)
            await self.send(silence if said.samples is None else said.samples)
            if not self._words:
                await self._tell()
        await self.hang_up()

    def _key(self, key: rtc.SipDTMF) -> None:
        self.keys.append(key.digit)
        if self.party is not None:
            self.party.press(key.digit)
        self._news()

    def _disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        super()._disconnected(reason)
        self._stop()

    def _stop(self) -> None:
        self._wheel.remove(self._tick_handle)


def listener(server: LiveKitServer, room: str, identity: str = "listener") -> Guest:
    """A guest whom nobody sees."""
    grants = api.VideoGrants(room_join=True, room=room, hidden=True, can_publish=False, can_publish_data=False)
    return Guest(server.url, server.token(identity).with_grants(grants).to_jwt())


def speaker(server: LiveKitServer, room: str, identity: str = "speaker") -> Guest:
    """A guest whom everybody sees and, once its microphone is open, hears."""
    grants = api.VideoGrants(room_join=True, room=room)
    return Guest(server.url, server.token(identity).with_grants(grants).to_jwt())

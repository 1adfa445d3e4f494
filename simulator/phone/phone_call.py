"""The one call of a phone, from ringing or dialling to its end."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Final

from simulator.audio import Samples
from simulator.caller.jitter_buffer import Reception
from simulator.caller.party import frame_samples
from simulator.caller.phone_party import PhoneParty
from simulator.phone.messages import Answered, Ended, KeyArrived, Stats, ToPhone, ear_frame
from simulator.phone.outbox import Outbox
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.facts import Hangup
from simulator.telnyx.media.codecs import whole
from simulator.telnyx.media.options import Codec

BUSY: Final = Hangup("user_busy", "callee", "486")
"""What a caller gets of a phone that declines, or is in a call."""
UNREACHABLE: Final = Hangup("no_answer", "callee", "480")
"""What a caller gets of a phone that vanishes while it rings."""
_GONE_SECONDS: Final = 30.0


class PhoneCall:
    """The handset of its `party`. `leg` is there from `begin` on."""

    def __init__(self, outbox: Outbox, codec: Codec) -> None:
        self.party = PhoneParty(self, codec)
        self.leg: CallLeg | None = None
        self.decision: asyncio.Future[Hangup | None] | None = None
        """While the phone rings: None to answer, else how the call ends."""
        self.last_heard = monotonic()
        """When the phone last sent anything."""
        self._outbox = outbox
        self._talking = False
        self._warned_before: list[str] = []

    @property
    def rings(self) -> bool:
        return self.decision is not None and not self.decision.done()

    def begin(self, leg: CallLeg) -> None:
        """It rings, or is dialled."""
        self.leg = leg
        # What is said of the dial concerns who wrote the application, not the person at the phone.
        self._warned_before = leg.warnings

    async def ring(self) -> Hangup | None:
        """Until the person has decided."""
        self.decision = asyncio.get_running_loop().create_future()
        return await self.decision

    def decide(self, how: Hangup | None) -> None:
        """Must ring."""
        assert self.decision is not None
        self.decision.set_result(how)

    async def until_over(self, leg: CallLeg) -> None:
        """Tells the phone of the end."""
        await leg.hung_up.wait()
        hangup = leg.hangup
        assert hangup is not None
        trouble = [warning for warning in leg.warnings if warning not in self._warned_before]
        message = trouble[-1] if trouble else ""
        self._tell(Ended(call_control_id=leg.id, cause=hangup.cause, source=hangup.source, message=message))

    def vanish(self) -> None:
        """The phone is gone."""
        if self.rings:
            self.decide(UNREACHABLE)
        elif self.leg is not None:
            self.leg.party_hangs_up()

    def play(self, heard: Samples | None) -> None:
        leg = self.leg
        if leg is None or leg.hangup is not None:
            return
        if not self._talking:
            self._talking = True
            self._tell(Answered(call_control_id=leg.id, codec=self.party.codec, rate=self.party.rate))
        rate = self.party.rate
        self._outbox.play(ear_frame(None if heard is None else whole(heard, frame_samples(rate)), rate))

    def key_arrives(self, digit: str) -> None:
        self._tell(KeyArrived(digit=digit))

    def receiving(self, reception: Reception) -> None:
        self._tell(
            Stats(
                buffer_ms=reception.buffer_ms,
                jitter_ms=round(reception.jitter_ms, 2),
                lost=reception.lost,
                late=reception.late,
            )
        )
        if monotonic() - self.last_heard > _GONE_SECONDS:
            self.party.warnings.append(f"The phone sent nothing for {_GONE_SECONDS:g} s and counts as gone.")
            self.vanish()

    def _tell(self, message: ToPhone) -> None:
        self._outbox.tell(message)

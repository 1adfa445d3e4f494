"""The audio of a leg that is connected by SIP, in the place of a media WebSocket."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final

from aiortp import PortAllocator

from simulator.audio import FRAME_MS, Samples
from simulator.caller.party import frame_samples
from simulator.caller.tones import RINGBACK, render_tone
from simulator.sip.offers import Agreed
from simulator.sip.rtp import Rtp
from simulator.telnyx.calls.line import Line
from simulator.telnyx.calls.stream import LegStream

if TYPE_CHECKING:
    from simulator.telnyx.calls.leg import CallLeg


_QUIET_MS: Final = 4000


class TrunkStream(LegStream):
    """`facts` are what the leg's report says of its SIP call."""

    def __init__(self, leg: CallLeg, line: Line) -> None:
        super().__init__(leg, line)
        self.reaches_self = True
        self.facts: dict[str, Any] = {}
        self._call = leg
        self._rtp = Rtp(leg.party.rate, leg.key_arrives, line.stream_faults())
        self._ringback: int | None = None

    @property
    def port(self) -> int:
        return self._rtp.port

    @property
    def active(self) -> bool:
        """No other stream can be started on such a leg."""
        return True

    @property
    def frames_sent(self) -> int:
        return self._rtp.sent

    @property
    def frames_received(self) -> int:
        return self._rtp.received

    @property
    def queued_ms(self) -> int:
        return self._rtp.reception.buffer_ms

    async def open(self, host: str, ports: PortAllocator) -> None:
        """Take a port. Raises NoPort."""
        await self._rtp.open(host, ports)

    def agree(self, agreed: Agreed) -> None:
        self._rtp.agree(agreed)
        self.facts["codec"] = agreed.codec
        self.facts["held"] = not agreed.sends

    def ring_back(self) -> None:
        """Let the caller hear the ringing, until the leg is answered or over."""
        if self._ringback is None:
            frames = _ringback(self._call.party.rate)
            self._ringback = self._call.facilities.wheel.add(lambda: self._rtp.carry(next(frames)))

    def answered(self) -> None:
        """From now on the leg's own clock moves the audio."""
        if self._ringback is not None:
            self._call.facilities.wheel.remove(self._ringback)
            self._ringback = None

    def leave(self) -> None:
        """Nobody is at the far end any more."""
        self._rtp.stop()

    def hear(self) -> Samples | None:
        return self._rtp.hear()

    def carry(self, inbound: Samples | None, outbound: Samples | None) -> None:
        self._rtp.carry(inbound)

    def press(self, digit: str) -> None:
        self._rtp.press(digit)

    async def close(self) -> None:
        self.answered()
        await self._rtp.close()

    def report(self) -> dict[str, Any]:
        reception = self._rtp.reception
        arrived = {"jitter_ms": round(reception.jitter_ms, 2), "lost": reception.lost, "late": reception.late}
        return {**super().report(), "sip": {**self.facts, "audio": arrived}}


def _ringback(rate: int) -> Iterator[Samples | None]:
    tone: list[Samples | None] = [*render_tone(RINGBACK, rate).reshape(-1, frame_samples(rate))]
    return cycle(tone + [None] * (_QUIET_MS // FRAME_MS))

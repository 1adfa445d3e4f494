"""Two legs that hear each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.audio import Samples
from simulator.speech.resampler import StreamResampler
from simulator.telnyx.calls.mixing import mix
from simulator.telnyx.facts import Hangup, HangupSource
from simulator.telnyx.happenings import Bridged

if TYPE_CHECKING:
    from simulator.telnyx.calls.leg import CallLeg


class Bridge:
    def __init__(self, one: CallLeg, other: CallLeg, *, park: bool = False, muted_keys: str = "none") -> None:
        """Connects two answered legs and tells both applications.

        `park`: the leg left behind stays up instead of being hung up. `muted_keys`: whose keys are kept from the
        other leg, seen from `one`.
        """
        self._one, self._other = one, other
        self._park = park
        self._muted = muted_keys
        self._waiting: dict[CallLeg, Samples | None] = {one: None, other: None}
        """What each leg is to hear at its next tick."""
        self._resamplers = {
            leg: StreamResampler(self.opposite(leg).party.rate, leg.party.rate) for leg in (one, other)
        }
        one.bridge = other.bridge = self
        one.tell(Bridged())
        other.tell(Bridged())

    def opposite(self, leg: CallLeg) -> CallLeg:
        return self._other if leg is self._one else self._one

    def from_other(self, leg: CallLeg) -> Samples | None:
        """The next 20 ms of what `leg` hears of the other side."""
        samples = self._waiting[leg]
        self._waiting[leg] = None
        return samples

    def carry(self, leg: CallLeg, said: Samples | None, application: Samples | None) -> None:
        """Pass on what the telephone of `leg` said, and what its application said to the opposite leg."""
        other = self.opposite(leg)
        samples = mix(said, application)
        if samples is not None:
            self._waiting[other] = self._resamplers[other].push(samples)

    def press(self, leg: CallLeg, digit: str) -> None:
        """A key of `leg` reaches the other telephone as well, unless it is muted."""
        whose = "self" if leg is self._one else "opposite"
        if self._muted not in ("both", whose):
            self.opposite(leg).key_arrives(digit)

    def part(self) -> None:
        """Undo the bridge; both legs stay up."""
        self._one.bridge = self._other.bridge = None

    def leave(self, leg: CallLeg) -> None:
        """`leg` is over: the other one is hung up, or parked."""
        other = self.opposite(leg)
        self.part()
        if not self._park and leg.hangup is not None:
            other.hang_up(Hangup(leg.hangup.cause, _source(other), leg.hangup.sip))


def _source(other: CallLeg) -> HangupSource:
    """Who hung up, seen from the other leg: its own far end was the opposite one."""
    return "callee" if other.facts.direction == "incoming" else "caller"

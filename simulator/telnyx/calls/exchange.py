"""The telephone exchange: every call leg there is, and the numbers somebody answers at."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Final

from simulator.caller.demo import DEMO
from simulator.caller.noise import Noise
from simulator.caller.noisy_party import with_noise
from simulator.caller.party import Party
from simulator.caller.presets import Preset, preset_for
from simulator.caller.script import Script
from simulator.caller.script_party import ScriptParty
from simulator.line.plan import LineFaultPlan
from simulator.telnyx.calls.answerers import Answerer
from simulator.telnyx.calls.facilities import Facilities
from simulator.telnyx.calls.leg import CallLeg, Flow
from simulator.telnyx.calls.line import Line
from simulator.telnyx.calls.stream import LegStream
from simulator.telnyx.facts import CallFacts, Direction, Header
from simulator.telnyx.findings import Findings
from simulator.telnyx.identifiers import CallIds
from simulator.telnyx.media.options import Codec
from simulator.telnyx.webhooks.announce import Announcer

log = logging.getLogger(__name__)

_MAX_LIVE: Final = 1000
_MAX_ENDED: Final = 200
_MAX_NUMBERS: Final = 1000
_MAX_TELEPHONES: Final = 200
_MAX_COMMANDS: Final = 10_000
_COMMAND_SECONDS: Final = 60.0
"""A command id seen again within this time is the same command (Telnyx API reference, `command_id`)."""


class ExchangeFull(Exception):
    """The exchange takes no more; the text says of what and why, in one sentence."""


class NumberTaken(Exception):
    """A telephone is registered at that number already; the text says so, in one sentence."""


Telephone = Callable[[Codec], Answerer]
"""A person's telephone: who answers a call there; the codec is for who names none."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who answers at a number: the next call, or all (`keep`). `record_to`: where those are written down."""

    who: Script | Preset
    faults: LineFaultPlan | None = None
    record_to: Path | None = None
    keep: bool = False
    noise: Noise | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A leg to be made. `session_id` None begins a new session; `record_to` is where it is written down.

    `media` makes what its audio goes over.
    """

    direction: Direction
    connection_id: str
    from_number: str
    to_number: str
    client_state: str | None = None
    session_id: str | None = None
    caller_name: str | None = None
    tags: tuple[str, ...] = ()
    custom_headers: tuple[Header, ...] = ()
    sip_headers: tuple[Header, ...] = ()
    faults: LineFaultPlan | None = None
    record_to: Path | None = None
    findings: Findings = field(default_factory=Findings)
    media: Callable[[CallLeg, Line], LegStream] = LegStream


class Exchange:
    def __init__(self, facilities: Facilities, ring_ms: int, record_to: Path | None = None) -> None:
        """`ring_ms`: how long a dialled number rings when nothing else says it. `record_to`: writes every call."""
        self.facilities = facilities
        self._ring_ms = ring_ms
        self._record_to = record_to
        self._legs: OrderedDict[str, CallLeg] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, Waiting] = {}
        self._telephones: dict[str, Telephone] = {}
        self._commands: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._closed = False

    @property
    def live(self) -> int:
        return len(self._tasks)

    def find(self, call_control_id: str) -> CallLeg | None:
        """A live leg, or one of the last that ended."""
        return self._legs.get(call_control_id)

    def legs_of(self, connection_id: str) -> list[CallLeg]:
        """The live legs of a connection, the oldest first."""
        return [
            leg for leg in self._legs.values() if leg.hangup is None and leg.facts.connection_id == connection_id
        ]

    def all_legs(self) -> list[CallLeg]:
        """Live ones and those that ended lately, the oldest first."""
        return list(self._legs.values())

    def answer_at(self, number: str, waiting: Waiting) -> None:
        """Who answers the next call to `number`, or all of them. Raises ExchangeFull."""
        if number not in self._waiting and len(self._waiting) >= _MAX_NUMBERS:
            raise ExchangeFull(f"Scripts are kept for {_MAX_NUMBERS} numbers at most; restart the simulator.")
        self._waiting[number] = waiting

    def register(self, number: str, telephone: Telephone) -> None:
        """Calls to `number` go to that telephone until `unregister`. Raises NumberTaken and ExchangeFull."""
        if number in self._telephones:
            raise NumberTaken(f"Another phone is registered at {number}: close it or choose another number.")
        if len(self._telephones) >= _MAX_TELEPHONES:
            raise ExchangeFull(f"{_MAX_TELEPHONES} phones are registered, as many as the simulator has room for.")
        self._telephones[number] = telephone

    def unregister(self, number: str) -> None:
        self._telephones.pop(number, None)

    def preset_at(self, number: str) -> Preset | None:
        """The preset that would answer at `number` now."""
        if number in self._telephones:
            return None
        who = self._waiting[number].who if number in self._waiting else preset_for(number)
        return who if isinstance(who, Preset) else None

    def answerer_at(self, number: str, codec: Codec = "PCMU") -> Answerer:
        """Who answers this call: the telephone registered at the number, the script or preset set for it (gone
        then unless kept), the preset of a magic number, or the demo's caller. `codec` is for who names none."""
        telephone = self._telephones.get(number)
        if telephone is not None:
            return telephone(codec)
        waiting = self._waiting.get(number)
        if waiting is None:
            return self.answerer(preset_for(number) or DEMO, codec=codec)
        if not waiting.keep:
            del self._waiting[number]
        return self.answerer(waiting.who, waiting.faults, waiting.record_to, codec, waiting.noise)

    def answerer(
        self,
        who: Script | Preset,
        faults: LineFaultPlan | None = None,
        record_to: Path | None = None,
        codec: Codec = "PCMU",
        noise: Noise | None = None,
    ) -> Answerer:
        speech = self.facilities.speech
        if isinstance(who, Script):
            ring_ms = self._ring_ms if who.answer_after_ms is None else who.answer_after_ms
            party = with_noise(ScriptParty(who, speech, codec), noise)
            return Answerer(party, ring_ms, faults=faults, record_to=record_to)
        return Answerer(
            with_noise(who.party(speech, codec), noise),
            who.ring_ms,
            outcome=who.outcome,
            kind=who.kind,
            faults=faults or who.faults,
            drop_after_ms=who.drop_after_ms,
            record_to=record_to,
        )

    def start(self, order: Order, party: Party, announcer: Announcer, flow: Flow) -> CallLeg:
        """A new leg, which lives until it is hung up and closes its announcer then. Raises ExchangeFull."""
        try:
            self.check_room()
        except ExchangeFull:
            announcer.close()
            raise
        ids = CallIds() if order.session_id is None else CallIds(call_session_id=order.session_id)
        facts = CallFacts(
            ids=ids,
            connection_id=order.connection_id,
            direction=order.direction,
            from_number=order.from_number,
            to_number=order.to_number,
            client_state=order.client_state,
            codec=party.codec,
            started_at=datetime.now(UTC),
            sampling_rate=8000 if party.codec == "G722" else party.rate,
            caller_name=order.caller_name,
            tags=order.tags,
            custom_headers=order.custom_headers,
            sip_headers=order.sip_headers,
        )
        leg = CallLeg(facts, party, announcer, self.facilities, Line(order.faults), order.findings, order.media)
        record_to = order.record_to or self._record_to
        if record_to is not None:
            leg.tap = self.facilities.tap(record_to, leg)
        self._legs[leg.id] = leg
        task = asyncio.create_task(leg.run(flow))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return leg

    def recent(self, command_id: str | None) -> CallLeg | None:
        """The leg that a command of the last minute was given to."""
        while self._commands and next(iter(self._commands.values()))[0] < monotonic():
            self._commands.popitem(last=False)
        if command_id is None or command_id not in self._commands:
            return None
        return self._legs.get(self._commands[command_id][1])

    def remember(self, command_id: str | None, leg: CallLeg) -> None:
        if command_id is None:
            return
        if len(self._commands) >= _MAX_COMMANDS:
            self._commands.popitem(last=False)
        self._commands[command_id] = (monotonic() + _COMMAND_SECONDS, leg.id)

    def check_room(self) -> None:
        """Raises ExchangeFull."""
        if self._closed:
            raise ExchangeFull("The simulator is shutting down and takes no more calls.")
        if self.live >= _MAX_LIVE:
            raise ExchangeFull(f"{_MAX_LIVE} calls are live, as many as the simulator carries; hang some up.")

    async def close(self) -> None:
        """Take no more calls, hang up every one and wait until their streams are closed."""
        self._closed = True
        for leg in self._legs.values():
            leg.application_hangs_up()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("A call failed.", exc_info=error)
        ended = [leg_id for leg_id, leg in self._legs.items() if leg.over.is_set()]
        for leg_id in ended[:-_MAX_ENDED]:
            del self._legs[leg_id]

"""One call leg: a telephone on one side, an application on the other, and what passes between them every 20 ms."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from simulator.audio import FRAME_MS
from simulator.caller.party import Party
from simulator.recording.call_tap import CallTap
from simulator.speech.synthesiser import SpeechUnavailable
from simulator.telnyx.calls.bridge import Bridge
from simulator.telnyx.calls.facilities import Facilities
from simulator.telnyx.calls.keypad import Keypad
from simulator.telnyx.calls.line import Line
from simulator.telnyx.calls.mixing import mix
from simulator.telnyx.calls.player import Player
from simulator.telnyx.calls.recordings import LegRecordings
from simulator.telnyx.calls.stream import LegStream
from simulator.telnyx.facts import CallFacts, Hangup
from simulator.telnyx.findings import Findings, Rule
from simulator.telnyx.happenings import Answered, Charged, Dtmf, Happening, HungUp, Initiated, LineStats
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.webhooks.announce import Announcer

log = logging.getLogger(__name__)

_MAX_WARNINGS: Final = 50
_MAX_DIGITS_KEPT: Final = 500
_LAST_WORDS_SECONDS: Final = 0.2

State = Literal["ringing", "answered", "ended"]
Flow = Callable[["CallLeg"], Awaitable[None]]


class CallLeg:
    def __init__(
        self,
        facts: CallFacts,
        party: Party,
        announcer: Announcer,
        facilities: Facilities,
        line: Line,
        findings: Findings | None = None,
        media: Callable[[CallLeg, Line], LegStream] = LegStream,
    ) -> None:
        """`media` makes what the leg's audio goes over: a media WebSocket, or a SIP trunk."""
        self.facts = facts
        self.party = party
        self.announcer = announcer
        self.facilities = facilities
        self.findings = findings or Findings()
        self.hangup: Hangup | None = None
        self.answered_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.over = asyncio.Event()
        """Set when the leg is hung up and its stream closed; webhooks may still be on their way."""
        self.answered = asyncio.Event()
        self.hung_up = asyncio.Event()
        self.is_being_answered = False
        self.recording_id: str | None = None
        """Of the recording that the dial asked for, which begins with the answer."""
        self.star = asyncio.Event()
        """Set when the telephone's star key was pressed."""
        self.bridge: Bridge | None = None
        self.detected: str | None = None
        """Who answered, as answering machine detection found: human, machine, not_sure, fax_detected and so on."""
        self.keypad = Keypad()
        self.player = Player(party.rate * FRAME_MS // 1000)
        self.stream = media(self, line)
        self.recordings = LegRecordings(self)
        self.tap: CallTap | None = None
        """What writes this leg down, if anybody asked for it."""
        self._line = line
        self._on_wheel: int | None = None
        self._late_before = self._late = 0
        self._flow: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._preparing: asyncio.Task[bool] | None = None
        self._telling: set[asyncio.Task[None]] = set()
        self._packets = 0
        self._warnings: dict[str, None] = {}
        self._digits_sent: list[str] = []

    @property
    def id(self) -> str:
        return self.facts.ids.call_control_id

    @property
    def state(self) -> State:
        if self.hangup is not None:
            return "ended"
        return "ringing" if self.answered_at is None else "answered"

    @property
    def is_answered(self) -> bool:
        return self.answered_at is not None

    async def run(self, flow: Flow) -> None:
        """Live until hung up.

        `flow` is what the network does meanwhile. It is cancelled at the hang-up; when it returns before, the leg
        stays up in silence.
        """
        facts = self.facts
        log.info("%s: %s call from %s to %s.", self.id, facts.direction, facts.from_number, facts.to_number)
        self.tell(Initiated())
        self.follow(flow)
        try:
            await self.hung_up.wait()
        finally:
            await self._end()

    def follow(self, flow: Flow) -> None:
        """From now on `flow` says what happens, in place of the one before."""
        before = self._flow
        if before is not None:
            before.cancel()

        async def after() -> None:
            if before is not None:
                await asyncio.wait({before})
            await flow(self)

        if self.hangup is None:
            self._flow = self.spawn(after())

    def spawn(
        self, work: Coroutine[Any, Any, None] | Awaitable[None], *, tells_its_end: bool = False
    ) -> asyncio.Task[None]:
        """Do `work` beside the leg, at most until its end; a failure of it ends the leg.

        `tells_its_end`: it stops by itself when the leg is hung up, and tells of that before the hang-up is told.
        """

        async def guarded() -> None:
            try:
                await work
            except Exception as error:
                self._fail(error)

        task = asyncio.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if tells_its_end:
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)
        if isinstance(work, Coroutine):
            # A task that is cancelled before its first step leaves its coroutine open.
            task.add_done_callback(lambda _: work.close())
        return task

    async def prepare(self) -> bool:
        """Have the party's lines spoken, once; if they cannot be, the leg ends and its warnings say why."""
        if self._preparing is None:
            self._preparing = asyncio.create_task(self._prepare())
            self._tasks.add(self._preparing)
            self._preparing.add_done_callback(self._tasks.discard)
        return await asyncio.shield(self._preparing)

    async def _prepare(self) -> bool:
        try:
            await self.party.prepare()
            return True
        except (SpeechUnavailable, ValueError) as error:
            self.warn(f"The simulated caller cannot speak: {error}")
            self.hang_up(Hangup("unspecified", "unknown", "unspecified"))
            return False

    def answer(self, stream: StreamOptions | None = None) -> None:
        """From now on audio flows and the party's clock runs. Nothing happens to an answered or ended leg."""
        if self.is_answered or self.hangup is not None:
            return
        self.answered_at = datetime.now(UTC)
        wheel = self.facilities.wheel
        self._late_before = wheel.punctuality.late_over_20_ms
        self._on_wheel = wheel.add(self._tick)
        log.info("%s: answered.", self.id)
        self.tell(Answered(stream))
        self.answered.set()

    def tell(self, happening: Happening) -> None:
        self.announcer.tell(self.facts, happening)

    def hang_up(self, hangup: Hangup) -> None:
        """End the leg; the first reason counts."""
        if self.hangup is None:
            self.hangup = hangup
            self.hung_up.set()

    def party_hangs_up(self) -> None:
        """Whoever is at the telephone; a caller who does so before the answer gives up."""
        if self.facts.direction == "outgoing":
            self.hang_up(Hangup("normal_clearing", "callee"))
        elif self.is_answered:
            self.hang_up(Hangup("normal_clearing", "caller"))
        else:
            self.hang_up(Hangup("originator_cancel", "caller", "487"))

    def application_hangs_up(self) -> None:
        """By a command, by TeXML, or by the simulator's own end."""
        if self.facts.direction == "incoming":
            self.hang_up(Hangup("normal_clearing", "callee"))
        elif self.answered_at is None:
            self.hang_up(Hangup("originator_cancel", "caller", "487"))
        else:
            self.hang_up(Hangup("normal_clearing", "caller"))

    def set_client_state(self, client_state: str) -> None:
        """Later webhooks of this leg carry it."""
        self.facts = replace(self.facts, client_state=client_state)

    def warn(self, sentence: str) -> None:
        """Say something once, in the log and in the call's report."""
        if sentence not in self._warnings and len(self._warnings) < _MAX_WARNINGS:
            self._warnings[sentence] = None
            log.warning("%s: %s", self.id, sentence)

    def key_arrives(self, digit: str) -> None:
        """A key sent to this leg's telephone."""
        if len(self._digits_sent) < _MAX_DIGITS_KEPT:
            self._digits_sent.append(digit)
        self.party.press(digit)

    @property
    def warnings(self) -> list[str]:
        """What went wrong with the call so far, in sentences."""
        return [*self._warnings, *self.party.warnings]

    def report(self) -> dict[str, Any]:
        """The telephone's side of the call; times in milliseconds from the answer.

        `simulator_late`: how often media of any call left more than 20 ms late while this one was up.
        """
        ended = None
        if self.hangup is not None:
            ended = {"cause": self.hangup.cause, "source": self.hangup.source, "sip": self.hangup.sip}
        return {
            "call_control_id": self.id,
            "state": self.state,
            "direction": self.facts.direction,
            "from": self.facts.from_number,
            "to": self.facts.to_number,
            **self.party.report(),
            "ended": ended,
            "codec": self.party.codec,
            **self.stream.report(),
            "digits": "".join(self._digits_sent),
            "simulator_late": self._late,
            "findings": self.findings.report(),
            "warnings": self.warnings,
        }

    def _tick(self) -> None:
        """20 ms of the call, both ways."""
        try:
            stream, bridge, line = self.stream, self.bridge, self._line
            application = stream.hear()
            heard = application if stream.reaches_self else None
            if bridge is not None:
                heard = mix(heard, bridge.from_other(self))
            elif application is not None and not stream.reaches_self:
                self.findings.note(Rule.WRONG_LEG)
            if self.player:
                heard = mix(heard, self.player.take())
            said = self.party.tick(heard if line.clean else line.heard(heard))
            self._packets += 1
            if said.digit is not None:
                self._key_pressed(said.digit)
            if bridge is not None:
                bridge.carry(self, said.samples, application if stream.reaches_other else None)
            stream.carry(said.samples, heard)
            if self.recordings:
                self.recordings.tick(said.samples, heard)
            if self.tap is not None:
                self.tap.tick(self._packets - 1, said.samples, heard)
            if said.hang_up:
                self.party_hangs_up()
        except Exception as error:
            self._fail(error)

    def _key_pressed(self, digit: str) -> None:
        self.tell(Dtmf(digit))
        if digit == "*":
            self.star.set()
        self.stream.press(digit)
        self.keypad.press(digit)
        self.recordings.press(digit)
        if self.bridge is not None:
            self.bridge.press(self, digit)

    def _leave_wheel(self, handle: int) -> None:
        wheel = self.facilities.wheel
        wheel.remove(handle)
        self._late = wheel.punctuality.late_over_20_ms - self._late_before

    def _fail(self, error: Exception) -> None:
        log.error("%s: the simulator failed.", self.id, exc_info=error)
        self.warn(f"The simulator failed and ended the call: {error!r}; its log has the details.")
        self.hang_up(Hangup("unspecified", "unknown", "500"))

    async def _end(self) -> None:
        if self._on_wheel is not None:
            self._leave_wheel(self._on_wheel)
        hangup = self.hangup or Hangup("unspecified", "unknown", "unspecified")
        self.hangup = hangup
        self.keypad.cancel("call_hangup")
        self.player.stop("all", "call_hangup")
        if self._telling:
            await asyncio.wait(self._telling, timeout=_LAST_WORDS_SECONDS)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.stream.close()
        self.ended_at = datetime.now(UTC)
        self.party.close()
        if self.bridge is not None:
            self.bridge.leave(self)
        log.info("%s: ended, %s by %s.", self.id, hangup.cause, hangup.source)
        stats = LineStats(received=self._packets, sent=self._packets)
        self.tell(HungUp(hangup, self.answered_at, self.ended_at, self._line.count(stats)))
        await self.recordings.close()
        if self.tap is not None:
            await self.tap.close()
        seconds = 0 if self.answered_at is None else (self.ended_at - self.answered_at).total_seconds()
        self.tell(Charged(round(seconds)))
        self.announcer.close()
        self.over.set()

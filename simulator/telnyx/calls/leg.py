"""One call: a telephone on one side, the application's media stream on the other, and what passes between them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from simulator.addresses import shown
from simulator.caller.party import Party
from simulator.pacing import Wheel
from simulator.speech.synthesiser import SpeechUnavailable
from simulator.telnyx.facts import CallFacts, Hangup
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.media.stream import MediaStream, StreamFailed
from simulator.telnyx.media.wire import StartFields
from simulator.telnyx.webhooks import texml_wire
from simulator.telnyx.webhooks.announce import Announcer

log = logging.getLogger(__name__)

_MAX_WARNINGS: Final = 50

State = Literal["ringing", "answered", "ended"]


class Call:
    def __init__(self, facts: CallFacts, party: Party, announcer: Announcer, wheel: Wheel) -> None:
        self.facts = facts
        self.party = party
        self.hangup: Hangup | None = None
        self.answered_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.over = asyncio.Event()
        """Set when the call is hung up and its stream closed; webhooks may still be on their way."""
        self._announcer = announcer
        self._wheel = wheel
        self._on_wheel: int | None = None
        self._hung_up = asyncio.Event()
        self._stream: MediaStream | None = None
        self._packets = 0
        self._frames_sent = 0
        self._frames_received = 0
        self._warnings: dict[str, None] = {}

    @property
    def id(self) -> str:
        return self.facts.ids.call_control_id

    @property
    def state(self) -> State:
        if self.hangup is not None:
            return "ended"
        return "ringing" if self.answered_at is None else "answered"

    async def run(self, flow: Callable[[Call], Awaitable[None]]) -> None:
        """Live until hung up.

        `flow` is what the network does meanwhile. It is cancelled at the hang-up; when it returns before, the call
        stays up in silence.
        """
        facts = self.facts
        log.info("%s: %s call from %s to %s.", self.id, facts.direction, facts.from_number, facts.to_number)
        self._announcer.initiated(facts)
        flowing = asyncio.create_task(self._run_flow(flow))
        try:
            await self._hung_up.wait()
        finally:
            flowing.cancel()
            await asyncio.wait({flowing})
            self._end()

    async def prepare(self) -> bool:
        """Have the party's lines spoken; if they cannot be, the call ends and its warnings say why."""
        try:
            await self.party.prepare()
            return True
        except (SpeechUnavailable, ValueError) as error:
            self.warn(f"The simulated caller cannot speak: {error}")
            self.hang_up(Hangup("unspecified", "unknown", "unspecified"))
            return False

    def answer(self) -> None:
        """From now on audio flows; the caller's clock starts."""
        self.answered_at = datetime.now(UTC)
        self._on_wheel = self._wheel.add(self._tick)
        log.info("%s: answered.", self.id)
        self._announcer.answered(self.facts)

    async def stream(self, options: StreamOptions) -> None:
        """Open a media stream and carry audio until the application closes it; at once if it does not open."""
        stream = MediaStream(options, self._start_fields(options), options.codec_of(self.party.codec), self.warn)
        try:
            await stream.open()
        except StreamFailed as failed:
            self.warn(str(failed))
            self._announcer.streaming_failed(self.facts, options, stream.stream_id, str(failed))
            return
        log.info("%s: media stream to %s is open.", self.id, shown(options.url))
        self._announcer.streaming_started(self.facts, options, stream.stream_id)
        self._stream = stream
        try:
            await stream.run()
        finally:
            self._stream = None
            await stream.close()
            self._frames_sent += stream.frames_sent
            self._frames_received += stream.frames_received
            log.info("%s: media stream is closed.", self.id)
            self._announcer.streaming_stopped(self.facts, options, stream.stream_id)

    def hang_up(self, hangup: Hangup) -> None:
        """End the call; the first reason counts."""
        if self.hangup is None:
            self.hangup = hangup
            self._hung_up.set()

    def party_hangs_up(self) -> None:
        self.hang_up(Hangup("normal_clearing", "caller" if self.facts.direction == "incoming" else "callee"))

    def application_hangs_up(self) -> None:
        """By a command, by TeXML, or by the simulator's own end."""
        if self.facts.direction == "incoming":
            self.hang_up(Hangup("normal_clearing", "callee"))
        elif self.answered_at is None:
            self.hang_up(Hangup("originator_cancel", "caller", "487"))
        else:
            self.hang_up(Hangup("normal_clearing", "caller"))

    def set_client_state(self, client_state: str) -> None:
        """Later webhooks of this call carry it."""
        self.facts = replace(self.facts, client_state=client_state)

    def warn(self, sentence: str) -> None:
        """Say something once, in the log and in the call's report."""
        if sentence not in self._warnings and len(self._warnings) < _MAX_WARNINGS:
            self._warnings[sentence] = None
            log.warning("%s: %s", self.id, sentence)

    def report(self) -> dict[str, Any]:
        """The caller's side of the call; times in milliseconds from the answer."""
        live = self._stream
        ended = None if self.hangup is None else {"cause": self.hangup.cause, "source": self.hangup.source}
        return {
            "call_control_id": self.id,
            "state": self.state,
            "direction": self.facts.direction,
            "from": self.facts.from_number,
            "to": self.facts.to_number,
            **self.party.report(),
            "ended": ended,
            "codec": self.party.codec,
            "frames_sent": self._frames_sent + (live.frames_sent if live else 0),
            "frames_received": self._frames_received + (live.frames_received if live else 0),
            "warnings": [*self._warnings, *self.party.warnings],
        }

    async def _run_flow(self, flow: Callable[[Call], Awaitable[None]]) -> None:
        try:
            await flow(self)
        except Exception as error:
            self._fail(error)

    def _tick(self) -> None:
        try:
            stream = self._stream
            heard = stream.hear() if stream is not None else None
            said = self.party.tick(heard)
            self._packets += 1
            if stream is not None:
                stream.carry(said.samples, heard)
                if said.digit is not None:
                    stream.press(said.digit)
            if said.hang_up:
                self.party_hangs_up()
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        log.error("%s: the simulator failed.", self.id, exc_info=error)
        self.warn(f"The simulator failed and ended the call: {error!r}; its log has the details.")
        self.hang_up(Hangup("unspecified", "unknown", "500"))

    def _end(self) -> None:
        if self._on_wheel is not None:
            self._wheel.remove(self._on_wheel)
        self.ended_at = datetime.now(UTC)
        self.party.close()
        hangup = self.hangup or Hangup("unspecified", "unknown", "unspecified")
        log.info("%s: ended, %s by %s.", self.id, hangup.cause, hangup.source)
        self._announcer.ended(self.facts, hangup, self._packets, self._packets)
        self.over.set()

    def _start_fields(self, options: StreamOptions) -> StartFields:
        return StartFields(
            user_id=texml_wire.ACCOUNT_SID,
            call_control_id=self.id,
            call_session_id=self.facts.ids.call_session_id,
            from_number=self.facts.from_number,
            to_number=self.facts.to_number,
            encoding=options.codec_of(self.party.codec),
            sample_rate=8000,
            client_state=self.facts.client_state,
            custom_parameters=options.custom_parameters,
        )

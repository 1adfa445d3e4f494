"""Who is told what about a call: Call Control webhooks, or TeXML callbacks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Protocol

from simulator.telnyx.facts import CallFacts
from simulator.telnyx.happenings import (
    Answered,
    Charged,
    GreetingEnded,
    Happening,
    MachineDetected,
    RecordingFailed,
    RecordingSaved,
    RecordingStarted,
    StreamFailed,
    StreamStarted,
    StreamStopped,
)
from simulator.telnyx.routing import AnsweredBy, Callback, Method, Routing, Target
from simulator.telnyx.webhooks import control_wire, texml_wire
from simulator.telnyx.webhooks.delivery import Webhooks
from simulator.telnyx.webhooks.envelope import Event, FormBody
from simulator.telnyx.webhooks.message import Delivery, Observer
from simulator.telnyx.webhooks.texml_wire import Form


class Announcer(Protocol):
    """Takes everything that happens to one leg, in order, without waiting; needs a running event loop."""

    def tell(self, facts: CallFacts, happening: Happening) -> None:
        """Tell the application, if Telnyx tells of such a happening and the application wants to know."""

    def close(self) -> None:
        """Nothing more will be told; what was told still arrives. Recordings and costs come after the hang-up."""


class ControlAnnouncer:
    """The webhooks of a Call Control leg.

    `routing` may be replaced at any time and counts for what is told from then on. `cost`: whether `call.cost` is
    sent, which is the application's `call_cost_in_webhooks`.
    """

    def __init__(
        self, webhooks: Webhooks, routing: Routing, cost: bool = False, on_answer: Observer | None = None
    ) -> None:
        self.routing = routing
        self._cost = cost
        self._channel = webhooks.channel(on_answer)

    def tell(self, facts: CallFacts, happening: Happening) -> None:
        if isinstance(happening, Charged) and not self._cost:
            return
        now = datetime.now(UTC)
        told = control_wire.payload(facts, happening, now)
        if told is None:
            return
        event_type, payload = told
        routing = self.routing
        for target in routing.targets(event_type):
            event = Event(event_type, payload, now, routing.api_version)
            self._channel.send(
                Delivery(
                    event_type,
                    target,
                    event,
                    facts,
                    failover_url=routing.failover_url,
                    timeout_seconds=routing.timeout_seconds or None,
                    retries_ms=routing.retries_ms.get(event_type),
                )
            )

    def close(self) -> None:
        self._channel.close()


class TexmlAnnouncer:
    """The form callbacks of a TeXML leg; each stream and each recording names its own.

    `status` and `amd` may be replaced at any time and count for what is told from then on. `answered_by` is who
    answered, once `detected` is set.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        status: Callback | None = None,
        amd: Callback | None = None,
        on_answer: Observer | None = None,
        amd_at_message_end: bool = False,
        parent_sid: str | None = None,
    ) -> None:
        """`amd_at_message_end`: MachineDetection is DetectMessageEnd, not Enable.

        `parent_sid`: the call that dialled this one.
        """
        self.status = status
        self.amd = amd
        self.amd_at_message_end = amd_at_message_end
        self.answered_by: AnsweredBy | None = None
        self.detected = asyncio.Event()
        self._parent_sid = parent_sid
        self._answered_at: datetime | None = None
        self._channel = webhooks.channel(on_answer)

    def tell(self, facts: CallFacts, happening: Happening) -> None:
        now = datetime.now(UTC)
        match happening:
            case StreamStarted() | StreamStopped() | StreamFailed():
                self._tell_stream(facts, happening, now)
            case MachineDetected() | GreetingEnded():
                self._tell_machine(facts, happening, now)
            case RecordingStarted() | RecordingSaved() | RecordingFailed():
                self._tell_recording(facts, happening)
            case _:
                self._tell_status(facts, happening, now)

    def close(self) -> None:
        self._channel.close()

    def _tell_status(self, facts: CallFacts, happening: Happening, now: datetime) -> None:
        if isinstance(happening, Answered):
            self._answered_at = now
        told = texml_wire.status(facts, happening, now, self._parent_sid)
        if told is None or self.status is None:
            return
        event, form = told
        if event in self.status.events:
            self._send(facts, event, self.status.url, self.status.method, form)

    def _tell_machine(self, facts: CallFacts, happening: MachineDetected | GreetingEnded, now: datetime) -> None:
        # A machine is told of once: when it is detected, or with DetectMessageEnd when its greeting is over.
        found = texml_wire.answered_by(happening)
        if self.detected.is_set() or (found == "machine" and self.amd_at_message_end):
            return
        if isinstance(happening, GreetingEnded) and not self.amd_at_message_end:
            found = "machine"
        self.answered_by = found
        self.detected.set()
        if self.amd is None:
            return
        milliseconds = int((now - (self._answered_at or now)).total_seconds() * 1000)
        form = texml_wire.machine_detected(facts, found, milliseconds)
        self._send(facts, "amd", self.amd.url, self.amd.method, form)

    def _tell_recording(
        self, facts: CallFacts, happening: RecordingStarted | RecordingSaved | RecordingFailed
    ) -> None:
        event, form = texml_wire.recording_status(facts, happening)
        callback = happening.callback
        if callback is not None and event in callback.events:
            self._send(facts, f"recording-{event}", callback.url, callback.method, form)

    def _tell_stream(
        self, facts: CallFacts, happening: StreamStarted | StreamStopped | StreamFailed, now: datetime
    ) -> None:
        stream = happening.stream
        if stream.status_callback is not None:
            event, form = texml_wire.stream_event(facts, happening, now)
            self._send(facts, event, stream.status_callback, stream.status_callback_method, form)

    def _send(self, facts: CallFacts, what: str, url: str, method: Method, form: Form) -> None:
        self._channel.send(Delivery(what, Target(url, method), FormBody(what, form), facts))

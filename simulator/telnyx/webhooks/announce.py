"""Who is told what about a call: Call Control webhooks, or TeXML callbacks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

from simulator.telnyx.facts import CallFacts, Hangup
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.webhooks import control_wire as webhook_wire
from simulator.telnyx.webhooks import texml_wire
from simulator.telnyx.webhooks.delivery import Channel, Delivery
from simulator.telnyx.webhooks.texml_wire import Form, StreamEvent

FORM: str = "application/x-www-form-urlencoded"


class Announcer(Protocol):
    """Takes each milestone of one call, in order, without waiting."""

    def initiated(self, call: CallFacts) -> None: ...
    def answered(self, call: CallFacts) -> None: ...
    def streaming_started(self, call: CallFacts, stream: StreamOptions, stream_id: str) -> None: ...
    def streaming_stopped(self, call: CallFacts, stream: StreamOptions, stream_id: str) -> None: ...
    def streaming_failed(self, call: CallFacts, stream: StreamOptions, stream_id: str, why: str) -> None: ...
    def ended(self, call: CallFacts, hangup: Hangup, packets_received: int, packets_sent: int) -> None: ...


@dataclass
class ControlAnnouncer:
    """The webhooks of a Call Control call, to the dial's `webhook_url`; without one nobody is told."""

    channel: Channel
    url: str | None

    def initiated(self, call: CallFacts) -> None:
        self._send("call.initiated", webhook_wire.initiated(call))

    def answered(self, call: CallFacts) -> None:
        self._send("call.answered", webhook_wire.answered(call))

    def streaming_started(self, call: CallFacts, stream: StreamOptions, stream_id: str) -> None:
        self._send("streaming.started", webhook_wire.streaming(call, stream))

    def streaming_stopped(self, call: CallFacts, stream: StreamOptions, stream_id: str) -> None:
        self._send("streaming.stopped", webhook_wire.streaming(call, stream))

    def streaming_failed(self, call: CallFacts, stream: StreamOptions, stream_id: str, why: str) -> None:
        self._send("streaming.failed", webhook_wire.streaming_failed(call, stream, stream_id))

    def ended(self, call: CallFacts, hangup: Hangup, packets_received: int, packets_sent: int) -> None:
        payload = webhook_wire.hangup(call, hangup, datetime.now(UTC), packets_received, packets_sent)
        self._send("call.hangup", payload)
        self.channel.close()

    def _send(self, event_type: str, payload: dict[str, Any]) -> None:
        if self.url is None:
            return
        event = webhook_wire.event(event_type, payload, self.url, datetime.now(UTC))
        self.channel.send(Delivery(event_type, self.url, event.encode))


@dataclass
class TexmlAnnouncer:
    """The form callbacks of a TeXML call: its status callback, and the one each `<Stream>` names."""

    channel: Channel
    status_callback: str | None
    answered_at: datetime | None = None

    def initiated(self, call: CallFacts) -> None:
        self._status("initiated", texml_wire.call_initiated(call))

    def answered(self, call: CallFacts) -> None:
        self.answered_at = datetime.now(UTC)
        self._status("answered", texml_wire.call_answered(call, self.answered_at))

    def streaming_started(self, call: CallFacts, stream: StreamOptions, stream_id: str) -> None:
        self._stream(call, stream, stream_id, "stream-started")

    def streaming_stopped(self, call: CallFacts, stream: StreamOptions, stream_id: str) -> None:
        self._stream(call, stream, stream_id, "stream-stopped")

    def streaming_failed(self, call: CallFacts, stream: StreamOptions, stream_id: str, why: str) -> None:
        self._stream(call, stream, stream_id, "stream-failed", why)

    def ended(self, call: CallFacts, hangup: Hangup, packets_received: int, packets_sent: int) -> None:
        self._status("completed", texml_wire.call_completed(call, hangup, self.answered_at, datetime.now(UTC)))
        self.channel.close()

    def _status(self, event: str, form: Form) -> None:
        if self.status_callback is not None:
            self._send(f"Status callback {event}", self.status_callback, "POST", form)

    def _stream(
        self, call: CallFacts, stream: StreamOptions, stream_id: str, event: StreamEvent, error: str = ""
    ) -> None:
        if stream.status_callback is not None:
            form = texml_wire.stream_event(call, stream, stream_id, event, datetime.now(UTC), error)
            self._send(event, stream.status_callback, stream.status_callback_method, form)

    def _send(self, what: str, url: str, method: Literal["GET", "POST"], form: Form) -> None:
        body = urlencode(form).encode()
        self.channel.send(Delivery(what, url, lambda attempt: body, FORM, method))

"""What was commanded and what was delivered, as Telnyx lists both. Bounded: the newest of 24 hours.

Sources: the schemas `CallEvent` and `webhook_delivery` of Telnyx's OpenAPI document (telnyx package 4.189,
`CallEventListResponse`, `WebhookDelivery`) and the examples of "List call events" and "List webhook deliveries".
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from simulator.telnyx.facts import CallFacts
from simulator.telnyx.identifiers import timestamp
from simulator.telnyx.webhooks.client import Answer
from simulator.telnyx.webhooks.envelope import Content
from simulator.telnyx.webhooks.texml_wire import ACCOUNT_SID

_EVENTS: Final = 5000
_DELIVERIES: Final = 1000
_AGE: Final = timedelta(hours=24)
_MAX_TEXT_BYTES: Final = 10_000
_DELIVERY_FAILED: Final = 75499
"""The error code that Telnyx's example shows for an attempt that failed."""

Product = Literal["call_control", "texml"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of a delivery. `sent_to` is `url` with the query of a GET; `answer` None: there was none."""

    number: int
    url: str
    sent_to: str
    headers: Mapping[str, str]
    started_at: datetime
    finished_at: datetime
    elapsed_ms: float
    answer: Answer | None
    problem: str

    @property
    def delivered(self) -> bool:
        return self.answer is not None and 200 <= self.answer.status < 300

    @property
    def refused(self) -> bool:
        """An answer that another attempt at the same address will not change."""
        status = None if self.answer is None else self.answer.status
        return status is not None and not self.delivered and status not in (408, 429) and status < 500

    @property
    def status(self) -> Literal["delivered", "failed"]:
        return "delivered" if self.delivered else "failed"


@dataclass(frozen=True, slots=True)
class CallEvent:
    """An entry of GET /v2/call_events and what it can be filtered by. `failed` None: it is a command."""

    at: datetime
    facts: CallFacts
    product: str
    failed: bool | None
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """An entry of GET /v2/webhook_deliveries and what it can be filtered by."""

    id: str
    started_at: datetime
    finished_at: datetime
    body: dict[str, Any]


class History:
    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._events: deque[CallEvent] = deque(maxlen=_EVENTS)
        self._deliveries: deque[WebhookDelivery] = deque(maxlen=_DELIVERIES)

    def command(
        self,
        facts: CallFacts,
        name: str,
        metadata: Mapping[str, Any],
        product: Product = "call_control",
    ) -> None:
        """An application's command, such as `dial`. `metadata` must be valid JSON."""
        self._add(facts, "command", name, dict(metadata), product, None)

    def attempt(self, facts: CallFacts, content: Content, attempt: Attempt) -> None:
        """One attempt to deliver an event."""
        event = content.record()
        metadata = {
            "attempt": attempt.number,
            "delivered_to": attempt.url,
            "event": event,
            "status": attempt.status,
        }
        self._add(facts, "webhook", event["event_type"], metadata, content.product, not attempt.delivered)

    def webhook(self, content: Content, attempts: Sequence[Attempt]) -> None:
        """A delivery that is over, with its attempts in order; there is at least one."""
        first, last = attempts[0], attempts[-1]
        body = {
            "id": str(uuid.uuid4()),
            "user_id": ACCOUNT_SID,
            "record_type": "webhook_delivery",
            "status": last.status,
            "webhook": content.record(),
            "started_at": timestamp(first.started_at),
            "finished_at": timestamp(last.finished_at),
            "attempts": [_attempt_body(attempt) for attempt in reversed(attempts)],
        }
        self._deliveries.append(WebhookDelivery(body["id"], first.started_at, last.finished_at, body))

    def events(self) -> list[CallEvent]:
        """Those of the last 24 hours, the oldest first."""
        oldest = self._now() - _AGE
        return [event for event in self._events if event.at >= oldest]

    def deliveries(self) -> list[WebhookDelivery]:
        """The newest first."""
        return list(reversed(self._deliveries))

    def delivery(self, delivery_id: str) -> WebhookDelivery | None:
        """By its own id, or by that of its event."""
        for delivery in reversed(self._deliveries):
            if delivery_id.lower() in (delivery.id, delivery.body["webhook"]["id"]):
                return delivery
        return None

    def _add(
        self,
        facts: CallFacts,
        kind: Literal["command", "webhook"],
        name: str,
        metadata: dict[str, Any],
        product: str,
        failed: bool | None,
    ) -> None:
        at = self._now()
        body = {
            "record_type": "call_event",
            "type": kind,
            "name": name,
            "call_leg_id": facts.ids.call_leg_id,
            "call_session_id": facts.ids.call_session_id,
            "event_timestamp": timestamp(at),
            "metadata": metadata,
        }
        self._events.append(CallEvent(at, facts, product, failed, body))


def _attempt_body(attempt: Attempt) -> dict[str, Any]:
    http: dict[str, Any] = {"request": {"url": attempt.sent_to, "headers": _headers(attempt.headers.items())}}
    if attempt.answer is not None:
        http["response"] = {
            "status": attempt.answer.status,
            "headers": _headers(attempt.answer.headers),
            "body": attempt.answer.body[:_MAX_TEXT_BYTES].decode(errors="replace"),
        }
    body: dict[str, Any] = {
        "status": attempt.status,
        "started_at": timestamp(attempt.started_at),
        "finished_at": timestamp(attempt.finished_at),
        "http": http,
    }
    return body if attempt.delivered else body | {"errors": [_DELIVERY_FAILED]}


def _headers(headers: Any) -> list[list[str]]:
    shown: list[list[str]] = []
    room = _MAX_TEXT_BYTES
    for name, value in headers:
        room -= len(name) + len(value)
        if room < 0:
            break
        shown.append([name, value])
    return shown

"""What one delivery carries: an event in Telnyx's envelope, or a form. Pure.

Sources: Telnyx, "Webhook Fundamentals" (version 2), "Call Webhooks" of API version 1, "Voice API Webhooks" (GET).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol, cast
from urllib.parse import urlencode

import msgspec

from simulator.telnyx.identifiers import timestamp
from simulator.telnyx.routing import ApiVersion

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


class Content(Protocol):
    """The content of a delivery; the same at every attempt but for what counts attempts."""

    @property
    def content_type(self) -> str: ...
    @property
    def product(self) -> str:
        """`call_control` or `texml`."""
        ...

    def body(self, attempt: int, url: str) -> bytes:
        """What is posted; `attempt` counts from 1."""
        ...

    def query(self, attempt: int, url: str) -> str:
        """What a GET carries instead."""
        ...

    def record(self) -> dict[str, Any]:
        """The event as the histories list it."""
        ...


@dataclass(frozen=True, slots=True)
class Event:
    """A Call Control event. With version 1 there is no envelope, and types and times have their older names."""

    event_type: str
    payload: dict[str, Any]
    occurred_at: datetime
    api_version: ApiVersion = "2"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    content_type: str = JSON
    product: str = "call_control"

    def body(self, attempt: int, url: str) -> bytes:
        return msgspec.json.encode(self._message(attempt, url))

    def query(self, attempt: int, url: str) -> str:
        """Nested names are in brackets, as in Telnyx's own queries: `data[payload][digit]=1`."""
        return urlencode(list(_flat(self._message(attempt, url))))

    def record(self) -> dict[str, Any]:
        return {
            "event_type": _first_name(self.event_type) if self.api_version == "1" else self.event_type,
            "id": self.id,
            "occurred_at": timestamp(self.occurred_at),
            "payload": self.payload,
            "record_type": "event",
        }

    def _message(self, attempt: int, url: str) -> dict[str, Any]:
        if self.api_version == "1":
            return self._first_version()
        return {"data": self.record(), "meta": {"attempt": attempt, "delivered_to": url}}

    def _first_version(self) -> dict[str, Any]:
        at = timestamp(self.occurred_at)
        state = _FIRST_STATES.get(self.event_type)
        payload = self.payload | {"occurred_at": at} | ({"state": state} if state else {})
        return {
            "record_type": "event",
            "id": self.id,
            "event_type": _first_name(self.event_type),
            "created_at": at,
            "payload": payload,
        }


@dataclass(frozen=True, slots=True)
class FormBody:
    """A TeXML callback: the same parameters as a body or as a query. `what` names it in logs and histories."""

    what: str
    form: dict[str, str]
    occurred_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    content_type: str = FORM
    product: str = "texml"

    def body(self, attempt: int, url: str) -> bytes:
        return urlencode(self.form).encode()

    def query(self, attempt: int, url: str) -> str:
        return urlencode(self.form)

    def record(self) -> dict[str, Any]:
        return {
            "event_type": self.what,
            "id": self.id,
            "occurred_at": timestamp(self.occurred_at),
            "payload": dict(self.form),
            "record_type": "event",
        }


_FIRST_STATES: Final = {"call.answered": "answered", "call.bridged": "bridged", "call.hangup": "hangup"}
"""Version 1 always names the state, which version 2 leaves out of these in production."""

_FIRST_NAMES: Final = {"call.dtmf.received": "dtmf"}


def _first_name(event_type: str) -> str:
    """`call.answered` was `call_answered`, but `call.speak.ended` was `speak_ended`."""
    if event_type in _FIRST_NAMES:
        return _FIRST_NAMES[event_type]
    prefix, _, rest = event_type.partition(".")
    return rest.replace(".", "_") if prefix == "call" and "." in rest else event_type.replace(".", "_")


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        return [pair for key, item in entries.items() for pair in _flat(item, f"{name}[{key}]" if name else key)]
    if isinstance(value, list | tuple):
        items = cast("list[Any]", value)
        return [pair for index, item in enumerate(items) for pair in _flat(item, f"{name}[{index}]")]
    if value is None:
        return [(name, "")]
    return [(name, str(value).lower() if isinstance(value, bool) else str(value))]

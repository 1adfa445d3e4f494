"""The histories as Telnyx filters and pages them. Pure.

Source: parameters of GET /v2/call_events and GET /v2/webhook_deliveries in Telnyx's OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from simulator.telnyx.errors import Code
from simulator.telnyx.paging import Condition, Query, paged, query_error, read_conditions, read_page
from simulator.telnyx.webhooks.history import CallEvent, History, WebhookDelivery

_EVENT_FILTERS: Final = (
    "application_name[contains]",
    "application_session_id",
    "connection_id",
    "failed",
    "from",
    "leg_id",
    "name",
    "occurred_at",
    "occurred_at[gt]",
    "occurred_at[gte]",
    "occurred_at[lt]",
    "occurred_at[lte]",
    "outbound.outbound_voice_profile_id",
    "product",
    "status",
    "to",
    "type",
)
_DELIVERY_FILTERS: Final = (
    "attempts[contains]",
    "event_type",
    "finished_at[gte]",
    "finished_at[lte]",
    "started_at[gte]",
    "started_at[lte]",
    "status",
    "webhook[contains]",
)
_CHOICES: Final = {
    "failed": ("true", "false"),
    "product": ("call_control", "fax", "texml"),
    "type": ("command", "webhook"),
}
_CONFERENCE_STATUSES: Final = ("init", "in_progress", "completed")
_LEAST_NAME: Final = 3

Belongs = Callable[[str, str, str], bool]
"""(connection id, `application_name` or `outbound_voice_profile_id`, what was asked for) → whether it is so."""


def call_events(history: History, query: Query, belongs: Belongs) -> dict[str, Any]:
    """The body of GET /v2/call_events, in the order of the events. Raises TelnyxError."""
    conditions = read_conditions(query, _EVENT_FILTERS)
    for condition in conditions:
        _check_event(condition)
    shown = [
        event.body
        for event in history.events()
        if all(_event_fits(event, condition, belongs) for condition in conditions)
    ]
    return paged(shown, read_page(query))


def webhook_deliveries(history: History, query: Query) -> dict[str, Any]:
    """The body of GET /v2/webhook_deliveries, the newest first. Raises TelnyxError."""
    conditions = read_conditions(query, _DELIVERY_FILTERS, arrays=("event_type",))
    for condition in conditions:
        if condition.field in ("started_at", "finished_at"):
            _time(condition)
        elif condition.field == "status":
            _one_of(condition, ("delivered", "failed"))
    shown = [
        delivery.body
        for delivery in history.deliveries()
        if all(_delivery_fits(delivery, condition) for condition in conditions)
    ]
    return paged(shown, read_page(query))


def _check_event(condition: Condition) -> None:
    if condition.field in _CHOICES:
        _one_of(condition, _CHOICES[condition.field])
    elif condition.field == "status":
        _one_of(condition, _CONFERENCE_STATUSES)
    elif condition.field == "occurred_at":
        _time(condition)
    elif condition.field == "application_name" and any(len(value) < _LEAST_NAME for value in condition.values):
        raise query_error(
            f"{condition.parameter} needs at least three characters.", condition.parameter, Code.INVALID_FILTER
        )


def _event_fits(event: CallEvent, condition: Condition, belongs: Belongs) -> bool:
    field, values = condition.field, condition.values
    if field == "occurred_at":
        return _compares(event.at, condition)
    if field == "status":
        # It filters conferences, which are no part of these events.
        return True
    if field == "failed":
        return event.failed is not None and str(event.failed).lower() in values
    if field in ("application_name", "outbound.outbound_voice_profile_id"):
        name = field.removeprefix("outbound.")
        return any(belongs(event.facts.connection_id, name, value) for value in values)
    return _text(event, field) in values


def _text(event: CallEvent, field: str) -> str:
    facts = event.facts
    return {
        "application_session_id": facts.ids.call_session_id,
        "connection_id": facts.connection_id,
        "from": facts.from_number,
        "leg_id": facts.ids.call_leg_id,
        "name": event.body["name"],
        "product": event.product,
        "to": facts.to_number,
        "type": event.body["type"],
    }[field]


def _delivery_fits(delivery: WebhookDelivery, condition: Condition) -> bool:
    body = delivery.body
    match condition.field:
        case "started_at":
            return _compares(delivery.started_at, condition)
        case "finished_at":
            return _compares(delivery.finished_at, condition)
        case "status":
            return body["status"] in condition.values
        case "event_type":
            return body["webhook"]["event_type"] in condition.values
        case part:
            text = msgspec.json.encode(body[part]).decode()
            return any(value in text for value in condition.values)


def _one_of(condition: Condition, choices: tuple[str, ...]) -> None:
    if not condition.values or any(value not in choices for value in condition.values):
        detail = f"{condition.parameter} must be one of {', '.join(choices)}."
        raise query_error(detail, condition.parameter, Code.INVALID_FILTER)


def _time(condition: Condition) -> datetime:
    """The last of the values as a time; one without a zone is in UTC."""
    try:
        moment = datetime.fromisoformat(condition.values[-1])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (IndexError, ValueError, OverflowError):
        detail = f"{condition.parameter} must be an ISO 8601 time, such as 2026-01-31T12:00:00Z."
        raise query_error(detail, condition.parameter, Code.INVALID_FILTER) from None


def _compares(moment: datetime, condition: Condition) -> bool:
    asked = _time(condition)
    match condition.operator:
        case "gt":
            return moment > asked
        case "gte":
            return moment >= asked
        case "lt":
            return moment < asked
        case "lte":
            return moment <= asked
        case _:
            return moment == asked

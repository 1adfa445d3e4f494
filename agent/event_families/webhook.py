"""What the carrier told: ``webhook.*``."""

from __future__ import annotations

from agent.event_families.envelope import Event


class WebhookReceived(Event, tag="webhook.received"):
    """A webhook with a good signature. ``age_ms`` is its signed time against our clock (whole seconds at
    the source). A duplicate is acknowledged and otherwise ignored."""

    event_type: str
    event_id: str
    age_ms: int
    attempt: int = 1
    duplicate: bool = False


class WebhookRejected(Event, tag="webhook.rejected"):
    """A webhook or TeXML request that was refused; nothing in its body was believed."""

    route: str
    reason: str

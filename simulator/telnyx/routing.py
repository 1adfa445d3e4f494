"""Where the events and callbacks of a call go. Pure.

Source: Telnyx, "Voice API Webhooks" (configuration levels); types of the telnyx package 4.189, `CallDialParams`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

Method = Literal["GET", "POST"]
ApiVersion = Literal["1", "2"]
StatusEvent = Literal["initiated", "ringing", "answered", "completed"]
RecordingEvent = Literal["in-progress", "completed", "absent"]
AnsweredBy = Literal[
    "human", "machine", "machine_end_beep", "machine_end_silence", "machine_end_other", "fax", "unknown"
]

STATUS_EVENTS: Final = frozenset[str](("initiated", "ringing", "answered", "completed"))
COMPLETED: Final = frozenset[str](("completed",))
"""What callbacks tell when nobody says which events."""


@dataclass(frozen=True, slots=True)
class Target:
    """One address of a delivery."""

    url: str
    method: Method = "POST"


@dataclass(frozen=True, slots=True)
class Routing:
    """Where the events of a Call Control leg go; without addresses nobody is told.

    `event_urls` by event type go before `url`. `timeout_seconds` None or 0: Telnyx's 2 s. `retries_ms` by event
    type are the pauses before each further attempt, in milliseconds. An event that failed twice, or was refused,
    goes to `failover_url`.
    """

    url: str | None = None
    method: Method = "POST"
    event_urls: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    event_method: Method = "POST"
    failover_url: str | None = None
    timeout_seconds: float | None = None
    retries_ms: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    api_version: ApiVersion = "2"

    def targets(self, event_type: str) -> tuple[Target, ...]:
        """Each is told on its own."""
        urls = self.event_urls.get(event_type)
        if urls:
            return tuple(Target(url, self.event_method) for url in urls)
        return () if self.url is None else (Target(self.url, self.method),)

    def overridden(
        self,
        url: str | None = None,
        method: Method | None = None,
        event_urls: Mapping[str, tuple[str, ...]] | None = None,
        event_method: Method | None = None,
        retries_ms: Mapping[str, tuple[int, ...]] | None = None,
    ) -> Routing:
        """What a command's webhook parameters make of it; None leaves a part as it is."""
        return replace(
            self,
            url=self.url if url is None else url,
            method=(method or "POST") if url is not None else (method or self.method),
            event_urls=self.event_urls if event_urls is None else event_urls,
            event_method=self.event_method if event_method is None else event_method,
            retries_ms=self.retries_ms if retries_ms is None else retries_ms,
        )


@dataclass(frozen=True, slots=True)
class Callback:
    """One of a TeXML call's callback addresses and the events it is told of."""

    url: str
    method: Method = "POST"
    events: frozenset[str] = COMPLETED

"""A message on its way to an application, and how the application took it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from simulator.telnyx.facts import CallFacts
from simulator.telnyx.routing import Target
from simulator.telnyx.webhooks.envelope import Content

DEADLINE_SECONDS: Final = 2.0
"""How long an application may take to answer (Telnyx, "Webhook Fundamentals")."""

_PAUSES: Final = (0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to an application. `timeout_seconds` None: 2 s.

    `retries_ms`: pauses before each further attempt in milliseconds, None for the usual ones.
    """

    what: str
    target: Target
    content: Content
    facts: CallFacts
    failover_url: str | None = None
    timeout_seconds: float | None = None
    retries_ms: tuple[int, ...] | None = None

    @property
    def deadline_seconds(self) -> float:
        return self.timeout_seconds or DEADLINE_SECONDS

    @property
    def pauses(self) -> tuple[float, ...]:
        """Seconds before the second attempt, the third, and so on."""
        if self.retries_ms is None:
            return _PAUSES
        return tuple(milliseconds / 1000 for milliseconds in self.retries_ms)


@dataclass(frozen=True, slots=True)
class Delivered:
    """How an application took one attempt. `status` None: no answer, for the reason in `problem`.

    `deadline_ms` is what it had for its answer.
    """

    event_type: str
    url: str
    attempt: int
    status: int | None
    elapsed_ms: float
    deadline_ms: float = DEADLINE_SECONDS * 1000
    problem: str = ""


Observer = Callable[[Delivered], None]

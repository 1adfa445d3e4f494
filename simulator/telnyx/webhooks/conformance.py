"""How an application takes its webhooks, as findings of its call.

Rules from Telnyx's "Webhook Fundamentals": a 2xx within 2,000 ms, whatever else the application has to do.
"""

from __future__ import annotations

from typing import Final

from simulator.addresses import shown
from simulator.telnyx.findings import Findings, Rule
from simulator.telnyx.webhooks.message import Delivered, Observer

_SLOW: Final = 0.5
"""The share of the deadline after which an answer is called slow: a real line adds the way to Telnyx and back."""


def noting(findings: Findings) -> Observer:
    """An observer that notes late, refused and failed deliveries."""

    def note(delivered: Delivered) -> None:
        where = f"{delivered.event_type} at {shown(delivered.url)}, attempt {delivered.attempt}"
        if delivered.status is None:
            if delivered.elapsed_ms >= delivered.deadline_ms:
                findings.note(Rule.LATE_WEBHOOK_ANSWER, f"{where}: none within {delivered.deadline_ms:.0f} ms")
            else:
                findings.note(Rule.WEBHOOK_UNREACHABLE, f"{where}: {delivered.problem}")
        elif not 200 <= delivered.status < 300:
            findings.note(Rule.WEBHOOK_REFUSED, f"{where}: HTTP {delivered.status}")
        elif delivered.elapsed_ms >= delivered.deadline_ms * _SLOW:
            findings.note(Rule.SLOW_WEBHOOK_ANSWER, f"{where}: after {delivered.elapsed_ms:.0f} ms")

    return note

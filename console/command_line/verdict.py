"""Whether a call went as it should."""

from __future__ import annotations

from agent.call_state import CallState
from console import words
from console.simulator_client import Report

NORMAL = "normal_clearing"


def failure(state: CallState, report: Report | None) -> str:
    """What went wrong, in one sentence, or nothing. ``report`` is the simulated caller's, where there is one."""
    if not state.answered_mono:
        return f"The call was not answered: {words.ending(state)}."
    if state.detail:
        return f"The call had to be ended: {state.detail}"
    for place, line in enumerate(report.lines if report is not None else [], 1):
        if line.text and not line.answered:
            said = "was not answered" if line.started_ms is not None else "was never said: the call had ended"
            return f"Line {place} ({line.text!r}) {said}."
    if state.cause != NORMAL:
        return f"The call did not end as it should: {words.ending(state)}."
    return ""


def summary(state: CallState, report: Report | None) -> str:
    """A good call in one line."""
    waits = state.latencies_ms()
    lines = sum(bool(line.text) for line in report.lines) if report is not None else 0
    parts = [f"{lines} of {lines} lines answered"] if lines else ["the call was answered"]
    parts.append(words.duration(state.duration_ms / 1000))
    if waits:
        p50, p95 = (words.seconds(words.percentile(waits, share)) for share in (0.5, 0.95))
        parts.append(f"{words.plural(len(waits), 'turn')}, e2e p50 {p50} s, p95 {p95} s")
    return ", ".join(parts)

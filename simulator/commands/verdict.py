"""Whether a call into a bot went as it should, from the simulator's account of it. Pure."""

from __future__ import annotations

from statistics import median
from typing import Any, Final

_NORMAL: Final = "normal_clearing"


def failure(report: dict[str, Any]) -> str:
    """What went wrong, in one sentence, or nothing. `report` is that of `GET /sim/calls/{id}`."""
    ended = report.get("ended") or {}
    if ended.get("cause", _NORMAL) != _NORMAL:
        return f"The call did not end as it should: {ending(report)}."
    if not report.get("heard_ms"):
        return "The caller never heard the bot."
    for place, line in enumerate(report.get("lines", ()), 1):
        if line.get("answered"):
            continue
        if line.get("started_ms") is None:
            return f"Line {place} ({words(line)}) was never said: the call had ended."
        if line.get("text"):
            return f"Line {place} ({words(line)}) was not answered."
    broken = sum(is_error(finding) for finding in report.get("findings", ()))
    if broken:
        return f"The bot broke {broken} of Telnyx's rules." if broken > 1 else "The bot broke a rule of Telnyx's."
    return ""


def summary(report: dict[str, Any]) -> str:
    """A good call in one line."""
    lines = [line for line in report.get("lines", ()) if line.get("text")]
    waits = [line["answer_after_ms"] for line in lines if line.get("answer_after_ms") is not None]
    parts = [f"{len(lines)} of {len(lines)} lines answered"] if lines else ["the call went as it should"]
    parts.append(f"the bot was heard for {report.get('heard_ms', 0) / 1000:.1f} s")
    if waits:
        parts.append(f"it answered after {median(waits) / 1000:.2f} s (median)")
    return ", ".join(parts)


def ending(report: dict[str, Any]) -> str:
    """Why the call is over and who ended it."""
    ended = report.get("ended")
    if ended is None:
        return "not over"
    sip = ended.get("sip", "unspecified")
    code = "" if sip in ("200", "unspecified") else f", SIP {sip}"
    return f"{ended.get('cause')}, by {ended.get('source')}{code}"


def words(line: dict[str, Any]) -> str:
    """What the caller says or presses."""
    return repr(line["text"]) if line.get("text") else f"keys {line.get('dtmf', '')}"


def is_error(finding: dict[str, Any]) -> bool:
    """A finding without a severity is an error."""
    return finding.get("severity", "error") == "error"

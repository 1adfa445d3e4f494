"""What an application did that Telnyx's rules do not allow, or that will not work on a real line; each with its fix."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

_MAX_DETAILS: Final = 5


class Rule(Enum):
    """Name = (what happened, what to do), one sentence each."""

    MP3_MODE = (
        "The bidirectional mode is mp3, Telnyx's default, and what was sent is not an MP3 file, so the caller "
        "hears nothing.",
        'Set stream_bidirectional_mode (TeXML: bidirectionalMode) to "rtp".',
    )
    WRONG_LEG = (
        "The target leg is opposite, Telnyx's default, and this call has no opposite leg, so the caller hears "
        "nothing.",
        'Set stream_bidirectional_target_legs to "self".',
    )

    @property
    def id(self) -> str:
        return self.name.lower().replace("_", "-")


@dataclass(slots=True)
class Finding:
    """One rule and how often it was broken; `details` are examples, at most five, each once."""

    rule: Rule
    count: int
    details: list[str]

    def report(self) -> dict[str, Any]:
        what, fix = self.rule.value
        return {"rule": self.rule.id, "what": what, "fix": fix, "count": self.count, "details": self.details}


class Findings:
    """The findings of one call."""

    def __init__(self) -> None:
        self._found: dict[Rule, Finding] = {}

    def note(self, rule: Rule, detail: str = "") -> None:
        finding = self._found.setdefault(rule, Finding(rule, 0, []))
        finding.count += 1
        if detail and len(finding.details) < _MAX_DETAILS and detail not in finding.details:
            finding.details.append(detail)

    def report(self) -> list[dict[str, Any]]:
        return [finding.report() for finding in self._found.values()]

    def __contains__(self, rule: Rule) -> bool:
        return rule in self._found

"""When Telnyx's answering machine detection would say what. Pure.

What answered is known; the times follow the settings. Sources: Telnyx, "Answering Machine Detection";
`AnsweringMachineDetectionConfig` of the telnyx package 4.189.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from simulator.telnyx.happenings import GreetingEnded, MachineDetected
from simulator.telnyx.requests.amd import AmdRules

Answered = Literal["human_residence", "human_business", "machine", "fax", "silence"]

_BEEP_TIMEOUT_MS: Final = 30_000
_VOICE_AT_MS: Final = 400
"""When whoever answers begins to speak."""
_WORD_MS: Final = 400
_BEEP_MS: Final = 300
"""How much of a beep is heard before it counts as one."""
_FAX_AT_MS: Final = 2000
_SILENT_MS: Final = 3500
"""After which premium detection, which has no setting for it, takes silence for silence."""
_MODEL_MS: Final = 400
"""What premium detection takes to think."""
_GREETING_MS: Final = 1200
"""End of the greeting of somebody of whom nothing else is known."""


class Detection(NamedTuple):
    """`after_ms` counts from the answer."""

    after_ms: int
    happening: MachineDetected | GreetingEnded


def detections(
    rules: AmdRules, kind: Answered, beep_at_ms: int | None, greeting_end_ms: int | None
) -> list[Detection]:
    """What is detected of a leg that `kind` answers, in the order of time.

    `beep_at_ms` and `greeting_end_ms` count from the answer, None where there is no beep or nothing is said.
    """
    if rules.mode in ("premium", "premium_ios_call_screening_detection"):
        return _premium(rules, kind, beep_at_ms, greeting_end_ms)
    return _standard(rules, kind, beep_at_ms, greeting_end_ms)


def _standard(rules: AmdRules, kind: Answered, beep: int | None, greeting_end: int | None) -> list[Detection]:
    at, result = _heard(rules, kind, greeting_end)
    if at > rules.total_analysis_ms:
        at, result = rules.total_analysis_ms, "not_sure"
    found = [Detection(at, MachineDetected(result, premium=False))]
    if result == "machine" and rules.mode != "detect":
        found += _greeting(rules, at, beep, greeting_end)
    return found


def _heard(rules: AmdRules, kind: Answered, greeting_end: int | None) -> tuple[int, str]:
    """When the rules of standard detection would decide, and for what."""
    if kind == "silence" or (kind == "machine" and greeting_end is None):
        return rules.initial_silence_ms, "machine"
    if kind == "fax":
        return rules.maximum_word_ms, "machine"
    ends = greeting_end or _GREETING_MS
    longest = _VOICE_AT_MS + rules.greeting_ms
    if kind == "machine":
        talkative = _VOICE_AT_MS + (rules.maximum_words + 1) * _WORD_MS
        longest = min(longest, talkative)
    if ends > longest:
        return longest, "machine"
    return ends + rules.after_greeting_silence_ms, "human"


def _greeting(rules: AmdRules, detected: int, beep: int | None, greeting_end: int | None) -> list[Detection]:
    """The end of a machine's greeting."""
    heard = None if beep is None else max(beep + _BEEP_MS, detected)
    if rules.mode == "greeting_end":
        silent = (greeting_end or detected) + rules.greeting_silence_ms
        limit = detected + rules.greeting_total_ms
        ended = max(detected, min(silent, limit))
        if heard is not None and heard <= ended:
            return [Detection(heard, GreetingEnded("beep_detected", premium=False))]
        return [Detection(ended, GreetingEnded("ended", premium=False))]
    if heard is not None and heard <= detected + _BEEP_TIMEOUT_MS:
        return [Detection(heard, GreetingEnded("beep_detected", premium=False))]
    if rules.mode == "detect_beep":
        return []
    return [Detection(detected + _BEEP_TIMEOUT_MS, GreetingEnded("not_sure", premium=False))]


def _premium(rules: AmdRules, kind: Answered, beep: int | None, greeting_end: int | None) -> list[Detection]:
    at, result = _recognised(rules, kind, greeting_end)
    total = rules.total_analysis_ms
    heard = None if beep is None else beep + _BEEP_MS
    if result == "machine" and heard is not None and heard < min(at, total):
        return [Detection(heard, GreetingEnded("beep_detected", premium=True))]
    if at > total:
        return [Detection(total, MachineDetected("not_sure", premium=True))]
    found = [Detection(at, MachineDetected(result, premium=True))]
    if result != "machine":
        return found
    if rules.mode == "premium_ios_call_screening_detection":
        latest = at + rules.prompt_end_ms
        prompt_ends = min(max(at, greeting_end or at), latest)
        if heard is None or heard > latest:
            return [*found, Detection(prompt_ends, GreetingEnded("prompt_ended", premium=True))]
    if heard is not None and heard <= total:
        return [*found, Detection(heard, GreetingEnded("beep_detected", premium=True))]
    return [*found, Detection(max(at, total), GreetingEnded("no_beep_detected", premium=True))]


def _recognised(rules: AmdRules, kind: Answered, greeting_end: int | None) -> tuple[int, str]:
    """When premium detection has made up its mind, and its result."""
    if kind == "silence" or (kind == "machine" and greeting_end is None):
        return _SILENT_MS, "silence"
    if kind == "fax":
        return _FAX_AT_MS, "fax_detected"
    longest = _VOICE_AT_MS + rules.greeting_ms
    ends = greeting_end or _GREETING_MS
    if kind == "machine" or ends > longest:
        return min(longest, ends) + _MODEL_MS, "machine"
    return ends + _MODEL_MS, kind

"""When Telnyx's answering machine detection would say what. Pure.

What answered is known; the times follow the settings. Sources: Telnyx, "Answering Machine Detection", "TeXML
Answering Machine Detection Support"; `AnsweringMachineDetectionConfig` of the telnyx package 4.189, with the
defaults of Telnyx's OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from simulator.telnyx.happenings import GreetingEnded, MachineDetected

Mode = Literal[
    "premium",
    "premium_ios_call_screening_detection",
    "detect",
    "detect_beep",
    "detect_words",
    "greeting_end",
    "disabled",
]
Answered = Literal["human_residence", "human_business", "machine", "fax", "silence"]
AnsweredBy = Literal["human", "machine", "fax", "unknown"]

DEFAULTS: Final = {
    "total_analysis_time_millis": 3500,
    "after_greeting_silence_millis": 800,
    "greeting_duration_millis": 3500,
    "initial_silence_millis": 3500,
    "maximum_number_of_words": 5,
    "maximum_word_length_millis": 3500,
    "greeting_total_analysis_time_millis": 5000,
    "greeting_silence_duration_millis": 1500,
    "prompt_end_timeout_millis": 5000,
}
PREMIUM_ANALYSIS_MS: Final = 30_000
BEEP_TIMEOUT_MS: Final = 30_000
_VOICE_AT_MS: Final = 400
"""When whoever answers begins to speak."""
_WORD_MS: Final = 400
_BEEP_MS: Final = 300
"""How much of a beep is heard before it counts as one."""
_FAX_AT_MS: Final = 2000
_MODEL_MS: Final = 400
"""What premium detection takes to think."""
_GREETING_MS: Final = 1200
"""End of the greeting of somebody of whom nothing else is known."""


class Detection(NamedTuple):
    """`after_ms` counts from the answer."""

    after_ms: int
    happening: MachineDetected | GreetingEnded


def detections(
    mode: str | None,
    config: Mapping[str, Any] | None,
    kind: Answered,
    beep_at_ms: int | None,
    greeting_end_ms: int | None,
) -> list[Detection]:
    """What is detected of a leg that `kind` answers, in the order of time.

    `mode` and `config` are `answering_machine_detection` and its `_config` as the application gave them.
    `beep_at_ms` and `greeting_end_ms` count from the answer, None where there is no beep or nothing is said.
    """
    if mode is None or mode == "disabled":
        return []
    given = {name: value for name, value in (config or {}).items() if value is not None}
    settings = DEFAULTS | given
    if mode.startswith("premium"):
        total = int(given.get("total_analysis_time_millis", PREMIUM_ANALYSIS_MS))
        screening = int(settings["prompt_end_timeout_millis"]) if mode != "premium" else None
        return _premium(settings, total, screening, kind, beep_at_ms, greeting_end_ms)
    return _standard(mode, settings, kind, beep_at_ms, greeting_end_ms)


def answered_by(detected: MachineDetected | None) -> AnsweredBy:
    """TeXML's `AnsweredBy`; None: nothing was detected."""
    result = "" if detected is None else detected.result
    if result.startswith("human"):
        return "human"
    if result == "fax_detected":
        return "fax"
    return "machine" if result == "machine" else "unknown"


def texml_mode(machine_detection: str | None, detection_mode: str | None = None) -> Mode:
    """Of TeXML's `MachineDetection` (Enable, Disable, DetectMessageEnd) and `DetectionMode`."""
    if machine_detection not in ("Enable", "DetectMessageEnd"):
        return "disabled"
    if detection_mode == "Premium":
        return "premium"
    if detection_mode == "PremiumCallScreening":
        return "premium_ios_call_screening_detection"
    return "greeting_end" if machine_detection == "DetectMessageEnd" else "detect"


_TEXML: Final = {
    "MachineDetectionTimeout": "total_analysis_time_millis",
    "MachineDetectionSilenceTimeout": "initial_silence_millis",
    "MachineDetectionSpeechThreshold": "greeting_duration_millis",
    "MachineDetectionSpeechEndThreshold": "after_greeting_silence_millis",
    "MachineDetectionPromptEndTimeout": "prompt_end_timeout_millis",
}


def texml_config(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The settings among the parameters of a TeXML call, by their names in Call Control. All in milliseconds."""
    config: dict[str, Any] = {"total_analysis_time_millis": 30_000}
    config |= {name: parameters[key] for key, name in _TEXML.items() if parameters.get(key) is not None}
    return config


def _standard(
    mode: str, settings: Mapping[str, Any], kind: Answered, beep: int | None, greeting_end: int | None
) -> list[Detection]:
    at, result = _heard(settings, kind, greeting_end)
    total = int(settings["total_analysis_time_millis"])
    if at > total:
        at, result = total, "not_sure"
    found = [Detection(at, MachineDetected(result, premium=False))]
    if result == "machine" and mode != "detect":
        found += _greeting(mode, settings, at, beep, greeting_end)
    return found


def _heard(settings: Mapping[str, Any], kind: Answered, greeting_end: int | None) -> tuple[int, str]:
    """When the rules of standard detection would decide, and for what."""
    if kind == "silence" or (kind == "machine" and greeting_end is None):
        return int(settings["initial_silence_millis"]), "machine"
    if kind == "fax":
        return int(settings["maximum_word_length_millis"]), "machine"
    ends = greeting_end or _GREETING_MS
    longest = _VOICE_AT_MS + int(settings["greeting_duration_millis"])
    if kind == "machine":
        talkative = _VOICE_AT_MS + (int(settings["maximum_number_of_words"]) + 1) * _WORD_MS
        longest = min(longest, talkative)
    if ends > longest:
        return longest, "machine"
    return ends + int(settings["after_greeting_silence_millis"]), "human"


def _greeting(
    mode: str, settings: Mapping[str, Any], detected: int, beep: int | None, greeting_end: int | None
) -> list[Detection]:
    """The end of a machine's greeting."""
    heard = None if beep is None else max(beep + _BEEP_MS, detected)
    if mode == "greeting_end":
        silent = (greeting_end or detected) + int(settings["greeting_silence_duration_millis"])
        limit = detected + int(settings["greeting_total_analysis_time_millis"])
        ended = max(detected, min(silent, limit))
        if heard is not None and heard <= ended:
            return [Detection(heard, GreetingEnded("beep_detected", premium=False))]
        return [Detection(ended, GreetingEnded("ended", premium=False))]
    if heard is not None and heard <= detected + BEEP_TIMEOUT_MS:
        return [Detection(heard, GreetingEnded("beep_detected", premium=False))]
    if mode == "detect_beep":
        return []
    return [Detection(detected + BEEP_TIMEOUT_MS, GreetingEnded("not_sure", premium=False))]


def _premium(
    settings: Mapping[str, Any],
    total: int,
    prompt_end_timeout: int | None,
    kind: Answered,
    beep: int | None,
    greeting_end: int | None,
) -> list[Detection]:
    """`prompt_end_timeout` None: without the detection of iOS call screening."""
    at, result = _recognised(settings, kind, greeting_end)
    heard = None if beep is None else beep + _BEEP_MS
    if result == "machine" and heard is not None and heard < min(at, total):
        return [Detection(heard, GreetingEnded("beep_detected", premium=True))]
    if at > total:
        return [Detection(total, MachineDetected("not_sure", premium=True))]
    found = [Detection(at, MachineDetected(result, premium=True))]
    if result != "machine":
        return found
    if prompt_end_timeout is not None:
        prompt_ends = min(max(at, greeting_end or at), at + prompt_end_timeout)
        if heard is None or heard > at + prompt_end_timeout:
            return [*found, Detection(prompt_ends, GreetingEnded("prompt_ended", premium=True))]
    if heard is not None and heard <= total:
        return [*found, Detection(heard, GreetingEnded("beep_detected", premium=True))]
    return [*found, Detection(max(at, total), GreetingEnded("no_beep_detected", premium=True))]


def _recognised(settings: Mapping[str, Any], kind: Answered, greeting_end: int | None) -> tuple[int, str]:
    """When premium detection has made up its mind, and its result."""
    if kind == "silence" or (kind == "machine" and greeting_end is None):
        return DEFAULTS["initial_silence_millis"], "silence"
    if kind == "fax":
        return _FAX_AT_MS, "fax_detected"
    longest = _VOICE_AT_MS + int(settings["greeting_duration_millis"])
    ends = greeting_end or _GREETING_MS
    if kind == "machine" or ends > longest:
        return min(longest, ends) + _MODEL_MS, "machine"
    return ends + _MODEL_MS, kind

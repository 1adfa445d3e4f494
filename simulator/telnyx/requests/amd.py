"""Answering machine detection, as dial and transfer ask for it. Pure.

Source: operation DialCall of Telnyx's OpenAPI document (defaults); "Answering Machine Detection" (premium's 30 s).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from simulator.telnyx.requests.fields import Choice, Flag, Kind, Number, Object, Whole

AmdMode = Literal[
    "premium", "premium_ios_call_screening_detection", "detect", "detect_beep", "detect_words", "greeting_end"
]

_COUNT: Final = Whole(0, 2**31 - 1)
_CONFIG: Final = Object(
    {
        "after_greeting_silence_millis": _COUNT,
        "beep_detection_profile": Choice("both", "freq_only"),
        "beep_max_frequency_hz": _COUNT,
        "beep_min_frequency_hz": _COUNT,
        "beep_min_tone_duration_millis": _COUNT,
        "beep_spectral_confirmation": Flag(),
        "beep_spectral_min_purity": Number(0, 1),
        "beep_spectral_reject_fax_cng": Flag(),
        "beep_spectral_window_millis": _COUNT,
        "between_words_silence_millis": _COUNT,
        "greeting_duration_millis": _COUNT,
        "greeting_silence_duration_millis": _COUNT,
        "greeting_total_analysis_time_millis": _COUNT,
        "initial_silence_millis": _COUNT,
        "maximum_number_of_words": _COUNT,
        "maximum_word_length_millis": _COUNT,
        "prompt_end_timeout_millis": _COUNT,
        "silence_threshold": _COUNT,
        "total_analysis_time_millis": _COUNT,
    }
)
AMD_KINDS: Final[dict[str, Kind]] = {
    "answering_machine_detection": Choice(
        "premium",
        "premium_ios_call_screening_detection",
        "detect",
        "detect_beep",
        "detect_words",
        "greeting_end",
        "disabled",
    ),
    "answering_machine_detection_config": _CONFIG,
}


@dataclass(frozen=True, slots=True)
class AmdRules:
    """Times in milliseconds. `total_analysis_ms` bounds the detection, `greeting_total_ms` the greeting's end."""

    mode: AmdMode
    total_analysis_ms: int = 3500
    initial_silence_ms: int = 3500
    after_greeting_silence_ms: int = 800
    between_words_silence_ms: int = 50
    greeting_ms: int = 3500
    greeting_silence_ms: int = 1500
    greeting_total_ms: int = 5000
    maximum_words: int = 5
    maximum_word_ms: int = 3500
    prompt_end_ms: int = 5000


def amd_rules(values: Mapping[str, Any]) -> AmdRules | None:
    """What checked parameters ask for; None when detection is off."""
    mode = values.get("answering_machine_detection", "disabled")
    if mode == "disabled":
        return None
    config = values.get("answering_machine_detection_config", {})
    return AmdRules(
        mode=cast("AmdMode", mode),
        total_analysis_ms=config.get("total_analysis_time_millis", 30_000 if mode.startswith("premium") else 3500),
        initial_silence_ms=config.get("initial_silence_millis", 3500),
        after_greeting_silence_ms=config.get("after_greeting_silence_millis", 800),
        between_words_silence_ms=config.get("between_words_silence_millis", 50),
        greeting_ms=config.get("greeting_duration_millis", 3500),
        greeting_silence_ms=config.get("greeting_silence_duration_millis", 1500),
        greeting_total_ms=config.get("greeting_total_analysis_time_millis", 5000),
        maximum_words=config.get("maximum_number_of_words", 5),
        maximum_word_ms=config.get("maximum_word_length_millis", 3500),
        prompt_end_ms=config.get("prompt_end_timeout_millis", 5000),
    )

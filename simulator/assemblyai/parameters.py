"""What a v3 session can be asked for: one table, each row with its source and date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from simulator.assemblyai.models import (
    DEFAULT_MODEL,
    DOCS,
    LANGUAGES,
    LIVE,
    MODELS,
    PRESETS,
    SDK,
    SKILL,
    SPEC,
    Family,
    Source,
)

Kind = Literal["choice", "int", "number", "bool", "text", "list", "codes", "json"]
"""`list` is a list of texts as JSON, `codes` the same or separated by commas."""
Value = str | int | float | bool | list[Any] | dict[str, Any]

ENCODINGS: Final = ("pcm_s16le", "pcm_mulaw", "opus", "ogg_opus", "aac")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter.

    `default` counts for all families but those of `family_default`. `low` and `high` bound a number, or the length
    of a text or list; `clamped` ones are brought in between instead of refused. `choices` of `codes` are for their
    items. `families` honour it, `live` ones also by UpdateConfiguration, and `refused_by` end the session.
    `not_played` says why it changes nothing in the stand-in.
    """

    name: str
    kind: Kind
    source: Source
    default: Value | None = None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    families: tuple[Family, ...] = ("u3", "streaming")
    live: tuple[Family, ...] = ()
    clamped: bool = False
    refused_by: tuple[Family, ...] = ()
    not_played: str = ""
    family_default: tuple[Family, Value] | None = None

    def default_of(self, family: Family) -> Value | None:
        if self.family_default and self.family_default[0] == family:
            return self.family_default[1]
        return self.default


_U3: Final[tuple[Family, ...]] = ("u3",)
_US: Final[tuple[Family, ...]] = ("streaming",)
_BOTH: Final[tuple[Family, ...]] = ("u3", "streaming")
_CONTEXT: Final = "The recogniser here takes no context; words to expect go into keyterms_prompt."
_SPEAKERS: Final = "No speakers are told apart here."
_REDACTION: Final = "Nothing is redacted here."
_WEBHOOK: Final = "No webhook is sent here."
_NOISE: Final = "No noise is taken out of the audio here."

_P = Parameter
TABLE: Final[dict[str, Parameter]] = {
    parameter.name: parameter
    for parameter in (
        _P("speech_model", "choice", LIVE, DEFAULT_MODEL, choices=tuple(MODELS)),
        _P("sample_rate", "int", SKILL, 16000, 8000, 96000),
        _P("encoding", "choice", SKILL, "pcm_s16le", choices=ENCODINGS),
        _P("mode", "choice", SKILL, "balanced", choices=tuple(PRESETS), families=_U3, live=_U3, refused_by=_US),
        _P("min_turn_silence", "int", SKILL, None, 50, 10000, live=_BOTH, clamped=True,
           family_default=("streaming", 400)),
        _P("max_turn_silence", "int", SKILL, None, 0, live=_BOTH, family_default=("streaming", 1280)),
        _P("end_of_turn_confidence_threshold", "number", SPEC, 0.4, 0, 1, families=_US, live=_US),
        _P("format_turns", "bool", SKILL, default=False, families=_US),
        _P("vad_threshold", "number", SKILL, 0.2, 0, 1, live=_U3, family_default=("streaming", 0.4)),
        _P("interruption_delay", "int", SKILL, None, 0, 1000, families=_U3, live=_U3),
        _P("continuous_partials", "bool", SKILL, default=True, families=_U3, live=_U3),
        _P("include_partial_turns", "bool", SKILL, default=True),
        _P("keyterms_prompt", "list", LIVE, high=100, live=_BOTH),
        _P("prompt", "text", LIVE, high=1750, families=_U3, live=_U3, refused_by=_US, not_played=_CONTEXT),
        _P("agent_context", "text", LIVE, high=1750, families=_U3, live=_U3, not_played=_CONTEXT),
        _P("previous_context_n_turns", "int", SKILL, 5, 0, 100, families=_U3,
           not_played="No turn is context for the next one here."),
        _P("language_codes", "codes", LIVE, high=10, choices=LANGUAGES, families=_U3, live=_U3),
        _P("language", "choice", SPEC, "en", choices=("en", "multi"), families=_US),
        _P("language_detection", "bool", SKILL, default=False,
           not_played="Finals say en, whatever is spoken: no language is detected here."),
        _P("session_heartbeat", "bool", SKILL, default=False, live=_BOTH),
        _P("acknowledge_silence", "bool", SDK, default=False, families=_U3),
        _P("inactivity_timeout", "int", SPEC, None, 5, 3600),
        _P("speaker_labels", "bool", SKILL, default=False,
           not_played=f"{_SPEAKERS} The turn detection of Universal-3 that comes with it is played."),
        _P("max_speakers", "int", SKILL, None, 1, 10, not_played=_SPEAKERS),
        _P("speaker_labels_revision_interval_ms", "int", SKILL, None, 120000, clamped=True, not_played=_SPEAKERS),
        _P("voice_focus", "choice", SKILL, choices=("near-field", "far-field"), families=_U3, not_played=_NOISE),
        _P("voice_focus_threshold", "number", SKILL, None, 0, 1, families=_U3, not_played=_NOISE),
        _P("domain", "choice", SKILL, choices=("medical-v1",),
           not_played="The recogniser here knows no domains."),
        _P("filter_profanity", "bool", SKILL, default=False),
        _P("redact_pii", "bool", SKILL, default=False,
           not_played=f"{_REDACTION} Partials are held back, as the service does."),
        _P("redact_pii_policies", "codes", LIVE, not_played=_REDACTION),
        _P("redact_pii_sub", "choice", SKILL, "hash", choices=("hash", "entity_name"), not_played=_REDACTION),
        _P("llm_gateway", "json", LIVE,
           not_played="No language model is asked here, as by the service for an account without access."),
        _P("webhook_url", "text", SKILL, not_played=_WEBHOOK),
        _P("webhook_auth_header_name", "text", SKILL, not_played=_WEBHOOK),
        _P("webhook_auth_header_value", "text", SKILL, not_played=_WEBHOOK),
        _P("turn_left_pad_ms", "int", SDK, None, 0, not_played="It is undocumented; nobody knows what it does."),
        _P("customer_support_audio_capture", "bool", SDK, default=False,
           not_played="No audio goes to AssemblyAI's support from here."),
        _P("token", "text", DOCS),
    )
}  # fmt: skip
FORMER_NAMES: Final = {
    "min_end_of_turn_silence_when_confident": "min_turn_silence",
    "language_code": "language_codes",
    "noise_suppression_model": "voice_focus",
    "noise_suppression_threshold": "voice_focus_threshold",
}
"""Deprecated, still accepted (SKILL, SDK)."""


def find(name: str) -> Parameter | None:
    """The parameter of that present or former name."""
    return TABLE.get(FORMER_NAMES.get(name, name))

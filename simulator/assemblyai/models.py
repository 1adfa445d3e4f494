"""The models of v3, and what their turn detection starts from. Data, with its sources and dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Family = Literal["u3", "streaming"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact is from, and of when it is."""

    name: str
    date: str
    text: str


SPEC: Final = Source("spec", "2026-03-23", "AsyncAPI files `usm-streaming.yml` and `usm-streaming-u3-pro.yml`")
DOCS: Final = Source("docs", "2026-09", "pages of assemblyai.com/docs")
SKILL: Final = Source("skill", "2026-10", "AssemblyAI's agent skill, `references/streaming.md`")
SDK: Final = Source("sdk", "2026-11", "AssemblyAI's Python SDK 1.8.2, `streaming/v3/models.py`")
LIVE: Final = Source("live", "2026-09-24", "the live service, measured by others")
SOURCES: Final = (SKILL, LIVE, SPEC, SDK, DOCS)
"""The most trusted first."""


@dataclass(frozen=True, slots=True)
class Model:
    """`names_language`: whether its finals can say which language was spoken. `fails_after`: seconds after which
    the service was seen to cancel each session of a model that is not for everybody."""

    name: str
    family: Family
    note: str = ""
    names_language: bool = True
    fails_after: float | None = None


_INTERNAL: Final = "The service begins a session with it and cancels it after 5 s; so does the stand-in."
MODELS: Final[dict[str, Model]] = {
    model.name: model
    for model in (
        Model("universal-streaming-english", "streaming", names_language=False),
        Model("universal-streaming-multilingual", "streaming"),
        Model("whisper-rt", "streaming", "It is played as Universal-Streaming that names the language."),
        Model("u3-rt-pro", "u3"),
        Model("u3-rt-pro-beta-1", "u3"),
        Model("u3-rt-agent", "u3", _INTERNAL, fails_after=5),
        Model("universal-3-5-pro", "u3"),
        Model("universal-3-6-pro", "u3"),
        Model("universal-3-6", "u3"),
        Model("universal-3-7-preview", "u3", _INTERNAL, fails_after=5),
        Model("_universal-3-5-notetaker", "u3"),
    )
}
"""In the order in which the service lists them when it refuses another (LIVE)."""
DEFAULT_MODEL: Final = "universal-3-6-pro"
"""SKILL; since 2026-09-29, `universal-3-5-pro` before."""
ALWAYS_NAMES_LANGUAGE: Final = "whisper-rt"
"""Its Turns carry `language_code` unasked (LIVE)."""

PRESETS: Final[dict[str, dict[str, int]]] = {
    "min_latency": {"min_turn_silence": 128, "max_turn_silence": 640, "interruption_delay": 0},
    "balanced": {"min_turn_silence": 128, "max_turn_silence": 1280, "interruption_delay": 500},
    "max_accuracy": {"min_turn_silence": 512, "max_turn_silence": 2560, "interruption_delay": 500},
}
"""By `mode`, Universal-3 models, in ms (SKILL)."""
RECOMMENDED: Final[dict[str, dict[str, int | float]]] = {
    name: {"end_of_turn_confidence_threshold": threshold, "min_turn_silence": low, "max_turn_silence": high}
    for name, threshold, low, high in (
        ("aggressive", 0.4, 160, 400),
        ("balanced", 0.4, 400, 1280),
        ("conservative", 0.7, 800, 3600),
    )
}
"""What the page "Turn detection" recommends for Universal-Streaming; no parameter chooses one (DOCS)."""
DIARIZATION: Final[dict[str, int | float | bool]] = {
    "min_turn_silence": 640,
    "max_turn_silence": 768,
    "interruption_delay": 500,
    "vad_threshold": 0.5,
    "continuous_partials": False,
}
"""What `speaker_labels` puts in the place of the mode's preset, Universal-3 models (SKILL)."""
LONGEST_TURN_MS: Final = 60_000
LONGEST_DIARIZED_TURN_MS: Final = 10_000

LANGUAGES: Final = (
    *("en", "es", "de", "fr", "it", "pt", "tr", "nl", "sv", "no", "da", "fi", "hi", "vi", "ar", "he", "ja"),
    *("ur", "zh", "ru", "ko", "ca", "gl", "ro", "et", "fa", "yue", "af", "mr", "zu", "xh", "nn", "multi"),
)
"""What `language_codes` may hold, in the service's order (LIVE)."""

"""The parameters of an AssemblyAI v3 session, and the values they have where nobody sets them, as data.

Sources, as of 2026-11: AssemblyAI's AsyncAPI files for v3 (2026-03), its agent skill's ``streaming.md`` (2026-10),
the models of its Python SDK 1.8.2, and ``services/assemblyai/stt.py`` of Pipecat 1.14.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

Family = Literal["u3", "streaming"]
FAMILY_NAMES: Final[dict[Family, str]] = {"u3": "Universal-3", "streaming": "Universal-Streaming"}

_BOTH: Final[tuple[Family, ...]] = ("u3", "streaming")
_U3: Final[tuple[Family, ...]] = ("u3",)
_STREAMING: Final[tuple[Family, ...]] = ("streaming",)
_LANGUAGES: Final = (
    "multi", "af", "ar", "ca", "da", "de", "en", "es", "et", "fa", "fi", "fr", "gl", "he", "hi", "it", "ja",
    "ko", "mr", "nl", "nn", "no", "pt", "ro", "ru", "sv", "tr", "ur", "vi", "xh", "yue", "zh", "zu",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a v3 session. ``live`` tells the families whose UpdateConfiguration takes it; a parameter
    without any works at connect time alone. ``meaning`` is one short sentence with the unit.

    ``low`` and ``high`` bound a number, or the length of a text or list; ``choices`` of a list are for its items.
    """

    name: str
    kind: Literal["int", "number", "bool", "text", "list", "choice", "json"]
    meaning: str
    families: tuple[Family, ...] = _BOTH
    live: tuple[Family, ...] = ()
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


_P = Parameter
PARAMETERS: Final[dict[str, Parameter]] = {
    parameter.name: parameter
    for parameter in (
        _P("mode", "choice", "Trades speed for accuracy; sets every silence that nobody else has set.",
           _U3, _U3, choices=("min_latency", "balanced", "max_accuracy")),
        _P("min_turn_silence", "int", "After so many ms of silence a sentence that sounds finished ends the turn.",
           _BOTH, _BOTH, 50, 10000),
        _P("max_turn_silence", "int", "After so many ms of silence any turn ends, finished or not.",
           _BOTH, _BOTH, 0),
        _P("end_of_turn_confidence_threshold", "number",
           "How sure (0 to 1) it must be that a turn is over to end it at min_turn_silence.",
           _STREAMING, _STREAMING, 0, 1),
        _P("vad_threshold", "number", "How speech-like (0 to 1) a sound must be; higher ignores more noise.",
           _BOTH, _U3, 0, 1),
        _P("interruption_delay", "int", "So many ms after speech begins, plus 256, the first words are told.",
           _U3, _U3, 0, 1000),
        _P("continuous_partials", "bool", "Tell unfinished words every second, not every three.", _U3, _U3),
        _P("keyterms_prompt", "list", "Words and names to expect, 100 at most, of 50 characters each.",
           _BOTH, _BOTH, high=100),
        _P("language_codes", "list", "Languages to expect, such as en,es; the first counts most.",
           _U3, _U3, high=10, choices=_LANGUAGES),
        _P("prompt", "text", "What the call is about, as context for the recogniser; 1750 characters.",
           _U3, _U3, high=1750),
        _P("agent_context", "text", "What the agent said last, as context; frameworks set it after each answer.",
           _U3, _U3, high=1750),
        _P("session_heartbeat", "bool", "Report how much audio has arrived, every 5 s.", _BOTH, _BOTH),
        _P("speech_model", "text", "Which model listens."),
        _P("sample_rate", "int", "Samples per second of the audio that is sent.", low=8000, high=96000),
        _P("encoding", "choice", "How the audio that is sent is coded.",
           choices=("pcm_s16le", "pcm_mulaw", "opus", "ogg_opus", "aac")),
        _P("format_turns", "bool", "Send each final again with punctuation and capitals.", _STREAMING),
        _P("include_partial_turns", "bool", "Tell unfinished turns too, not finals alone."),
        _P("previous_context_n_turns", "int", "How many earlier turns help to understand the next.",
           _U3, low=0, high=100),
        _P("language_detection", "bool", "Name the language of each final."),
        _P("language", "choice", "English alone or several languages; deprecated.", _STREAMING,
           choices=("en", "multi")),
        _P("inactivity_timeout", "int", "End the session after so many seconds without audio.", low=5, high=3600),
        _P("speaker_labels", "bool", "Tell speakers apart; replaces the mode's silences by its own."),
        _P("max_speakers", "int", "How many speakers there may be.", low=1, high=10),
        _P("speaker_labels_revision_interval_ms", "int", "Revise who spoke every so many ms.", low=120000),
        _P("voice_focus", "choice", "Keep the nearest voice and drop the rest.",
           _U3, choices=("near-field", "far-field")),
        _P("voice_focus_threshold", "number", "How much (0 to 1) voice_focus drops.", _U3, low=0, high=1),
        _P("domain", "choice", "Words of a trade.", choices=("medical-v1",)),
        _P("filter_profanity", "bool", "Mask swear words in finals."),
        _P("redact_pii", "bool", "Mask personal data in finals."),
        _P("redact_pii_policies", "list", "Which personal data to mask."),
        _P("redact_pii_sub", "choice", "What masked data become.", choices=("hash", "entity_name")),
        _P("acknowledge_silence", "bool", "Report silence about once a second.", _U3),
        _P("turn_left_pad_ms", "int", "Undocumented, of the SDK: ms of audio kept before a turn.", low=0),
        _P("llm_gateway", "json", "Send each final to a language model of AssemblyAI's."),
        _P("webhook_url", "text", "Where the session's transcript is posted."),
        _P("webhook_auth_header_name", "text", "The header that proves that post."),
        _P("webhook_auth_header_value", "text", "Its value, a secret."),
        _P("customer_support_audio_capture", "bool", "Let AssemblyAI keep the audio for support."),
        _P("token", "text", "A temporary key, a secret."),
    )
}  # fmt: skip
FORMER_NAMES: Final = {
    "min_end_of_turn_silence_when_confident": "min_turn_silence",
    "language_code": "language_codes",
    "noise_suppression_model": "voice_focus",
    "noise_suppression_threshold": "voice_focus_threshold",
}
MODES: Final[dict[str, dict[str, Any]]] = {
    "min_latency": {"min_turn_silence": 128, "max_turn_silence": 640, "interruption_delay": 0},
    "balanced": {"min_turn_silence": 128, "max_turn_silence": 1280, "interruption_delay": 500},
    "max_accuracy": {"min_turn_silence": 512, "max_turn_silence": 2560, "interruption_delay": 500},
}
"""What a mode of Universal-3 sets (skill, 2026-10)."""
DIARIZATION: Final[dict[str, Any]] = {
    "min_turn_silence": 640, "max_turn_silence": 768, "interruption_delay": 500, "vad_threshold": 0.5,
    "continuous_partials": False,
}  # fmt: skip
"""What ``speaker_labels`` sets instead of the mode of Universal-3 (skill, 2026-10)."""
DEFAULTS: Final[dict[Family, dict[str, Any]]] = {
    "u3": {
        "speech_model": "universal-3-6-pro", "sample_rate": 16000, "encoding": "pcm_s16le", "mode": "balanced",
        "vad_threshold": 0.2, "continuous_partials": True, "session_heartbeat": False,
        "include_partial_turns": True, "language_detection": False, "previous_context_n_turns": 5,
    },
    "streaming": {
        "sample_rate": 16000, "encoding": "pcm_s16le", "min_turn_silence": 400, "max_turn_silence": 1280,
        "end_of_turn_confidence_threshold": 0.4, "vad_threshold": 0.4, "session_heartbeat": False,
        "format_turns": False, "include_partial_turns": True, "language_detection": False,
    },
}  # fmt: skip
"""What the service takes where nobody says otherwise (skill, 2026-10; before, 3-5-pro was the default model)."""


def family(model: str) -> Family:
    """The family of a ``speech_model``; unknown models count as Universal-3."""
    return "streaming" if model.startswith(("universal-streaming", "whisper")) else "u3"

"""What a v3 streaming session can be asked for, as one table.

Sources: AssemblyAI's AsyncAPI files `usm-streaming.yml` and `usm-streaming-u3-pro.yml` ("spec"), its agent skill's
`streaming.md` of October 2026 ("skill"), the models of its Python SDK 1.8.2 ("sdk"), and texts and limits observed
on the live service in September 2026 ("live").
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from simulator.assemblyai.protocol import INVALID_INPUT, SessionRefused

Family = Literal["u3", "streaming"]
Kind = Literal["choice", "int", "number", "bool", "text", "list", "json"]
Value = str | int | float | bool | list[Any] | dict[str, Any]

MODELS: Final[dict[str, Family]] = {
    "universal-3-6-pro": "u3",
    "universal-3-5-pro": "u3",
    "u3-rt-pro": "u3",
    "universal-streaming-english": "streaming",
}
ENCODINGS: Final = ("pcm_s16le", "pcm_mulaw")
MODES: Final = ("min_latency", "balanced", "max_accuracy")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter, and whether UpdateConfiguration may change it (`live`).

    `low` and `high` bound a number, or the length of a text or list. `effect` is False where the stand-in accepts
    the parameter and does nothing about it.
    """

    name: str
    kind: Kind
    source: str
    default: Value | None = None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    family: Family | None = None
    live: bool = False
    effect: bool = False


_P = Parameter
TABLE: Final[dict[str, Parameter]] = {
    parameter.name: parameter
    for parameter in (
        _P("speech_model", "choice", "skill", "universal-3-6-pro", choices=tuple(MODELS), effect=True),
        _P("sample_rate", "int", "spec", 16000, 8000, 96000, effect=True),
        _P("encoding", "choice", "spec", "pcm_s16le", choices=ENCODINGS, effect=True),
        _P("mode", "choice", "skill", "balanced", choices=MODES, family="u3", live=True, effect=True),
        _P("min_turn_silence", "int", "spec", low=50, high=10000, live=True, effect=True),
        _P("max_turn_silence", "int", "spec", low=0, live=True, effect=True),
        _P("end_of_turn_confidence_threshold", "number", "spec", 0.4, 0, 1, live=True, effect=True),
        _P("format_turns", "bool", "spec", default=False, effect=True),
        _P("interruption_delay", "int", "skill", low=0, high=1000, family="u3", live=True, effect=True),
        _P("continuous_partials", "bool", "skill", default=True, family="u3", live=True, effect=True),
        _P("include_partial_turns", "bool", "skill", default=True, effect=True),
        _P("language_detection", "bool", "spec", default=False, effect=True),
        _P("inactivity_timeout", "int", "spec", low=5, high=3600, effect=True),
        _P("vad_threshold", "number", "spec", low=0, high=1, live=True),
        _P("keyterms_prompt", "list", "live", high=100, live=True),
        _P("prompt", "text", "skill", high=1750, family="u3", live=True),
        _P("agent_context", "text", "live", high=1750, family="u3", live=True),
        _P("previous_context_n_turns", "int", "skill", 5, 0, 100, family="u3"),
        _P("language_codes", "list", "skill", high=10, family="u3", live=True),
        _P("language_code", "text", "skill", family="u3"),
        _P("language", "text", "spec", family="streaming"),
        _P("speaker_labels", "bool", "spec", default=False),
        _P("max_speakers", "int", "spec", low=1, high=10),
        _P("speaker_labels_revision_interval_ms", "int", "sdk", low=120000),
        _P("voice_focus", "choice", "skill", choices=("near-field", "far-field"), family="u3"),
        _P("voice_focus_threshold", "number", "skill", low=0, high=1, family="u3"),
        _P("domain", "choice", "skill", choices=("medical-v1",)),
        _P("filter_profanity", "bool", "skill", default=False),
        _P("redact_pii", "bool", "skill", default=False),
        _P("redact_pii_policies", "list", "skill"),
        _P("redact_pii_sub", "choice", "skill", "hash", choices=("hash", "entity_name")),
        _P("session_heartbeat", "bool", "skill", default=False, live=True),
        _P("acknowledge_silence", "bool", "sdk", default=False, family="u3"),
        _P("turn_left_pad_ms", "int", "sdk", low=0),
        _P("llm_gateway", "json", "spec"),
        _P("webhook_url", "text", "spec"),
        _P("webhook_auth_header_name", "text", "spec"),
        _P("webhook_auth_header_value", "text", "spec"),
        _P("customer_support_audio_capture", "bool", "sdk", default=False),
        _P("token", "text", "spec", effect=True),
    )
}
FORMER_NAMES: Final = {"min_end_of_turn_silence_when_confident": "min_turn_silence"}


class Settings:
    """The values that a session goes by; those not asked for are the defaults of the model and the mode."""

    def __init__(self, asked: Iterable[tuple[str, str]]) -> None:
        """From the query. Raises SessionRefused for a known parameter with a value that makes no sense."""
        self._values: dict[str, Value] = {}
        self.ignored: list[str] = []
        """Parameters asked for that change nothing here: unknown ones, and known ones that are not played."""
        for raw_name, text in asked:
            parameter = TABLE.get(FORMER_NAMES.get(raw_name, raw_name))
            if parameter is None:
                self.ignored.append(raw_name)
                continue
            self._values[parameter.name] = _checked(parameter, _from_text(parameter, text))
            if not parameter.effect:
                self.ignored.append(raw_name)
        if self.family != "u3" and "mode" in self._values:
            raise _invalid("mode", f"Value error, mode is not supported for {self.model}")

    def update(self, fields: Mapping[str, Any]) -> list[str]:
        """Apply an UpdateConfiguration; gives the fields that it cannot change. Raises SessionRefused."""
        ignored: list[str] = []
        for name, value in fields.items():
            parameter = TABLE.get(FORMER_NAMES.get(name, name))
            if parameter is None or not parameter.live or parameter.family not in (None, self.family):
                ignored.append(name)
            elif value is None:
                self._values.pop(parameter.name, None)
            else:
                self._values[parameter.name] = _checked(parameter, _from_json(parameter, value))
        return ignored

    def __getitem__(self, name: str) -> Any:
        """The value of a parameter of the table, or None where neither it nor a default is set."""
        value = self._values.get(name)
        return TABLE[name].default if value is None else value

    @property
    def model(self) -> str:
        return self["speech_model"]

    @property
    def family(self) -> Family:
        return MODELS[self.model]


def _from_text(parameter: Parameter, text: str) -> Value:
    """The value of a query parameter: lists and objects are JSON, booleans come in any case."""
    match parameter.kind:
        case "int" | "number":
            try:
                return int(text) if parameter.kind == "int" else float(text)
            except ValueError:
                wanted = "integer" if parameter.kind == "int" else "number"
                reason = f"Input should be a valid {wanted}, unable to parse string as {_an(wanted)}"
                raise _invalid(parameter.name, reason) from None
        case "bool":
            if text.lower() not in ("true", "false", "1", "0"):
                raise _invalid(parameter.name, "Input should be a valid boolean, unable to interpret input")
            return text.lower() in ("true", "1")
        case "list" | "json":
            try:
                return _from_json(parameter, json.loads(text))
            except (json.JSONDecodeError, RecursionError) as error:
                raise _invalid(parameter.name, f"Invalid JSON: {error}") from None
        case _:
            return text


def _from_json(parameter: Parameter, value: object) -> Value:
    """The value of an UpdateConfiguration field, or of a query parameter that is JSON."""
    fits = {
        "int": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "bool": isinstance(value, bool),
        "list": isinstance(value, list) and all(isinstance(item, str) for item in cast("list[Any]", value)),
        "json": isinstance(value, dict),
    }.get(parameter.kind, isinstance(value, str))
    # An empty text clears a list.
    if parameter.kind == "list" and value == "":
        return []
    if not fits:
        wanted = {"int": "integer", "bool": "boolean", "json": "dictionary"}
        raise _invalid(parameter.name, f"Input should be a valid {wanted.get(parameter.kind, parameter.kind)}")
    return cast("Value", value)


def _checked(parameter: Parameter, value: Value) -> Value:
    if parameter.name == "min_turn_silence" and isinstance(value, int):
        # The one range that the service clamps instead of refusing.
        return int(min(max(value, parameter.low or 0), parameter.high or value))
    if parameter.name == "sample_rate" and isinstance(value, int) and value < 8000:
        raise _invalid("sample_rate", "Value error, sample_rate must be at least 8,000 Hz")
    if parameter.name == "encoding" and value not in parameter.choices:
        raise SessionRefused(INVALID_INPUT, f"'{str(value)[:100]}' is not a valid Encoding")
    if parameter.choices and value not in parameter.choices:
        names = [f"'{choice}'" for choice in parameter.choices]
        listed = " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
        raise _invalid(parameter.name, f"Input should be {listed}")
    if isinstance(value, list) and parameter.high is not None and len(value) > parameter.high:
        raise _invalid(parameter.name, f"Value error, Max {parameter.high:g} items")
    if isinstance(value, str) and parameter.high is not None and len(value) > parameter.high:
        limit = f"exceeds maximum length of {parameter.high:g} characters (got {len(value)})"
        raise _invalid(parameter.name, f"Value error, {parameter.name} {limit}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if parameter.low is not None and not value >= parameter.low:
            raise _invalid(parameter.name, f"Input should be greater than or equal to {parameter.low:g}")
        if parameter.high is not None and not value <= parameter.high:
            raise _invalid(parameter.name, f"Input should be less than or equal to {parameter.high:g}")
    return value


def _an(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _invalid(name: str, reason: str) -> SessionRefused:
    return SessionRefused(INVALID_INPUT, f"User Input Validation Error: Invalid '{name}': {reason}")

"""What one session goes by: what was asked, on top of what its model and mode start from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from simulator.assemblyai.errors import invalid
from simulator.assemblyai.models import (
    ALWAYS_NAMES_LANGUAGE,
    DEFAULT_MODEL,
    DIARIZATION,
    LONGEST_DIARIZED_TURN_MS,
    LONGEST_TURN_MS,
    MODELS,
    PRESETS,
    Family,
    Model,
)
from simulator.assemblyai.parameters import TABLE, Parameter, Value, find
from simulator.assemblyai.values import from_json, from_text

MAX_TOLD: Final = 50
"""Unknown parameters that are kept and told, each in so many characters."""


class Settings:
    """`settings[name]` is the value of a parameter of the table, or None where neither it nor a default is set."""

    def __init__(self, asked: Iterable[tuple[str, str]]) -> None:
        """From the query; of a name that comes twice the last counts.

        Raises SessionRefused for a known parameter with a value that makes no sense.
        """
        self._values: dict[str, Value] = {}
        self.unknown: list[str] = []
        """Parameters that v3 does not have: the service ignores them without a word."""
        self._asked_as: dict[str, str] = {}
        for name, text in asked:
            parameter = find(name)
            if parameter is None:
                if len(self.unknown) < MAX_TOLD and name[:MAX_TOLD] not in self.unknown:
                    self.unknown.append(name[:MAX_TOLD])
                continue
            self._values[parameter.name] = from_text(parameter, text)
            self._asked_as[parameter.name] = name
        for name in self._values:
            if self.family in TABLE[name].refused_by:
                raise invalid(name, f"Value error, {name} is not supported for {self.model.name}")
        if "voice_focus_threshold" in self._values and "voice_focus" not in self._values:
            raise invalid("voice_focus_threshold", "Value error, voice_focus_threshold requires voice_focus")

    @property
    def model(self) -> Model:
        return MODELS[str(self._values.get("speech_model", DEFAULT_MODEL))]

    @property
    def family(self) -> Family:
        return self.model.family

    @property
    def mode(self) -> str | None:
        """None for models without."""
        return self["mode"] if self.family == "u3" else None

    @property
    def longest_turn_ms(self) -> int:
        return LONGEST_DIARIZED_TURN_MS if self._diarized else LONGEST_TURN_MS

    @property
    def names_language(self) -> bool:
        """Whether finals say which language was spoken."""
        if self.model.name == ALWAYS_NAMES_LANGUAGE:
            return True
        return self["language_detection"] and self.model.names_language

    @property
    def language(self) -> str:
        """The language that the client expects first, such as `en`; empty where it may be any."""
        codes = self["language_codes"] or ([self["language"]] if "language" in self._values else [])
        return "" if not codes or codes[0] == "multi" else codes[0]

    def __getitem__(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if self.family == "u3":
            start = DIARIZATION if self._diarized else PRESETS[str(self._values.get("mode", "balanced"))]
            if name in start:
                return start[name]
        if name == "include_partial_turns" and self._values.get("redact_pii"):
            return False
        return TABLE[name].default_of(self.family)

    def asked_as(self, name: str) -> str:
        """The name under which the client set a parameter."""
        return self._asked_as.get(name, name)

    def ignored(self) -> dict[str, str]:
        """What was asked for and changes nothing here, by the name that the client used, with the reason."""
        reasons = {self.asked_as(name): self._no_effect(TABLE[name]) for name in self._values}
        if self.model.note:
            reasons["speech_model"] = self.model.note
        return {name: reason for name, reason in reasons.items() if reason}

    def update(self, fields: Mapping[str, Any]) -> dict[str, str]:
        """Apply an UpdateConfiguration: null leaves a value as it is, and a new mode brings its own preset.

        Gives the fields that it cannot change, with the reason. Raises SessionRefused, and then changed nothing.
        """
        values: dict[str, Value] = {}
        ignored: dict[str, str] = {}
        for name, value in fields.items():
            parameter = find(name)
            if parameter is None:
                ignored[name] = "v3 has no such parameter."
            elif self.family not in parameter.families:
                ignored[name] = f"It has no effect on {self.model.name}."
            elif self.family not in parameter.live:
                ignored[name] = "It can be set when a session is opened, not later."
            elif value is not None:
                values[parameter.name] = from_json(parameter, value)
        if "mode" in values:
            for name in PRESETS[str(values["mode"])]:
                self._values.pop(name, None)
        self._values |= values
        return ignored

    @property
    def _diarized(self) -> bool:
        return self.family == "u3" and bool(self._values.get("speaker_labels"))

    def _no_effect(self, parameter: Parameter) -> str:
        if self._values[parameter.name] == parameter.default_of(self.family):
            return ""
        if self.family not in parameter.families:
            return f"It has no effect on {self.model.name}, here or at AssemblyAI."
        if parameter.name == "language_detection" and not self.model.names_language:
            return f"{self.model.name} knows one language, here and at AssemblyAI."
        return parameter.not_played

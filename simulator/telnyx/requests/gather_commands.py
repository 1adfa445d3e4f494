"""Collecting keys: gather, gather_using_speak, gather_using_audio, gather_stop. Pure.

Source: the command schemas of Telnyx's OpenAPI document, as typed in the telnyx package 4.189; "API error codes".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.telnyx.call_rules import GatherRules
from simulator.telnyx.errors import Code
from simulator.telnyx.requests.audio_commands import PAYLOAD, SPOKEN_KINDS, Play, Speak, basic_service
from simulator.telnyx.requests.common import CommandSpec, command_table
from simulator.telnyx.requests.fields import Address, Kind, Text, Whole
from simulator.telnyx.requests.rules import exclusive, ordered

_MAX_MS: Final = 120_000
_KINDS: Final[dict[str, Kind]] = {
    "inter_digit_timeout_millis": Whole(1, _MAX_MS, code=Code.INTER_DIGIT_TIMEOUT),
    "maximum_digits": Whole(1, 128, code=Code.MAXIMUM_DIGITS),
    "minimum_digits": Whole(1, 128, code=Code.MINIMUM_DIGITS),
    "terminating_digit": Text(
        code=Code.TERMINATING_DIGIT, pattern=re.compile(r"[0-9*#]?"), wanted="one of 0-9, * and #, or empty"
    ),
    "timeout_millis": Whole(1, _MAX_MS, code=Code.TIMEOUT_MILLIS),
    "valid_digits": Text(code=Code.VALID_DIGITS, pattern=re.compile(r"[0-9*#]+"), wanted="made of 0-9, * and #"),
}
_MAXIMUM_TRIES: Final = Whole(1, 128, code=Code.MAXIMUM_TRIES)
_COUNTS: Final = ordered("minimum_digits", "maximum_digits", Code.MINIMUM_DIGITS)


@dataclass(frozen=True, slots=True)
class Gather:
    """`prompt` is heard first, again at each further try, and `invalid` in its place after keys that do not count.

    With a prompt, `rules.timeout_ms` counts from its end, at each of at most `tries`.
    """

    rules: GatherRules
    prompt: Speak | Play | None = None
    invalid: Speak | Play | None = None
    tries: int = 1


@dataclass(frozen=True, slots=True)
class StopGather:
    pass


def _rules(values: Mapping[str, Any]) -> GatherRules:
    return GatherRules(
        minimum=values.get("minimum_digits", 1),
        maximum=values.get("maximum_digits", 128),
        terminating_digit=values.get("terminating_digit", "#"),
        valid_digits=values.get("valid_digits", "0123456789#*"),
        inter_digit_timeout_ms=values.get("inter_digit_timeout_millis", 5000),
        initial_timeout_ms=values.get("initial_timeout_millis"),
        timeout_ms=values.get("timeout_millis", 60_000),
        gather_id=values.get("gather_id"),
    )


def _spoken(values: Mapping[str, Any], name: str) -> Speak | None:
    if name not in values:
        return None
    return Speak(values[name], values["voice"], values.get("language"), values.get("payload_type") == "ssml")


def _played(values: Mapping[str, Any], url: str, media_name: str) -> Play | None:
    if url not in values and media_name not in values:
        return None
    return Play(values.get(url), values.get(media_name))


def _gather_using_speak(values: Mapping[str, Any]) -> Gather:
    return Gather(
        _rules(values),
        _spoken(values, "payload"),
        _spoken(values, "invalid_payload"),
        values.get("maximum_tries", 3),
    )


def _gather_using_audio(values: Mapping[str, Any]) -> Gather:
    return Gather(
        _rules(values),
        _played(values, "audio_url", "media_name"),
        _played(values, "invalid_audio_url", "invalid_media_name"),
        values.get("maximum_tries", 3),
    )


_GATHER: Final[dict[str, Kind]] = {
    **_KINDS,
    "gather_id": Text(limit=255),
    "initial_timeout_millis": Whole(1, _MAX_MS, code=Code.INITIAL_TIMEOUT),
}
_USING_SPEAK: Final[dict[str, Kind]] = {
    **_KINDS,
    **SPOKEN_KINDS,
    "invalid_payload": PAYLOAD,
    "maximum_tries": _MAXIMUM_TRIES,
}
_USING_AUDIO: Final[dict[str, Kind]] = {
    **_KINDS,
    "audio_url": Address(),
    "media_name": Text(least=1),
    "invalid_audio_url": Address(),
    "invalid_media_name": Text(least=1),
    "maximum_tries": _MAXIMUM_TRIES,
}

GATHER_COMMANDS: Final[dict[str, CommandSpec[Gather | StopGather]]] = {
    "gather": CommandSpec(
        command_table(_GATHER, rules=(_COUNTS,)), lambda values: Gather(_rules(values)), frozenset(_GATHER)
    ),
    "gather_using_speak": CommandSpec(
        command_table(_USING_SPEAK, required=("payload", "voice"), rules=(_COUNTS, basic_service)),
        _gather_using_speak,
        frozenset(_USING_SPEAK.keys() - {"service_level", "voice_settings"}),
    ),
    "gather_using_audio": CommandSpec(
        command_table(
            _USING_AUDIO,
            rules=(
                _COUNTS,
                exclusive("audio_url", "media_name"),
                exclusive("invalid_audio_url", "invalid_media_name"),
            ),
        ),
        _gather_using_audio,
        frozenset(_USING_AUDIO),
    ),
    "gather_stop": CommandSpec(command_table({}), lambda _: StopGather()),
}

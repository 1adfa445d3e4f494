"""What an operator may ask of AssemblyAI's turn detection in a live call, and where each value comes from.

Pure, and part of the contract: the agent checks with it, the console explains with it. A wrong value is refused
here, because the service answers one in the middle of a call by ending the session (Error 3006).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec

from agent import tuning_text
from agent.stt_parameters import (
    DEFAULTS,
    DIARIZATION,
    FAMILY_NAMES,
    FORMER_NAMES,
    MODES,
    PARAMETERS,
    Family,
    Parameter,
    family,
)
from agent.turn_detection import Listening

__all__ = [
    "DEFAULTS", "ENDS_TURNS", "MODES", "PARAMETERS", "Family", "Parameter", "Setting", "TuningError", "check",
    "check_value", "family", "parse", "parse_parts", "place", "settings", "unused",
]  # fmt: skip

MAX_KEYTERM: Final = 50
"""The longest key term in characters; AssemblyAI takes longer ones and says nothing."""

# Universal-Streaming refuses these where it ignores the rest, and a refusal ends the session (Pipecat 1.14.0).
_ENDS_STREAMING = frozenset({"mode", "prompt"})
_SECRET = frozenset({"token", "webhook_auth_header_name", "webhook_auth_header_value", "webhook_url"})
_LISTENING = {
    "speech_model": "model", "keyterms_prompt": "keyterms", "language_codes": "language_codes", "prompt": "prompt",
}  # fmt: skip
_TURNS = (
    "mode", "min_turn_silence", "max_turn_silence", "end_of_turn_confidence_threshold", "vad_threshold",
    "interruption_delay", "continuous_partials",
)  # fmt: skip
_SILENCES = frozenset({"min_turn_silence", "max_turn_silence", "end_of_turn_confidence_threshold"})
ENDS_TURNS: Final = _SILENCES | {"mode"}
"""What decides where AssemblyAI ends a turn; it changes no turn of an agent whose own VAD ends them."""
_FROM_FRAMEWORK = frozenset({"sample_rate", "encoding", "agent_context", "format_turns"})
# The one range that the service clamps instead of refusing.
_CLAMPED = "min_turn_silence"
_ALWAYS_SHOWN = frozenset({"speech_model", "sample_rate", "encoding"})


class TuningError(ValueError):
    """The value cannot be used; one sentence that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The value that a live session goes by, and whose it is: ``operator``, ``agent definition``, ``framework``,
    ``mode balanced``, ``speaker_labels`` or ``service``. ``value`` is None where there is none."""

    name: str
    value: Any
    source: str
    meaning: str
    live: bool


def parse(text: str) -> dict[str, Any]:
    """``min_turn_silence=600 max_turn_silence=1500`` as fields.

    A text with spaces stands in quotes. A list is JSON or has commas, ``keyterms_prompt="half past three,Ada"``;
    nothing after the ``=`` clears a list or a text.

    Raises:
        TuningError: a part is no name=value, its name is unknown, or its value is not of the parameter's kind.
    """
    try:
        return parse_parts(tuning_text.split(text))
    except tuning_text.Unreadable as error:
        raise TuningError(str(error)) from None


def parse_parts(parts: Iterable[str]) -> dict[str, Any]:
    """As :func:`parse`, of parts that a shell has split already.

    Raises:
        TuningError: as :func:`parse`.
    """
    fields: dict[str, Any] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise TuningError(f"{part!r} is no name=value: {tuning_text.EXAMPLE}")
        parameter = _known(name.strip())
        try:
            fields[parameter.name] = tuning_text.read(parameter, value.strip())
        except tuning_text.Unreadable as error:
            raise TuningError(str(error)) from None
    return fields


def check(fields: Mapping[str, Any], model: str, listening: Listening | None = None) -> dict[str, str]:
    """Which of ``fields`` the model's family does not honour, with the reason. They must agree with each other,
    and with what the session goes by so far where ``listening`` tells that.

    Raises:
        TuningError: a field is unknown, of the wrong kind, out of range, works at connect time only, or would
            end the session.
    """
    kin = family(model)
    ignored: dict[str, str] = {}
    for name, value in fields.items():
        parameter = _known(name)
        if not parameter.live or (kin in parameter.families and kin not in parameter.live):
            where = f" on {FAMILY_NAMES[kin]} models" if parameter.live else ""
            raise TuningError(f"{name} works only when the session opens{where}: {elsewhere(name)}")
        check_value(name, value)
        if kin not in parameter.families:
            if kin == "streaming" and name in _ENDS_STREAMING:
                raise TuningError(f"{model} has no {name} and would end the session over it: leave it out.")
            ignored[name] = unused(kin)
        elif (taken := _clamped(parameter, value)) != value:
            ignored[name] = (
                f"the service takes {parameter.low:g} to {parameter.high:g} ms: {value} counts as {taken}"
            )
    _check_order(fields, listening)
    return ignored


def check_value(name: str, value: object) -> None:
    """Whether a value is of its parameter's kind and in range; what the service clamps may be out of it.

    Raises:
        TuningError: it is not, or there is no such parameter.
    """
    parameter = _known(name)
    fits = {
        "int": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "bool": isinstance(value, bool),
        "list": isinstance(value, list) and all(isinstance(item, str) for item in cast("list[Any]", value)),
        "json": isinstance(value, dict),
    }.get(parameter.kind, isinstance(value, str))
    if not fits:
        raise TuningError(f"{name} must be {tuning_text.wanted(parameter)}.")
    items = cast("list[str]", value) if isinstance(value, list) else []
    wrong = next((item for item in items if parameter.choices and item not in parameter.choices), None)
    if wrong is not None or (parameter.kind == "choice" and value not in parameter.choices):
        raise TuningError(f"{name} cannot be {wrong or value}: choose from {', '.join(parameter.choices)}.")
    if isinstance(value, str | list):
        length, unit = len(cast("str | list[Any]", value)), "characters" if isinstance(value, str) else "entries"
        if parameter.high is not None and length > parameter.high:
            raise TuningError(f"{name} has {length} {unit}: {parameter.high:g} are the most.")
        long = next((item for item in items if len(item) > MAX_KEYTERM), None)
        if long is not None:
            raise TuningError(f"{name}: {long[:20]!r}… has {len(long)} characters: {MAX_KEYTERM} are the most.")
    elif isinstance(value, int | float) and name != _CLAMPED:
        low, high = parameter.low, parameter.high
        # Written so that NaN is out of range.
        if (low is not None and not value >= low) or (high is not None and not value <= high):
            raise TuningError(f"{name}={value:g} is out of range: it must be {tuning_text.wanted(parameter)}.")


def settings(listening: Listening) -> list[Setting]:
    """Every turn setting of the session, in the order of a panel: first what can be changed in the call, then
    what the session was opened with. Names the service does not know are in ``listening.ignored`` alone."""
    asked = {FORMER_NAMES.get(name, name): _of_query(name, text) for name, text in listening.parameters.items()}
    kin = family(listening.model or str(asked.get("speech_model", "")))
    found: list[Setting] = []
    for name, parameter in PARAMETERS.items():
        live = kin in parameter.live
        if name in _SECRET or not (live or name in asked or name in listening.tuned or name in _ALWAYS_SHOWN):
            continue
        value, source = _value(name, listening, asked, kin)
        meaning = parameter.meaning if kin in parameter.families else f"{unused(kin)}."
        found.append(Setting(name, _clamped(parameter, value), source, meaning, live))
    return found


def place(name: str) -> tuple[str, ...]:
    """Where the agent definition keeps a parameter, as the keys that lead there; empty when it does not, because
    the line or the framework decides it or because it is a secret."""
    if name in _FROM_FRAMEWORK or name in _SECRET:
        return ()
    if name in _LISTENING:
        return ("listening", _LISTENING[name])
    return ("turn", "assemblyai", name) if name in _TURNS else ("listening", "session", name)


def unused(kin: Family) -> str:
    """Why a parameter of the other family changes nothing."""
    return f"{FAMILY_NAMES[kin]} models do not use it"


def _value(name: str, listening: Listening, asked: Mapping[str, Any], kin: Family) -> tuple[Any, str]:
    mode = str(listening.tuned.get("mode") or asked.get("mode") or listening.mode or DEFAULTS["u3"]["mode"])
    if name in listening.tuned:
        return listening.tuned[name], "operator"
    if name in asked:
        return asked[name], _asker(name, asked)
    if kin == "u3" and asked.get("speaker_labels") is True and name in DIARIZATION:
        return DIARIZATION[name], "speaker_labels"
    if kin == "u3" and name in MODES.get(mode, {}):
        return MODES[mode][name], f"mode {mode}"
    known = {"mode": mode if kin == "u3" else None, "speech_model": listening.model or None}
    return known.get(name) or DEFAULTS[kin].get(name), "service"


def _asker(name: str, asked: Mapping[str, Any]) -> str:
    """Who put a value into the query. Our own agent names a mode exactly when AssemblyAI ends the turns; else
    Pipecat sets the silences (100 ms each) and the threshold. It asks for partials unless it is told not to."""
    by_framework = (
        name in _FROM_FRAMEWORK
        or (name in _SILENCES and "mode" not in asked)
        or (name == "continuous_partials" and asked[name] is True)
    )
    return "framework" if by_framework else "agent definition"


def _known(name: str) -> Parameter:
    found = PARAMETERS.get(name)
    if found is not None:
        return found
    if name in FORMER_NAMES:
        raise TuningError(f"{name} is the old name: write {FORMER_NAMES[name]}.")
    near = difflib.get_close_matches(name, PARAMETERS, 1, 0.5)
    hint = (
        f"did you mean {near[0]}?" if near else "min_turn_silence and max_turn_silence are what most calls need."
    )
    raise TuningError(f"AssemblyAI has no parameter {name[:60]}: {hint}")


def elsewhere(name: str) -> str:
    """Where a parameter that is fixed when the session opens is set instead."""
    keys = place(name)
    if keys:
        return f"set {keys[-1]} under [{'.'.join(keys[:-1])}] in the agent definition and redial."
    if name in ("sample_rate", "encoding"):
        return "it follows the line, so redial on another band."
    return "this agent leaves it to the framework."


def _of_query(name: str, text: str) -> Any:
    """A value of a query as its kind, or as it is written when it is not of it."""
    parameter = PARAMETERS.get(FORMER_NAMES.get(name, name))
    try:
        return text if parameter is None else tuning_text.read(parameter, text)
    except tuning_text.Unreadable:
        return text


def _check_order(fields: Mapping[str, Any], listening: Listening | None) -> None:
    then = dict(fields)
    if listening is not None:
        tuned = msgspec.structs.replace(listening, tuned={**listening.tuned, **fields})
        then = {setting.name: setting.value for setting in settings(tuned)}
    low, high = then.get("min_turn_silence"), then.get("max_turn_silence")
    if not (isinstance(low, int) and isinstance(high, int) and low > high):
        return
    if "max_turn_silence" in fields:
        raise TuningError(
            f"max_turn_silence={high} is below min_turn_silence={low}: raise it, or lower min_turn_silence too."
        )
    if "min_turn_silence" in fields or "mode" in fields:
        raise TuningError(
            f"min_turn_silence={low} would be above max_turn_silence={high}: "
            "lower it, or raise max_turn_silence too."
        )


def _clamped(parameter: Parameter, value: Any) -> Any:
    if parameter.name != _CLAMPED or not isinstance(value, int):
        return value
    return int(min(max(value, parameter.low or 0), parameter.high or value))

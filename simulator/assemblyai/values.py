"""From the text of a query and the JSON of an UpdateConfiguration to values, refused in the service's words."""

from __future__ import annotations

import json
from typing import Any, Final, cast

from simulator.assemblyai.errors import INVALID_INPUT, SessionRefused, invalid, listed
from simulator.assemblyai.parameters import Parameter, Value

_TRUE: Final = frozenset(("true", "1", "yes", "y", "on", "t"))
_FALSE: Final = frozenset(("false", "0", "no", "n", "off", "f"))
_NOUNS: Final = {
    "int": "integer",
    "number": "number",
    "bool": "boolean",
    "json": "dictionary",
    "list": "list",
    "codes": "list",
}


def from_text(parameter: Parameter, text: str) -> Value:
    """The value of a query parameter. Booleans come in any case. Raises SessionRefused."""
    match parameter.kind:
        case "int" | "number":
            value = _number(parameter, text)
        case "bool":
            if text.lower() not in _TRUE | _FALSE:
                raise invalid(parameter.name, "Input should be a valid boolean, unable to interpret input")
            value = text.lower() in _TRUE
        case "codes" if not text.startswith("["):
            value = [code.strip() for code in text.split(",") if code.strip()]
        case "list" | "json" | "codes":
            try:
                return from_json(parameter, json.loads(text))
            except (ValueError, RecursionError) as error:
                raise invalid(parameter.name, f"Invalid JSON: {error}") from None
        case "choice" | "text":
            value = text
    return _checked(parameter, value)


def from_json(parameter: Parameter, value: object) -> Value:
    """The value of a field that came as JSON. Raises SessionRefused."""
    # An empty text clears a list.
    if parameter.kind in ("list", "codes") and value == "":
        return []
    fits = {
        "int": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "bool": isinstance(value, bool),
        "list": _is_texts(value),
        "codes": _is_texts(value),
        "json": isinstance(value, dict),
    }.get(parameter.kind, isinstance(value, str))
    if not fits:
        raise invalid(parameter.name, f"Input should be a valid {_NOUNS.get(parameter.kind, 'string')}")
    return _checked(parameter, cast("Value", value))


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in cast("list[Any]", value))


def _number(parameter: Parameter, text: str) -> int | float:
    try:
        return int(text) if parameter.kind == "int" else float(text)
    except ValueError:
        noun = "an integer" if parameter.kind == "int" else "a number"
        reason = f"Input should be a valid {noun.split()[1]}, unable to parse string as {noun}"
        raise invalid(parameter.name, reason) from None


def _checked(parameter: Parameter, value: Value) -> Value:
    name = parameter.name
    if isinstance(value, list):
        return _checked_list(parameter, cast("list[str]", value))
    if name == "encoding" and value not in parameter.choices:
        raise SessionRefused(INVALID_INPUT, f"'{str(value)[:100]}' is not a valid Encoding")
    if parameter.choices and value not in parameter.choices:
        raise invalid(name, f"Input should be {listed(parameter.choices)}")
    if isinstance(value, str) and parameter.high is not None and len(value) > parameter.high:
        limit = f"exceeds maximum length of {parameter.high:g} characters (got {len(value)})"
        raise invalid(name, f"Value error, {name} {limit}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return _in_range(parameter, value)


def _checked_list(parameter: Parameter, value: list[str]) -> list[str]:
    if parameter.high is not None and len(value) > parameter.high:
        raise invalid(parameter.name, f"Value error, Max {parameter.high:g} items")
    for index, item in enumerate(value):
        if parameter.choices and item not in parameter.choices:
            raise invalid(f"{parameter.name}.{index}", f"Input should be {listed(parameter.choices)}")
    return value


def _in_range(parameter: Parameter, value: float) -> float:
    low, high = parameter.low, parameter.high
    # Written so that NaN, which is neither, is refused.
    if low is not None and not value >= low:
        if parameter.clamped:
            return int(low)
        if parameter.name == "sample_rate":
            raise invalid("sample_rate", f"Value error, sample_rate must be at least {low:,.0f} Hz")
        raise invalid(parameter.name, f"Input should be greater than or equal to {low:g}")
    if high is not None and not value <= high:
        if parameter.clamped:
            return int(high)
        raise invalid(parameter.name, f"Input should be less than or equal to {high:g}")
    return value

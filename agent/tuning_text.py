"""How tuning is typed: ``name=value`` parts of a line, and each value by its parameter's kind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from agent.stt_parameters import Parameter

EXAMPLE = "write min_turn_silence=600, and texts with spaces in quotes."
_NAME = re.compile(r"\s*([^\s=]+=)")
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)*)\"(?=\s|$)|'([^']*)'(?=\s|$)")
_PLAIN = re.compile(r"\S*")
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class Unreadable(ValueError):
    """The text cannot be read; one sentence that says why and what to write."""


def split(text: str) -> Iterator[str]:
    """The parts of a line. Quotes around a value are taken off, a JSON list is left whole.

    Raises:
        Unreadable: something is no ``name=value``, or a quote or a list does not end.
    """
    at, text = 0, text.strip()
    while at < len(text):
        name = _NAME.match(text, at)
        if name is None:
            raise Unreadable(f"{text[at:].split()[0]!r} is no name=value: {EXAMPLE}")
        value, at = _value(name[1], text, name.end())
        yield name[1] + value


def _value(name: str, text: str, start: int) -> tuple[str, int]:
    """The value that begins at ``start``, and where it ends."""
    if text.startswith("[", start):
        try:
            _, end = json.JSONDecoder().raw_decode(text, start)
        except (json.JSONDecodeError, RecursionError):
            raise Unreadable(f'{name}… is no JSON list: write {name}["one","two"] or {name}one,two.') from None
        return text[start:end], end
    if text.startswith(('"', "'"), start):
        quoted = _QUOTED.match(text, start)
        if quoted is None:
            raise Unreadable(f"A quote after {name} is not closed.")
        inside = quoted[2] if quoted[1] is None else re.sub(r"\\(.)", r"\1", quoted[1])
        return inside, quoted.end()
    plain = _PLAIN.match(text, start)
    assert plain is not None
    return plain[0], plain.end()


def read(parameter: Parameter, text: str) -> Any:
    """The value that ``text`` spells.

    Raises:
        Unreadable: it is not of the parameter's kind.
    """
    wrong = Unreadable(f"{parameter.name}={text[:60]} is not {wanted(parameter)}.")
    match parameter.kind:
        case "int" | "number":
            try:
                return int(text) if parameter.kind == "int" else float(text)
            except ValueError:
                raise wrong from None
        case "bool":
            if text.lower() not in _TRUE + _FALSE:
                raise wrong
            return text.lower() in _TRUE
        case "list" if not text.startswith("["):
            return [item.strip() for item in text.split(",") if item.strip()]
        case "list" | "json":
            try:
                return json.loads(text)
            except (json.JSONDecodeError, RecursionError):
                raise wrong from None
        case _:
            return text


def wanted(parameter: Parameter) -> str:
    """What a value must be, in words."""
    words = {
        "int": "a whole number",
        "number": "a number",
        "bool": "true or false",
        "list": "a list of texts",
        "json": "a JSON object",
    }
    what = words.get(parameter.kind, "a text")
    if parameter.kind not in ("int", "number") or parameter.low is None:
        return what
    most = f" to {parameter.high:g}" if parameter.high is not None else " up"
    return f"{what} from {parameter.low:g}{most}"

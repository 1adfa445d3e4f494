"""Kinds of request parameters, and how each refuses a value. Pure.

A request is an `Object` of named kinds. `Object.read` returns the parameters that were given, checked; it raises
`TelnyxError` with the pointer of the first one at fault. Parameters that Telnyx does not know are left out of the
result and named by `unknown`; null counts as not given.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from simulator.addresses import is_url
from simulator.telnyx.errors import Code, TelnyxError


class Kind(Protocol):
    def read(self, value: Any, pointer: str) -> Any:
        """`value` checked and, where Telnyx is lenient, converted. Raises TelnyxError."""
        ...


def name_of(pointer: str) -> str:
    """The parameter's name as a sentence shows it: `/custom_headers/0/name` is `custom_headers.0.name`."""
    return pointer.removeprefix("/").replace("/", ".")


@dataclass(frozen=True, slots=True)
class Text:
    """A string; `limit` in characters."""

    limit: int = 0
    least: int = 0
    code: Code = Code.INVALID_VALUE

    def read(self, value: Any, pointer: str) -> str:
        if not isinstance(value, str):
            raise TelnyxError(Code.INVALID_TYPE, f"The {name_of(pointer)} parameter must be a string.", pointer)
        if len(value) < self.least:
            detail = f"The {name_of(pointer)} parameter must have at least {self.least} characters."
            raise TelnyxError(self.code, detail, pointer)
        if self.limit and len(value) > self.limit:
            detail = f"The {name_of(pointer)} parameter must have at most {self.limit} characters."
            raise TelnyxError(self.code, detail, pointer)
        return value


@dataclass(frozen=True, slots=True)
class Flag:
    def read(self, value: Any, pointer: str) -> bool:
        if not isinstance(value, bool):
            raise TelnyxError(Code.INVALID_TYPE, f"The {name_of(pointer)} parameter must be a boolean.", pointer)
        return value


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer from `least` to `most`."""

    least: int = -(2**53)
    most: int = 2**53
    code: Code = Code.OUT_OF_RANGE

    def read(self, value: Any, pointer: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise TelnyxError(Code.INVALID_TYPE, f"The {name_of(pointer)} parameter must be an integer.", pointer)
        if not self.least <= value <= self.most:
            detail = f"The {name_of(pointer)} parameter must be between {self.least} and {self.most}."
            raise TelnyxError(self.code, detail, pointer)
        return value


@dataclass(frozen=True, slots=True)
class Number:
    """An integer or a decimal number from `least` to `most`."""

    least: float = -1e18
    most: float = 1e18

    def read(self, value: Any, pointer: str) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise TelnyxError(Code.INVALID_TYPE, f"The {name_of(pointer)} parameter must be a number.", pointer)
        if not self.least <= value <= self.most:
            detail = f"The {name_of(pointer)} parameter must be between {self.least:g} and {self.most:g}."
            raise TelnyxError(Code.OUT_OF_RANGE, detail, pointer)
        return value


class Choice:
    """One of some strings; letters count."""

    __slots__ = ("choices",)

    def __init__(self, *choices: str) -> None:
        self.choices = choices

    def read(self, value: Any, pointer: str) -> str:
        text = Text().read(value, pointer)
        if text not in self.choices:
            detail = f"The {name_of(pointer)} parameter must be one of {', '.join(self.choices)}."
            raise TelnyxError(Code.INVALID_ENUM, detail, pointer)
        return text


@dataclass(frozen=True, slots=True)
class Address:
    """An absolute URL of at most 2,000 characters."""

    schemes: tuple[str, ...] = ("http", "https")

    def read(self, value: Any, pointer: str) -> str:
        text = Text().read(value, pointer)
        if len(text) > 2000 or not is_url(text, self.schemes):
            detail = (
                f"The {name_of(pointer)} parameter must be a {' or '.join(self.schemes)} address "
                "of at most 2000 characters."
            )
            raise TelnyxError(Code.INVALID_URL, detail, pointer)
        return text


@dataclass(frozen=True, slots=True)
class Base64:
    """Base64 text, kept as it came."""

    code: Code = Code.CLIENT_STATE_NOT_BASE64

    def read(self, value: Any, pointer: str) -> str:
        text = Text().read(value, pointer)
        try:
            base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            detail = f"The {name_of(pointer)} parameter must be Base64-encoded."
            raise TelnyxError(self.code, detail, pointer) from None
        return text


@dataclass(frozen=True, slots=True)
class Many:
    """A list of one kind."""

    kind: Kind
    least: int = 0
    most: int = 1000

    def read(self, value: Any, pointer: str) -> list[Any]:
        if not isinstance(value, list):
            raise TelnyxError(Code.INVALID_TYPE, f"The {name_of(pointer)} parameter must be an array.", pointer)
        items = cast("list[Any]", value)
        if not self.least <= len(items) <= self.most:
            detail = f"The {name_of(pointer)} parameter must hold {self.least} to {self.most} items."
            raise TelnyxError(Code.OUT_OF_RANGE, detail, pointer)
        return [self.kind.read(item, f"{pointer}/{index}") for index, item in enumerate(items)]


@dataclass(frozen=True, slots=True)
class OneOrMany:
    """One value of a kind, or a list of them; the result is always a list."""

    kind: Kind

    def read(self, value: Any, pointer: str) -> list[Any]:
        if isinstance(value, list):
            return Many(self.kind, least=1).read(value, pointer)
        return [self.kind.read(value, pointer)]


@dataclass(frozen=True, slots=True)
class Dictionary:
    """An object with free keys and values of one kind."""

    kind: Kind
    most: int = 1000

    def read(self, value: Any, pointer: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise TelnyxError(Code.INVALID_TYPE, f"The {name_of(pointer)} parameter must be an object.", pointer)
        entries = cast("Mapping[str, Any]", value)
        if len(entries) > self.most:
            detail = f"The {name_of(pointer)} parameter must hold at most {self.most} entries."
            raise TelnyxError(Code.OUT_OF_RANGE, detail, pointer)
        return {key: self.kind.read(item, f"{pointer}/{key}") for key, item in entries.items()}


@dataclass(frozen=True, slots=True)
class Anything:
    """A value that the simulator passes over."""

    def read(self, value: Any, pointer: str) -> Any:
        return value


class Object:
    """Named parameters. `required` are refused when absent, null or an empty string."""

    __slots__ = ("kinds", "required")

    def __init__(self, kinds: Mapping[str, Kind], required: Sequence[str] = ()) -> None:
        self.kinds = dict(kinds)
        self.required = tuple(required)

    def read(self, value: Any, pointer: str = "") -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise TelnyxError(Code.INVALID_TYPE, f"{_subject(pointer)} must be an object.", pointer or None)
        given = cast("Mapping[str, Any]", value)
        for name in self.required:
            if given.get(name) is None or given[name] == "":
                at = f"{pointer}/{name}"
                raise TelnyxError(Code.MISSING_PARAMETER, f"The {name_of(at)} parameter is required.", at)
        return {
            name: self.kinds[name].read(item, f"{pointer}/{name}")
            for name, item in given.items()
            if item is not None and name in self.kinds
        }

    def unknown(self, value: Mapping[str, Any]) -> list[str]:
        """Names that Telnyx does not know, which are usually misspelled."""
        return sorted(name for name in value if name not in self.kinds)


def _subject(pointer: str) -> str:
    return f"The {name_of(pointer)} parameter" if pointer else "The request body"

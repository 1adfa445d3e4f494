"""Kinds of request parameters, and how each refuses a value. Pure.

A request is an `Object` of named kinds. `Object.read` returns the parameters that were given, checked; it raises
`TelnyxError` with the pointer of the first one at fault. Parameters that Telnyx does not know are left out of the
result and named by `unknown`; null counts as not given. A value of the wrong JSON type is always 10026; `code` is
what a kind says of a value of the right type.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from simulator.addresses import is_url
from simulator.telnyx.errors import Code, TelnyxError

_MAX_SHOWN: Final = 100


class Kind(Protocol):
    def read(self, value: Any, pointer: str) -> Any:
        """`value` checked and, where Telnyx is lenient, converted. Raises TelnyxError."""
        ...


class Rule(Protocol):
    """What holds between the parameters of one object."""

    def __call__(self, values: Mapping[str, Any], pointer: str) -> None:
        """`values` as they were read. Raises TelnyxError."""
        ...


def below(pointer: str, name: str | int) -> str:
    """The pointer of a member, escaped as RFC 6901 says."""
    return f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"


def name_of(pointer: str) -> str:
    """The parameter's name as a sentence shows it: `/custom_headers/0/name` is `custom_headers.0.name`."""
    name = pointer.removeprefix("/").replace("/", ".").replace("~1", "/").replace("~0", "~")
    return name if len(name) <= _MAX_SHOWN else name[:_MAX_SHOWN] + "…"


def wrong_type(pointer: str, wanted: str) -> TelnyxError:
    """`wanted` with its article, such as `an integer`."""
    return TelnyxError(Code.INVALID_TYPE, f"{_subject(pointer)} must be {wanted}.", pointer or None)


@dataclass(frozen=True, slots=True)
class Text:
    """A string; `limit` in characters, 0 for none. `pattern` must match all of it, and `wanted` describes it."""

    limit: int = 0
    least: int = 0
    code: Code = Code.STRING_LENGTH
    pattern: re.Pattern[str] | None = None
    wanted: str = ""

    def read(self, value: Any, pointer: str) -> str:
        if not isinstance(value, str):
            raise wrong_type(pointer, "a string")
        if len(value) < self.least or (self.limit and len(value) > self.limit):
            bounds = f"{self.least} to {self.limit}" if self.limit else f"at least {self.least}"
            raise TelnyxError(self.code, f"{_subject(pointer)} must have {bounds} characters.", pointer)
        if self.pattern is not None and not self.pattern.fullmatch(value):
            raise TelnyxError(self.code, f"{_subject(pointer)} must be {self.wanted}.", pointer)
        return value


@dataclass(frozen=True, slots=True)
class Flag:
    def read(self, value: Any, pointer: str) -> bool:
        if not isinstance(value, bool):
            raise wrong_type(pointer, "a boolean")
        return value


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer from `least` to `most`."""

    least: int = -(2**53)
    most: int = 2**53
    code: Code = Code.OUT_OF_RANGE

    def read(self, value: Any, pointer: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong_type(pointer, "an integer")
        if not self.least <= value <= self.most:
            detail = f"{_subject(pointer)} must be between {self.least} and {self.most}."
            raise TelnyxError(self.code, detail, pointer)
        return value


@dataclass(frozen=True, slots=True)
class Number:
    """An integer or a decimal number from `least` to `most`."""

    least: float = -1e18
    most: float = 1e18

    def read(self, value: Any, pointer: str) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise wrong_type(pointer, "a number")
        if not self.least <= value <= self.most:
            detail = f"{_subject(pointer)} must be between {self.least:g} and {self.most:g}."
            raise TelnyxError(Code.OUT_OF_RANGE, detail, pointer)
        return value


class Choice:
    """One of some strings; letters count."""

    __slots__ = ("choices", "code")

    def __init__(self, *choices: str, code: Code = Code.INVALID_ENUM) -> None:
        self.choices = choices
        self.code = code

    def read(self, value: Any, pointer: str) -> str:
        if not isinstance(value, str):
            raise wrong_type(pointer, "a string")
        if value not in self.choices:
            shown = ", ".join(self.choices[:_MAX_SHOWN])
            raise TelnyxError(self.code, f"{_subject(pointer)} must be one of: {shown}.", pointer)
        return value


class WholeChoice:
    """One of some integers."""

    __slots__ = ("choices",)

    def __init__(self, *choices: int) -> None:
        self.choices = choices

    def read(self, value: Any, pointer: str) -> int:
        number = Whole().read(value, pointer)
        if number not in self.choices:
            shown = ", ".join(map(str, self.choices))
            raise TelnyxError(Code.INVALID_ENUM, f"{_subject(pointer)} must be one of: {shown}.", pointer)
        return number


@dataclass(frozen=True, slots=True)
class Address:
    """An absolute URL of at most 2,000 characters."""

    schemes: tuple[str, ...] = ("http", "https")
    code: Code = Code.INVALID_URL

    def read(self, value: Any, pointer: str) -> str:
        text = Text().read(value, pointer)
        if len(text) > 2000 or not is_url(text, self.schemes):
            wanted = f"a {' or '.join(self.schemes)} address of at most 2000 characters"
            raise TelnyxError(self.code, f"{_subject(pointer)} must be {wanted}.", pointer)
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
            raise TelnyxError(self.code, f"{_subject(pointer)} must be Base64-encoded.", pointer) from None
        return text


@dataclass(frozen=True, slots=True)
class Many:
    """A list of one kind."""

    kind: Kind
    least: int = 0
    most: int = 1000

    def read(self, value: Any, pointer: str) -> list[Any]:
        if not isinstance(value, list):
            raise wrong_type(pointer, "an array")
        items = cast("list[Any]", value)
        if not self.least <= len(items) <= self.most:
            detail = f"{_subject(pointer)} must hold {self.least} to {self.most} items."
            raise TelnyxError(Code.OUT_OF_RANGE, detail, pointer)
        return [self.kind.read(item, below(pointer, index)) for index, item in enumerate(items)]


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
            raise wrong_type(pointer, "an object")
        entries = cast("Mapping[str, Any]", value)
        if len(entries) > self.most:
            detail = f"{_subject(pointer)} must hold at most {self.most} entries."
            raise TelnyxError(Code.OUT_OF_RANGE, detail, pointer)
        return {key: self.kind.read(item, below(pointer, key)) for key, item in entries.items()}


@dataclass(frozen=True, slots=True)
class Anything:
    """A value that the simulator passes over."""

    def read(self, value: Any, pointer: str) -> Any:
        return value


class Either:
    """A value of one of several kinds; `wanted` says which, such as `a string or a number`."""

    __slots__ = ("kinds", "wanted")

    def __init__(self, wanted: str, *kinds: Kind) -> None:
        self.kinds = kinds
        self.wanted = wanted

    def read(self, value: Any, pointer: str) -> Any:
        other: TelnyxError | None = None
        for kind in self.kinds:
            try:
                return kind.read(value, pointer)
            except TelnyxError as error:
                # A value of the right type but the wrong content tells more than one of the wrong type.
                if error.code is not Code.INVALID_TYPE or error.pointer != pointer:
                    other = error
        raise other or wrong_type(pointer, self.wanted)


class Object:
    """Named parameters. `required` are refused when absent, null or an empty string; `rules` see what was read."""

    __slots__ = ("kinds", "required", "rules")

    def __init__(
        self, kinds: Mapping[str, Kind], required: Sequence[str] = (), rules: Sequence[Rule] = ()
    ) -> None:
        self.kinds = dict(kinds)
        self.required = tuple(required)
        self.rules = tuple(rules)

    def read(self, value: Any, pointer: str = "") -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise wrong_type(pointer, "an object")
        given = cast("Mapping[str, Any]", value)
        for name in self.required:
            if given.get(name) is None or given[name] == "":
                raise missing(below(pointer, name))
        values = {
            name: self.kinds[name].read(item, below(pointer, name))
            for name, item in given.items()
            if item is not None and name in self.kinds
        }
        for rule in self.rules:
            rule(values, pointer)
        return values

    def unknown(self, value: Mapping[str, Any]) -> list[str]:
        """Names that Telnyx does not know, which are usually misspelled."""
        return sorted(name for name in value if name not in self.kinds)


class Tagged:
    """An object whose member `tag` says which of several shapes it has.

    `inferred`: the tag may be left out, and the first shape that fits is taken.
    """

    __slots__ = ("inferred", "shapes", "tag")

    def __init__(self, tag: str, shapes: Mapping[str, Object], inferred: bool = False) -> None:
        self.tag = tag
        self.shapes = dict(shapes)
        self.inferred = inferred

    def read(self, value: Any, pointer: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise wrong_type(pointer, "an object")
        given = cast("Mapping[str, Any]", value)
        tag = given.get(self.tag)
        if tag is None and not self.inferred:
            raise missing(below(pointer, self.tag))
        if tag is not None:
            return self.shapes[Choice(*self.shapes).read(tag, below(pointer, self.tag))].read(given, pointer)
        refusal: TelnyxError | None = None
        for name, shape in self.shapes.items():
            try:
                return shape.read({**given, self.tag: name}, pointer)
            except TelnyxError as error:
                refusal = error
        raise refusal or wrong_type(pointer, "an object")


def missing(pointer: str) -> TelnyxError:
    return TelnyxError(Code.MISSING_PARAMETER, f"{_subject(pointer)} is required and cannot be blank.", pointer)


def _subject(pointer: str) -> str:
    return f"The '{name_of(pointer)}' parameter" if pointer else "The request body"

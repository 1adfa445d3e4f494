"""Kinds of TeXML attribute values, and how each puts its rule into words. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urljoin

from simulator.addresses import is_url


class Kind(Protocol):
    @property
    def rule(self) -> str:
        """What a value must be, as the end of a sentence that begins with "must be"."""
        ...

    def read(self, value: str, base_url: str) -> Any:
        """Raises ValueError when `value` is against the rule."""
        ...


@dataclass(frozen=True, slots=True)
class Free:
    """Any text."""

    rule: str = "text"

    def read(self, value: str, base_url: str) -> str:
        return value


class Choice:
    """One of some words; letters count unless `any_case`, which gives the word as it is listed."""

    __slots__ = ("any_case", "words")

    def __init__(self, *words: str, any_case: bool = False) -> None:
        self.words = words
        self.any_case = any_case

    @property
    def rule(self) -> str:
        return f"one of {', '.join(self.words)}"

    def read(self, value: str, base_url: str) -> str:
        for word in self.words:
            if value == word or (self.any_case and value.lower() == word.lower()):
                return word
        raise ValueError(value)


METHOD = Choice("GET", "POST", any_case=True)


@dataclass(frozen=True, slots=True)
class Flag:
    rule: str = "true or false"

    def read(self, value: str, base_url: str) -> bool:
        if value not in ("true", "false"):
            raise ValueError(value)
        return value == "true"


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number; `most` None: no bound but nine digits. `also` is allowed besides the range."""

    least: int
    most: int | None = None
    unit: str = ""
    also: int | None = None

    @property
    def rule(self) -> str:
        kind = f"a whole number of {self.unit}" if self.unit else "a whole number"
        extent = f"of {self.least} or more" if self.most is None else f"from {self.least} to {self.most}"
        if self.most is None and self.unit:
            extent = f"from {self.least} up"
        return f"{kind} {extent}" + (f", or {self.also}" if self.also is not None else "")

    def read(self, value: str, base_url: str) -> int:
        text = value.strip()
        # Without a bound on its length, int() would take quadratic time.
        if len(text) > 9 or not (text.isascii() and text.isdigit()):
            raise ValueError(value)
        number = int(text)
        if number != self.also and (number < self.least or (self.most is not None and number > self.most)):
            raise ValueError(value)
        return number


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal number from `least` to `most`."""

    least: float
    most: float

    @property
    def rule(self) -> str:
        return f"a number from {self.least:g} to {self.most:g}"

    def read(self, value: str, base_url: str) -> float:
        if not re.fullmatch(r"\s*[0-9]{1,9}(\.[0-9]{1,9})?\s*", value, re.ASCII):
            raise ValueError(value)
        number = float(value)
        if not self.least <= number <= self.most:
            raise ValueError(value)
        return number


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of a telephone; with `pauses` also `w`, half a second each."""

    pauses: bool = False
    most: int = 128

    @property
    def rule(self) -> str:
        return f"at most {self.most} of the keys 0-9, * and #" + (" and w for half a second" * self.pauses)

    def read(self, value: str, base_url: str) -> str:
        if len(value) > self.most or not set(value) <= set("0123456789*#" + "w" * self.pauses):
            raise ValueError(value)
        return value


@dataclass(frozen=True, slots=True)
class Tokens:
    """Words out of a list, with spaces between them."""

    words: tuple[str, ...]

    @property
    def rule(self) -> str:
        return f"words out of {', '.join(self.words)}, with spaces between them"

    def read(self, value: str, base_url: str) -> frozenset[str]:
        tokens = frozenset(value.split())
        if not tokens or not tokens <= set(self.words):
            raise ValueError(value)
        return tokens


@dataclass(frozen=True, slots=True)
class Address:
    """A URL; one that is relative is completed with the document's own, unless it is that of a socket."""

    schemes: tuple[str, ...] = ("http", "https")

    @property
    def rule(self) -> str:
        kind = "ws(s)" if "ws" in self.schemes else "http(s)"
        return f"the {kind} address of a server"

    def read(self, value: str, base_url: str) -> str:
        url = value.strip()
        # Completing nothing would give the document's own address.
        if not url:
            raise ValueError(value)
        if base_url and "ws" not in self.schemes:
            url = urljoin(base_url, url)
        if not is_url(url, self.schemes):
            raise ValueError(value)
        return url


SOCKET = Address(("ws", "wss"))


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    rule: str = "a number in +E.164 form, such as +15551230001"

    def read(self, value: str, base_url: str) -> str:
        number = value.strip()
        if not re.fullmatch(r"\+[1-9][0-9]{1,14}", number, re.ASCII):
            raise ValueError(value)
        return number


@dataclass(frozen=True, slots=True)
class SipAddress:
    rule: str = "a SIP address, such as sip:name@example.com"

    def read(self, value: str, base_url: str) -> str:
        address = value.strip()
        if len(address) > 500 or not re.fullmatch(r"sips?:[^\s@<>]+@[^\s@<>]+", address):
            raise ValueError(value)
        return address

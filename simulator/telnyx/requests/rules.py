"""What holds between parameters of one request. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.requests.fields import Rule, below, missing


def exclusive(*names: str) -> Rule:
    """At most one of them is given."""

    def rule(values: Mapping[str, Any], pointer: str) -> None:
        given = [name for name in names if name in values]
        if len(given) > 1:
            detail = f"The parameters {' and '.join(given)} cannot be used together; send one of them."
            raise TelnyxError(Code.UNPROCESSABLE, detail, below(pointer, given[1]))

    return rule


def one_of(*names: str) -> Rule:
    """At least one of them is given; the first is named when none is."""

    def rule(values: Mapping[str, Any], pointer: str) -> None:
        if not any(values.get(name) for name in names):
            raise missing(below(pointer, names[0]))

    return rule


def needs(name: str, other: str) -> Rule:
    """With `name`, unless it is false or empty, `other` is required."""

    def rule(values: Mapping[str, Any], pointer: str) -> None:
        if values.get(name) and not values.get(other):
            raise missing(below(pointer, other))

    return rule


def ordered(least: str, most: str, code: Code) -> Rule:
    """`least` is not above `most`."""

    def rule(values: Mapping[str, Any], pointer: str) -> None:
        if least in values and most in values and values[least] > values[most]:
            detail = f"The '{least}' parameter must not be above '{most}'."
            raise TelnyxError(code, detail, below(pointer, least))

    return rule

"""Filters of a list: how each reads its value and which resources pass. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.paging import Query, query_error, read_conditions, read_order
from simulator.telnyx.requests.fields import Choice, Kind

R = TypeVar("R")

Order = Callable[[R], Any]
"""What a list is sorted by: a string, a number, a boolean or None."""


@dataclass(frozen=True, slots=True)
class Filter(Generic[R]):
    """`passes(resource, value)`; `kind` checks the value, `least` is its least number of characters, and `many`
    says that it may be several with commas between them."""

    passes: Callable[[R, str], bool]
    kind: Kind | None = None
    least: int = 0
    many: bool = False


def equals(of: Callable[[R], object], *choices: str) -> Filter[R]:
    """The field is the value; `null` stands for no value."""
    return Filter(
        lambda resource, value: value == ("null" if of(resource) is None else str(of(resource))),
        Choice(*choices) if choices else None,
    )


def contains(of: Callable[[R], str | None]) -> Filter[R]:
    """The field has the value in it, capital letters or not; at least three characters."""
    return Filter(lambda resource, value: value.lower() in (of(resource) or "").lower(), least=3)


def starts_with(of: Callable[[R], str | None]) -> Filter[R]:
    return Filter(lambda resource, value: (of(resource) or "").lower().startswith(value.lower()), least=3)


def ends_with(of: Callable[[R], str | None]) -> Filter[R]:
    return Filter(lambda resource, value: (of(resource) or "").lower().endswith(value.lower()), least=3)


def passed_over() -> Filter[Any]:
    """A filter that Telnyx's clients know and that says nothing about these resources."""
    return Filter(lambda _resource, _value: True)


def filtered(resources: Iterable[R], query: Query, filters: Mapping[str, Filter[R]]) -> list[R]:
    """Those that pass every filter of the query, in their order. Raises TelnyxError."""
    kept = list(resources)
    arrays = [name for name, known in filters.items() if known.many]
    for condition in read_conditions(query, filters, arrays):
        name = f"{condition.field}[{condition.operator}]" if condition.operator else condition.field
        wanted = filters[name]
        for value in condition.values:
            _check(wanted, value, condition.parameter)
        if condition.values:
            kept = [item for item in kept if any(wanted.passes(item, value) for value in condition.values)]
    return kept


def ordered(
    resources: Sequence[R], query: Query, orders: Mapping[str, Order[R]], default: str = "-created_at"
) -> list[R]:
    """Sorted as the query asks; of equals, the newest comes first. `resources` are oldest first. Raises
    QueryError.
    """
    name, descending = read_order(query, orders, default)
    order = orders[name]
    newest_first = resources[::-1]

    def key(resource: R) -> tuple[bool, Any]:
        value = order(resource)
        return value is not None, value.lower() if isinstance(value, str) else (value or 0)

    return sorted(newest_first, key=key, reverse=descending)


def _check(wanted: Filter[Any], value: str, parameter: str) -> None:
    if len(value) < wanted.least:
        raise query_error(
            f"{parameter} must have at least {wanted.least} characters.", parameter, Code.INVALID_FILTER
        )
    if wanted.kind is not None:
        try:
            wanted.kind.read(value, f"/{parameter}")
        except TelnyxError as error:
            raise query_error(error.detail, parameter, Code.INVALID_FILTER) from None

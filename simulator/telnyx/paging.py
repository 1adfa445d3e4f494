"""Pages, filters and orders of Telnyx's lists, read from a query string and applied to a list. Pure.

Source: Telnyx API reference, "Pagination" and "Sorting and filtering": pages are numbered from 1, 20 items long
unless asked otherwise and at most 250; filters are `filter[field]` or `filter[field][operator]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from simulator.telnyx.errors import Code, TelnyxError

T = TypeVar("T")

Query = Sequence[tuple[str, str]]
"""Names and values of a query string, decoded, in their order."""

DEFAULT_SIZE: Final = 20
MAX_SIZE: Final = 250
_MAX_FILTERS: Final = 100
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_FILTER: Final = re.compile(r"filter\[([^\[\]]+)\](?:\[([^\[\]]*)\])?(?:\[[0-9]*\])?")


def query_error(detail: str, parameter: str, code: Code = Code.BAD_REQUEST) -> TelnyxError:
    """A query that Telnyx refuses; `source.parameter` of the body names the parameter at fault."""
    return TelnyxError(code, detail, parameter=parameter)


@dataclass(frozen=True, slots=True)
class Page:
    """`number` counts from 1; `size` is 1 to 250 items."""

    number: int = 1
    size: int = DEFAULT_SIZE


@dataclass(frozen=True, slots=True)
class Condition:
    """`filter[field][operator]=value`; several values mean any of them. `operator` is empty for
    `filter[field]`.
    """

    field: str
    operator: str
    values: tuple[str, ...]

    @property
    def parameter(self) -> str:
        return f"filter[{self.field}]" + (f"[{self.operator}]" if self.operator else "")


def read_page(query: Query) -> Page:
    """`page[number]` and `page[size]`. Raises TelnyxError."""
    given = dict(query)
    return Page(
        number=_whole(given, "page[number]", 1, 10**9),
        size=_whole(given, "page[size]", DEFAULT_SIZE, MAX_SIZE),
    )


def paged(items: Sequence[T], page: Page) -> dict[str, Any]:
    """One page as `data`, with `meta` {page_number, page_size, total_pages, total_results}.

    A page after the last one is empty.
    """
    start = (page.number - 1) * page.size
    return {"data": list(items[start : start + page.size]), "meta": _meta(len(items), page)}


def cursor_paged(items: Sequence[T], query: Query, key: Callable[[T], str], path: str) -> dict[str, Any]:
    """One page of a list with cursors: `page[after]`, `page[before]` and `page[limit]`, or page numbers.

    `key` gives an item's cursor and `path` is where the list is, such as `/v2/connections/1/active_calls`.
    `meta` has {cursors: {after, before}, next, previous, total_items} as the API reference has it, and the page
    numbers that Telnyx's Python client reads. Raises TelnyxError.
    """
    given = dict(query)
    page = read_page(query)
    limit = _whole(given, "page[limit]", page.size, MAX_SIZE)
    keys = [key(item) for item in items]
    if "page[after]" in given:
        start = _position(keys, given, "page[after]") + 1
        end = start + limit
    elif "page[before]" in given:
        end = _position(keys, given, "page[before]")
        start = max(0, end - limit)
    else:
        start = (page.number - 1) * limit
        end = start + limit
    shown = keys[start:end]
    after, before = (shown[-1], shown[0]) if shown else (None, None)
    meta = _meta(len(items), Page(start // limit + 1, limit)) | {
        "cursors": {"after": after, "before": before},
        "next": f"{path}?page[after]={after}&page[limit]={limit}" if shown and end < len(keys) else None,
        "previous": f"{path}?page[before]={before}&page[limit]={limit}" if shown and start else None,
        "total_items": len(items),
    }
    return {"data": list(items[start:end]), "meta": meta}


def read_conditions(query: Query, known: Iterable[str], arrays: Iterable[str] = ()) -> list[Condition]:
    """The filters of a query. `known` names them as `field` or `field[operator]`; another one is refused, and so
    is a malformed name. Those named in `arrays` may have several values, with commas between them. `[]` or `[0]`
    after a name marks an array and `[eq]` says nothing. Raises TelnyxError.
    """
    names, many = set(known), set(arrays)
    found: dict[tuple[str, str], list[str]] = {}
    for name, value in query:
        if not name.startswith("filter"):
            continue
        match = _FILTER.fullmatch(name)
        field = match[1] if match else ""
        operator = (match[2] or "") if match else ""
        if operator == "eq" or operator.isdecimal():
            operator = ""
        full_name = f"{field}[{operator}]" if operator else field
        if full_name not in names:
            detail = f"There is no filter {name[:80]}: use one of {', '.join(sorted(names)) or 'none'}."
            raise query_error(detail, name[:80], Code.INVALID_FILTER)
        values = found.setdefault((field, operator), [])
        parts = value.split(",") if full_name in many else [value]
        values.extend(part for part in parts if part)
        if len(values) > _MAX_FILTERS:
            raise query_error(f"{name} has more than {_MAX_FILTERS} values: ask for fewer at once.", name)
    return [Condition(field, operator, tuple(values)) for (field, operator), values in found.items()]


def read_order(query: Query, known: Iterable[str], default: str) -> tuple[str, bool]:
    """(name, descending) of `sort`, which is a name or `-name`. Raises TelnyxError."""
    names = set(known)
    sort = dict(query).get("sort") or default
    name = sort.removeprefix("-")
    if name not in names:
        raise query_error(f"sort must be one of {', '.join(sorted(names))}, with - before it to descend.", "sort")
    return name, sort.startswith("-")


def _whole(given: dict[str, str], name: str, default: int, most: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    number = int(text) if _WHOLE.fullmatch(text) else 0
    if not 1 <= number <= most:
        raise query_error(f"{name} must be a whole number from 1 to {most}.", name)
    return number


def _position(keys: Sequence[str], given: dict[str, str], name: str) -> int:
    try:
        return keys.index(given[name])
    except ValueError:
        raise query_error(f"{name} is not a cursor of this list: start again without it.", name) from None


def _meta(total: int, page: Page) -> dict[str, Any]:
    return {
        "page_number": page.number,
        "page_size": page.size,
        "total_pages": -(-total // page.size),
        "total_results": total,
    }

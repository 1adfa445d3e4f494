"""Resources as typed, frozen records whose annotations say how requests set their fields.

A field `tags: Annotated[tuple[str, ...], TAGS]` is set by requests and checked by that kind; one that is
`Annotated[Inbound, PART]` is an object of such fields; any other field is read-only.
"""

from __future__ import annotations

import functools
import secrets
import types
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.requests.fields import Kind, Object

PART: Final = object()
"""Marks a field that is an object of fields."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Fields of a resource. Its repr names no value, so passwords cannot reach a log."""

    NEVER_NULL: ClassVar[tuple[str, ...]] = ()
    """Fields for which null is refused; elsewhere it clears a field, or counts as not given."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Resource(Part, frozen=True, kw_only=True):
    """What every resource has. The times are ISO 8601 in UTC."""

    id: str
    record_type: str
    created_at: str
    updated_at: str


P = TypeVar("P", bound=Part)


@dataclass(frozen=True, slots=True)
class _Shape:
    kinds: Mapping[str, Kind]
    parts: Mapping[str, type[Part]]
    nullable: frozenset[str]
    required: tuple[str, ...]


def read_changes(
    record: type[Part], given: Mapping[str, Any], before: Part | None = None, required: Sequence[str] | None = None
) -> dict[str, Any]:
    """The fields that the body `given` sets, checked, as `msgspec.structs.replace` takes them.

    `before` is the record that is changed; None makes a new one. `required` names what the body must have,
    otherwise the fields without a default. Raises TelnyxError.
    """
    shape = _shape(record)
    checked = Object(shape.kinds, shape.required if required is None else required).read(given)
    return _changes(record, given, checked, before)


def shown(part: Part) -> dict[str, Any]:
    """The record as JSON has it."""
    return msgspec.to_builtins(part)


def numeric_id() -> str:
    """19 digits, as connections, applications, profiles and numbers have them."""
    return str(2 * 10**18 + secrets.randbelow(10**18))


def uuid_id() -> str:
    return str(uuid.uuid4())


def _changes(
    record: type[Part], given: Mapping[str, Any], checked: Mapping[str, Any], before: Part | None
) -> dict[str, Any]:
    shape = _shape(record)
    changes: dict[str, Any] = {}
    for name in shape.kinds:
        if name in checked:
            part = shape.parts.get(name)
            if part is None:
                value = checked[name]
                changes[name] = tuple(cast("list[Any]", value)) if isinstance(value, list) else value
            else:
                old = getattr(before, name) if before is not None else part()
                changes[name] = msgspec.structs.replace(old, **_changes(part, given[name], checked[name], old))
        elif name in given:
            if name in record.NEVER_NULL:
                raise TelnyxError(Code.INVALID_TYPE, f"The {name} parameter must not be null.", f"/{name}")
            if name in shape.nullable:
                changes[name] = None
    return changes


@functools.cache
def _shape(record: type[Part]) -> _Shape:
    kinds: dict[str, Kind] = {}
    parts: dict[str, type[Part]] = {}
    nullable: set[str] = set()
    for name, hint in get_type_hints(record, include_extras=True).items():
        if get_origin(hint) is not Annotated:
            continue
        inner, kind = get_args(hint)[:2]
        if kind is PART:
            parts[name] = inner
            kinds[name] = Object(_shape(inner).kinds)
        else:
            kinds[name] = kind
        if get_origin(inner) in (Union, types.UnionType) and type(None) in get_args(inner):
            nullable.add(name)
    required = tuple(
        field.name for field in msgspec.structs.fields(record) if field.required and field.name in kinds
    )
    return _Shape(kinds, parts, frozenset(nullable), required)

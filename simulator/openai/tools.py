"""The tools a request offers: which finds free slots, which books, and how to fill their arguments. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final, Literal, cast

import msgspec

from simulator.openai.calendar_words import Part

Role = Literal["search", "book", "cancel", "hang_up"]

_NAMES: Final[dict[Role, re.Pattern[str]]] = {
    "hang_up": re.compile(r"(end|hang|finish)_?(up|call|conversation)"),
    "cancel": re.compile(r"cancel"),
    "book": re.compile(r"book|reserve|schedule|confirm|(create|make|move)_.*(appointment|slot|visit)"),
    "search": re.compile(
        r"(find|search|list|check|get|look).*(slot|appointment|availab|time|calendar|opening)|availab"
    ),
}
_MAX_OFFERED: Final = 3


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    properties: dict[str, dict[str, Any]]
    required: tuple[str, ...]


class _Parameters(msgspec.Struct):
    properties: dict[str, Any] = {}
    required: list[str] = []


class _Function(msgspec.Struct):
    name: str
    parameters: _Parameters = msgspec.field(default_factory=_Parameters)


class _Entry(msgspec.Struct):
    function: _Function | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A free appointment, as a tool's result named it."""

    id: Any
    day: date
    start: time


@dataclass(frozen=True, slots=True)
class Known:
    """What the conversation has established so far."""

    day: date | None = None
    part: Part | None = None
    start: time | None = None
    slot: Slot | None = None
    name: str | None = None
    reason: str | None = None
    answers: tuple[tuple[str, str], ...] = ()
    """Answers to questions for arguments the desk knows nothing about, by argument name."""


class Missing(Exception):
    """A required argument that only the caller can give."""

    def __init__(self, argument: str) -> None:
        super().__init__(argument)
        self.argument = argument


def parse_tools(offered: list[Any]) -> list[Tool]:
    """The functions among the offered tools. Raises msgspec.ValidationError for what is no tool."""
    entries = msgspec.convert(offered, list[_Entry])
    return [
        Tool(
            entry.function.name,
            {name: _schema(schema) for name, schema in entry.function.parameters.properties.items()},
            tuple(entry.function.parameters.required),
        )
        for entry in entries
        if entry.function is not None
    ]


def tools_by_role(tools: Sequence[Tool]) -> dict[Role, Tool]:
    """The first tool of each role; tools of other uses are left alone."""
    roles: dict[Role, Tool] = {}
    for tool in tools:
        role = _role(tool.name.lower())
        if role is not None:
            roles.setdefault(role, tool)
    return roles


def arguments(tool: Tool, known: Known) -> dict[str, Any]:
    """Arguments by the tool's own schema. Raises Missing for a required one that is not known."""
    filled: dict[str, Any] = {}
    for name, schema in tool.properties.items():
        value = _value(name.lower(), schema, known)
        if value is not None:
            filled[name] = value
        elif name in tool.required:
            filled[name] = _stand_in(name, schema)
    return filled


def result_of(content: str) -> Any:
    """A tool message's content, decoded when it is JSON."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return content


def slots_in(result: Any, asked_day: date | None) -> tuple[Slot, ...]:
    """The slots of a search result: a list, or an object that holds one; entries without a time are left out."""
    lists = cast("dict[str, Any]", result).values() if isinstance(result, dict) else [result]
    found: list[list[Any]] = [cast("list[Any]", entries) for entries in lists if isinstance(entries, list)]
    slots = (_slot(entry, asked_day) for entry in (found[0] if found else ()))
    return tuple(slot for slot in slots if slot is not None)[:_MAX_OFFERED]


def failure_in(result: Any) -> str | None:
    """Why a tool says that it failed, or None."""
    if isinstance(result, dict):
        fields = cast("dict[str, Any]", result)
        if fields.get("error"):
            return str(fields["error"])
        if fields.get("ok") is False or fields.get("success") is False or fields.get("booked") is False:
            return str(fields.get("message") or fields.get("reason") or "")
    if isinstance(result, str) and re.match(r"(error|failed|cancelled)\b", result.lower()):
        return result
    return None


def _role(name: str) -> Role | None:
    for role, pattern in _NAMES.items():
        if pattern.search(name):
            return role
    return None


def _schema(value: Any) -> dict[str, Any]:
    """A property's schema; JSON Schema also allows true and false in its place."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _value(name: str, schema: dict[str, Any], known: Known) -> Any:
    parts = set(re.split(r"[_\W]+", name))
    if "slot" in parts or name in ("id", "appointment_id"):
        return known.slot.id if known.slot else None
    if parts & {"part", "period", "daytime"} or name == "time_of_day":
        return _of_enum(known.part or "any", schema)
    if parts & {"day", "date"}:
        return known.day.isoformat() if known.day else None
    if parts & {"time", "start", "hour"}:
        start = known.slot.start if known.slot else known.start
        return start.strftime("%H:%M") if start else None
    if parts & {"name", "patient", "caller", "customer"}:
        return known.name
    if parts & {"reason", "purpose", "note", "notes"}:
        return known.reason
    return dict(known.answers).get(name)


def _of_enum(value: str, schema: dict[str, Any]) -> str | None:
    choices = schema.get("enum")
    if not isinstance(choices, list):
        return value
    named = {str(choice).lower(): str(choice) for choice in cast("list[Any]", choices)}
    return named.get(value)


def _stand_in(name: str, schema: dict[str, Any]) -> Any:
    """A neutral value where a caller need not be asked."""
    match schema.get("type"):
        case "boolean":
            return False
        case "integer" | "number":
            return 1
        case _:
            pass
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return cast("list[Any]", choices)[0]
    if "reason" in name.lower():
        return "appointment"
    raise Missing(name)


def _slot(entry: Any, asked_day: date | None) -> Slot | None:
    if isinstance(entry, str):
        return _slot({"id": entry, "start": entry}, asked_day)
    if not isinstance(entry, dict):
        return None
    fields = cast("dict[str, Any]", entry)
    slot_id = next((fields[key] for key in ("slot_id", "id", "slot") if key in fields), None)
    day = _day(next((fields[key] for key in ("day", "date") if key in fields), None)) or asked_day
    for key in ("start", "starts_at", "start_time", "time", "at", "when", "begin"):
        moment = _moment(fields.get(key), day)
        if moment is not None:
            # A slot without an id of its own is known by its start.
            return Slot(moment.isoformat() if slot_id is None else slot_id, moment.date(), moment.time())
    return None


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None


def _moment(value: Any, day: date | None) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        pass
    try:
        return datetime.combine(day, time.fromisoformat(value)) if day is not None else None
    except ValueError:
        return None

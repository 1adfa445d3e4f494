"""The settings to try: every combination of the grid's values over what the agent definition sets. Pure."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from agent import tuning
from agent.turn_detection import Listening
from console.command_line.tune_base import Base

NAMES = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
MAX_SETTINGS = 50


class GridError(Exception):
    """The grid makes no sense; one sentence that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One point of the grid. ``values`` are those of the grid's parameters, ``query`` all that its sessions ask
    for but the sample rate. ``silence_ms`` is the longest silence that ends a turn."""

    name: str
    values: Mapping[str, Any]
    query: Mapping[str, Any] = field(repr=False)
    now: bool = False
    silence_ms: int = 0

    @property
    def text(self) -> str:
        return assigned(self.values)


@dataclass(frozen=True, slots=True)
class Grid:
    """``left_out`` says in one sentence each which combinations make no sense, ``notes`` which values change
    nothing."""

    names: tuple[str, ...]
    settings: tuple[Setting, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def make(given: Sequence[str], base: Base) -> Grid:
    """The settings of ``given``, texts such as ``min_turn_silence=100,400,800``, and the present one.

    Raises:
        GridError: a parameter or value is wrong, or there are too many combinations.
    """
    columns = _columns(given)
    count = 1
    for values in columns.values():
        count *= len(values)
    if count > MAX_SETTINGS:
        raise GridError(f"The grid has {count} settings: {MAX_SETTINGS} are the most, so leave some values out.")
    points: list[tuple[dict[str, Any], dict[str, Any], bool]] = []
    left_out: dict[str, None] = {}
    notes: dict[str, None] = {}
    present = None if base.by_vad else {**_defaults(base.values), **base.values}
    for combination in itertools.product(*columns.values()):
        chosen = dict(zip(columns, combination, strict=True))
        merged = _merged(base, chosen)
        try:
            ignored = tuning.check(*_live(merged))
        except tuning.TuningError as error:
            left_out[str(error)] = None
            continue
        notes.update((f"{name}: {reason}.", None) for name, reason in ignored.items() if name in chosen)
        now = present is not None and all(present.get(name) == value for name, value in chosen.items())
        points.append((chosen, merged, now))
    if not points:
        raise GridError(next(iter(left_out)))
    if present is not None and not any(now for *_, now in points):
        points.insert(0, ({name: present.get(name) for name in columns}, _merged(base, {}), True))
    settings = [
        Setting(NAMES[index], chosen, merged, now, _longest_silence(merged))
        for index, (chosen, merged, now) in enumerate(points)
    ]
    return Grid(tuple(columns), tuple(settings), tuple(left_out), tuple(notes))


def query(setting: Setting, rate: int) -> str:
    """The query of a session at ``rate`` samples a second. ``format_turns`` is what Pipecat asks for."""
    asked = {"sample_rate": rate, "encoding": "pcm_s16le", "format_turns": True, **setting.query}
    return urlencode({name: written(value) for name, value in asked.items()}, quote_via=quote)


def written(value: Any) -> str:
    """A value as a query and ``:stt`` have it: lists as JSON, the service's own as nothing."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "" if value is None else str(value)


def assigned(values: Mapping[str, Any]) -> str:
    """As it is written after ``:stt``."""
    quoted = {n: json.dumps(v) if isinstance(v, str) and " " in v else written(v) for n, v in values.items()}
    return " ".join(f"{name}={text}" for name, text in quoted.items())


def _columns(given: Sequence[str]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for text in given:
        name, equals, rest = text.partition("=")
        name = name.strip()
        if not equals or not rest.strip():
            raise GridError(f"{text!r} is no grid: write --grid min_turn_silence=100,400,800.")
        if name in columns:
            raise GridError(f"{name} is in the grid twice: give all its values at once.")
        values: list[Any] = []
        for part in _split(rest):
            value = _value(name, part)
            if value not in values:
                values.append(value)
        columns[name] = values
    if not columns:
        raise GridError(
            "There is nothing to try: give --grid min_turn_silence=100,400,800 --grid max_turn_silence=…."
        )
    return columns


def _split(text: str) -> list[str]:
    """Parts between commas that stand in no brackets and no quotes."""
    parts, depth, quoted = [""], 0, False
    for sign in text:
        if sign == '"':
            quoted = not quoted
        elif not quoted:
            depth += {"[": 1, "]": -1}.get(sign, 0)
            if sign == "," and depth == 0:
                parts.append("")
                continue
        parts[-1] += sign
    return parts


def _value(name: str, text: str) -> Any:
    try:
        (value,) = tuning.parse_parts([f"{name}={text}"]).values()
        tuning.check_value(name, value)
    except tuning.TuningError as error:
        raise GridError(str(error)) from error
    if not tuning.place(name):
        raise GridError(f"{name} is nothing that an agent definition sets: leave it out.")
    return value


def _merged(base: Base, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """``chosen`` over the base, without what the model's family does not have: some end the session over it."""
    kin = tuning.family(str(chosen.get("speech_model", base.model)))
    kept = {name: value for name, value in base.values.items() if kin in tuning.PARAMETERS[name].families}
    return {**kept, **chosen}


def _live(query: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """What :func:`tuning.check` takes of a session's first settings: it refuses what a live one cannot change."""
    model = str(query["speech_model"])
    kin = tuning.family(model)
    fields = {
        name: value
        for name, value in query.items()
        if (known := tuning.PARAMETERS[name]).live and (kin in known.live or kin not in known.families)
    }
    return fields, model


def _defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the service goes by where ``values`` say nothing."""
    listening = Listening(parameters={name: written(value) for name, value in values.items()})
    return {one.name: one.value for one in tuning.settings(listening)}


def _longest_silence(query: Mapping[str, Any]) -> int:
    found = {**_defaults(query), **query}
    given = [found.get("min_turn_silence"), found.get("max_turn_silence")]
    return max((value for value in given if isinstance(value, int)), default=0)

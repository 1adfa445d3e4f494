"""``sidetone stt``: the turn settings of a live call, printed, changed and saved, without the screen."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from agent import api, tuning
from agent.call_state import CallState
from console import text, words
from console.client import AgentClient
from console.command_line import live_call

WHO = "command line"
_WIDEST = 24


@dataclass(frozen=True, slots=True)
class SttOrder:
    """What is asked for is done in the order of the fields; without any, the settings are printed."""

    fields: dict[str, Any]
    end: bool
    save: bool
    as_json: bool


def run(at: live_call.At, order: SttOrder) -> int:
    """Carry it out; returns the exit status, 1 when the agent refused or cannot be reached."""

    async def act(client: AgentClient) -> int:
        state = await live_call.find(client, at.call)
        if order.fields:
            _tuned(await client.tune(state.id, order.fields, WHO), order.as_json)
        if order.end:
            answer = await client.end_turn(state.id, WHO)
            _print(answer if order.as_json else "The turn was ended.")
        if order.save:
            _saved(await client.save_tuning(state.id, WHO), order.as_json)
        if not (order.fields or order.end or order.save):
            _settings(state, order.as_json)
        return 0

    return live_call.run(at, act)


def _settings(state: CallState, as_json: bool) -> None:
    listening = state.listening
    found = tuning.settings(listening)
    if as_json:
        for setting in found:
            _print(setting)
        for name, why in listening.ignored.items():
            _print({"name": name, "ignored": why})
        return
    if not listening.session:
        print("The call's speech recognition has not been connected yet.")
        return
    facts = [listening.model, f"mode {listening.mode}" if listening.mode else "", listening.engine]
    facts += [f"session {listening.session}", "" if state.live else "the call has ended"]
    _print(f"{state.id}  {' · '.join(filter(None, facts))}")
    kin = tuning.family(listening.model)
    rows = [(setting.name, words.value(setting.value), setting.source, _when(setting, kin)) for setting in found]
    widths = [min(_WIDEST, max(len(row[column]) for row in rows)) for column in range(1, 4)]
    longest = max(len(row[0]) for row in rows)
    for row, setting in zip(rows, found, strict=True):
        cells = [text.fit(cell, width) for cell, width in zip(row, (longest, *widths), strict=True)]
        _print("  ".join((*cells, setting.meaning)))
    for name, why in listening.ignored.items():
        _print(f"{name} changes nothing: {why.rstrip('.')}.")


def _tuned(answer: api.TuneAnswer, as_json: bool) -> None:
    if as_json:
        _print(answer)
        return
    _print(f"sent {_typed(answer.sent)}")
    for name, why in answer.ignored.items():
        _print(f"{name}: {why}.")


def _saved(answer: api.SaveAnswer, as_json: bool) -> None:
    if as_json:
        _print(answer)
        return
    new = answer.values
    _print(f"saved {_typed(new)} in {answer.path}" if new else f"{answer.path} has these values already")
    for name, why in answer.left_out.items():
        _print(f"{name} was left out: {why}.")


def _when(setting: tuning.Setting, kin: tuning.Family) -> str:
    """When it can be changed."""
    if setting.live:
        return "live"
    return "at connect" if kin in tuning.PARAMETERS[setting.name].families else "never"


def _typed(fields: Mapping[str, Any]) -> str:
    """Fields as they are typed at a shell."""
    written = (
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in fields.items()
    )
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in written)


def _print(what: object) -> None:
    """A line of text, or anything else as a line of JSON."""
    print(text.clean(what) if isinstance(what, str) else msgspec.json.encode(what).decode())

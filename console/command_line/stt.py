"""``sidetone stt``: the turn settings of a live call, printed, changed and saved, without the screen."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from agent import api, paths, tuning
from agent.call_state import CallState
from console import text, words
from console.client import AgentClient, AgentError, Endpoint
from console.http_client import Http

WHO = "command line"
_WIDEST = 24


@dataclass(frozen=True, slots=True)
class SttOrder:
    """``call`` is an id or a beginning of one; empty means the only live call. ``url`` is empty for the agent of
    this data folder. What is asked for is done in the order of the fields; without any, the settings are
    printed."""

    call: str
    fields: dict[str, Any]
    end: bool
    save: bool
    url: str
    token: str
    as_json: bool


def run(order: SttOrder) -> int:
    """Carry it out; returns the exit status, 1 when the agent refused or cannot be reached."""
    return asyncio.run(_run(order))


async def _run(order: SttOrder) -> int:
    http = Http()
    client = AgentClient(lambda: _endpoint(order), http)
    try:
        state = _find(await client.calls(), order.call)
        if order.fields:
            _tuned(await client.tune(state.id, order.fields, WHO), order.as_json)
        if order.end:
            answer = await client.end_turn(state.id, WHO)
            _print(answer if order.as_json else "The turn was ended.")
        if order.save:
            _saved(await client.save_tuning(state.id, WHO), order.as_json)
        if not (order.fields or order.end or order.save):
            _settings(state, order.as_json)
    except AgentError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        await http.close()
    return 0


async def _endpoint(order: SttOrder) -> Endpoint:
    if order.url:
        return Endpoint(order.url, order.token)
    running = await asyncio.to_thread(api.AgentFile.read, paths.agent_file())
    if running is None:
        raise AgentError(f"No agent runs in {paths.data_dir()}: start `sidetone`, or give --attach.")
    return Endpoint(running.url, running.token)


def _find(calls: list[CallState], name: str) -> CallState:
    exact = [state for state in calls if state.id == name]
    fitting = exact or [state for state in calls if (state.id.startswith(name) if name else state.live)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise AgentError(f"Which call: {', '.join(state.id for state in fitting[:5])}?")
    raise AgentError(f"There is no call {name}: `sidetone calls` lists them." if name else "No call is live.")


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

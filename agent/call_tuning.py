"""Retuning the speech recognition of a live call, and keeping what worked for the next ones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from agent import api, events, tuning
from agent.call import Call
from agent.call_state import CallState
from agent.definition_file import DefinitionFile, SaveError
from agent.limits import Refused
from agent.stream import EventStream

BY_VAD = "this agent's own VAD ends its turns, not AssemblyAI"
_MAX_DETAIL = 200


class CallTuning:
    """What the operator can do to the speech recognition of calls."""

    def __init__(self, file: DefinitionFile, stream: EventStream) -> None:
        self._file, self._stream = file, stream

    async def tune(self, call: Call, request: api.TuneRequest, who: str) -> api.TuneAnswer:
        """Send what is asked for into the call's AssemblyAI session.

        Raises:
            Refused: it makes no sense, or the recogniser is not connected.
        """
        if request.end_turn == bool(request.fields):
            raise Refused("Give either fields to tune or end_turn, and not both.")
        ignored: dict[str, str] = {}
        if request.end_turn:
            sent = call.tap is not None and await call.tap.end_turn(who)
        else:
            ignored = self._check(call, request.fields)
            sent = call.tap is not None and await call.tap.configure(request.fields, who, ignored)
        if not sent:
            raise Refused("The call's speech recognition is not connected: try again when it is.", 409)
        action, detail = ("end-turn", "") if request.end_turn else ("tune", _words(request.fields))
        self._stream.emit(events.OperatorActed(who=who, action=action, detail=detail), call.id)
        return api.TuneAnswer(request.fields, ignored)

    async def save(self, state: CallState, who: str) -> api.SaveAnswer:
        """Write what was tuned in a call, which may be over, into the agent definition.

        Raises:
            Refused: there is nothing to save, or the definition cannot be written.
        """
        tuned = state.listening.tuned
        left_out = {name: why for name in tuned if (why := self._why_not(name, state.listening.model))}
        values = {name: value for name, value in tuned.items() if name not in left_out}
        if not values:
            because = "; ".join(f"{name}: {why}" for name, why in left_out.items())
            raise Refused(f"There is nothing to save ({because or 'nothing was tuned in this call'}).", 409)
        try:
            new = await asyncio.to_thread(self._file.save, values)
        except SaveError as error:
            raise Refused(str(error), 409) from error
        path = str(self._file.path)
        if new:
            acted = events.OperatorActed(who=who, action="save-tuning", detail=f"{path}: {_words(new)}")
            # Nothing follows the end of a call.
            self._stream.emit(acted, state.id if state.live else "")
        return api.SaveAnswer(path, new, left_out)

    def _check(self, call: Call, fields: Mapping[str, Any]) -> dict[str, str]:
        listening = self._stream.calls[call.id].listening
        by_vad = self._file.definition.turn.ended_by == "vad"
        model = listening.model or (call.tap.model if call.tap is not None else "")
        try:
            ignored = tuning.check(fields, model, None if by_vad else listening)
        except tuning.TuningError as error:
            raise Refused(str(error)) from error
        if by_vad:
            ignored |= dict.fromkeys(tuning.ENDS_TURNS & fields.keys(), BY_VAD)
        return ignored

    def _why_not(self, name: str, model: str) -> str:
        """Why a value is of no use to later calls, or nothing."""
        kin = tuning.family(model)
        if not tuning.place(name):
            return "the framework sets it anew in each call"
        if kin not in tuning.PARAMETERS[name].families:
            return tuning.unused(kin)
        by_vad = self._file.definition.turn.ended_by == "vad"
        return BY_VAD if by_vad and name in tuning.ENDS_TURNS else ""


def _words(fields: Mapping[str, Any]) -> str:
    """Fields as they are typed, for the journal."""
    shown = (
        f"{name}={value if isinstance(value, str) else msgspec.json.encode(value).decode()}"
        for name, value in fields.items()
    )
    return " ".join(shown)[:_MAX_DETAIL]

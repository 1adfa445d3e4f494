"""Retuning the selected call: ``:stt`` and the panel that it opens."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from console import words
from console.client import AgentError

if TYPE_CHECKING:
    from console.session import Session
    from console.view import View


_Answer = TypeVar("_Answer")


class Tuning:
    """Asks the agent, and puts what came of it on the notice line."""

    def __init__(self, session: Session, view: View) -> None:
        self._session, self._view = session, view

    async def typed(self, call: str, text: str) -> None:
        """``end``, ``save``, or ``name=value`` parts."""
        if text == "end":
            await self.end_turn(call)
        elif text == "save":
            await self.save(call)
        else:
            from agent.tuning import TuningError, parse

            try:
                fields = parse(text)
            except TuningError as error:
                self._view.store.tell("warn", str(error))
            else:
                await self.send(call, fields)

    async def send(self, call: str, fields: Mapping[str, Any]) -> bool:
        """Send ``fields`` into the live session; whether they were sent."""
        answer = await self._ask(self._session.tune(call, fields))
        if answer is None:
            return False
        if answer.ignored:
            name, why = next(iter(answer.ignored.items()))
            self._view.store.tell("warn", f"sent, but {name} is not honoured: {why.rstrip('.')}.")
        else:
            self._view.store.tell("info", f"sent {_written(answer.sent)}")
        return True

    async def end_turn(self, call: str) -> None:
        if await self._ask(self._session.end_turn(call)) is not None:
            self._view.store.tell("info", "asked AssemblyAI to end the turn")

    async def save(self, call: str) -> None:
        """Write what was tuned in the call into the agent definition."""
        answer = await self._ask(self._session.save_tuning(call))
        if answer is not None:
            told = f"saved {_written(answer.values)} in" if answer.values else "nothing new to save in"
            left = next((f"; {name} was left out: {why}" for name, why in answer.left_out.items()), "")
            self._view.store.tell("info", f"{told} {answer.path}{left}")

    async def _ask(self, asked: Awaitable[_Answer]) -> _Answer | None:
        try:
            return await asked
        except AgentError as error:
            self._view.store.tell("error", str(error))
            return None


def _written(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {words.value(value)}" for name, value in values.items())

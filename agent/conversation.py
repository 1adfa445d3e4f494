"""The agent of a call at work on its line: what it is given, and what happens when it fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from agent import events
from agent.assemblyai_tap import Tap
from agent.call import Call
from agent.call_listeners import CallListeners
from agent.call_recorder import CallRecorders
from agent.carriers import Line
from agent.definition import ToolDefinition
from agent.definition_file import DefinitionFile
from agent.events import Event
from agent.frameworks import Framework, Job
from agent.frameworks.guards import Guards
from agent.settings import Settings
from agent.stepping_in import StepIn
from agent.tools import Tool, ToolBox
from agent.turns import Turns

log = logging.getLogger(__name__)


class Conversations:
    """Holds the conversations of one agent; ``framework`` is set before the first."""

    def __init__(
        self,
        settings: Settings,
        file: DefinitionFile,
        tools: dict[str, tuple[ToolDefinition, Tool]],
        step_in: StepIn,
        listeners: CallListeners,
        recorders: CallRecorders,
        own_url: Callable[[], str],
        emit: Callable[[Call, Event], Event],
        hang_up: Callable[[Call, str], Awaitable[None]],
    ) -> None:
        self.framework: Framework | None = None
        self._settings, self._file, self._tools = settings, file, tools
        self._step_in, self._listeners, self._recorders = step_in, listeners, recorders
        self._own_url, self._emit, self._hang_up = own_url, emit, hang_up

    @property
    def framework_name(self) -> str:
        return self.framework.name if self.framework is not None else ""

    async def hold(self, call: Call, line: Line) -> None:
        """Talk until the line is over; a failure is told and ends the call."""

        def emit(event: Event) -> Event:
            return self._emit(call, event)

        guards = Guards(emit)

        def deaf(reason: str) -> None:
            session = call.session
            if session is not None:
                guards.after(0, lambda: session.trouble(reason))

        tap = call.tap = Tap(
            f"{self._settings.assemblyai.url}/v3/ws",
            self._settings.assemblyai.key,
            emit,
            deaf,
        )
        turns = Turns(emit, line.mouth)
        definition = self._file.definition
        instructions, greeting = definition.texts(
            direction=call.direction, from_=call.from_, to=call.to, parameters=call.parameters
        )
        job = Job(
            call=call.id,
            definition=definition,
            instructions=instructions,
            greeting=greeting,
            line=line,
            tap=tap,
            stt_url=f"{self._own_url().replace('http', 'ws', 1)}/assemblyai/{call.stt_token}/v3/ws",
            llm=self._settings.openai,
            tts=self._settings.rime if definition.voice.service == "rime" else self._settings.deepgram,
            tools=ToolBox(self._tools, emit),
            turns=turns,
            emit=emit,
            hang_up=lambda reason: self._hang_up(call, reason),
        )
        call.line, call.turns = line, turns
        self._recorders.media_began(call, line)
        try:
            assert self.framework is not None
            call.session = self.framework.session(job)
            await call.session.run()
        except Exception as error:
            log.exception("The agent of a call failed")
            emit(
                events.Error(
                    where="agent",
                    message=f"The agent of this call failed: {type(error).__name__}: {error}",
                    fix="See the agent's log.",
                )
            )
            await self._hang_up(call, "it failed.")
        finally:
            self._recorders.media_over(call)
            self._listeners.line_over(call)
            call.session = call.line = call.turns = None
            await asyncio.gather(tap.finish(), self._step_in.call_over(call))
            turns.agent_stopped()

"""The registry of calls, whatever carries them: what may be done to each, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Coroutine, Iterator

from starlette.websockets import WebSocket

from agent import events, memory
from agent.call import Call
from agent.call_listeners import CallListeners
from agent.call_recorder import CallRecorders
from agent.call_tuning import CallTuning
from agent.carriers import CarrierError, Line
from agent.conversation import Conversations
from agent.definition import Definition, ToolDefinition
from agent.definition_file import DefinitionFile
from agent.events import Event
from agent.frameworks import Framework
from agent.limits import Limits, Refused
from agent.recordings import Recordings
from agent.settings import Settings
from agent.stepping_in import StepIn
from agent.stream import EventStream
from agent.tools import Tool

_RING_GRACE_S = 15
_LIMIT_GRACE_S = 10
_WEBHOOK_WAIT_S = 3.0
_STOP_WAIT_S = 5.0


class Calls:
    """All live calls of this agent. Carriers begin them here, after :meth:`open`, and tell of their end."""

    def __init__(
        self,
        settings: Settings,
        definition: Definition,
        tools: dict[str, tuple[ToolDefinition, Tool]],
        stream: EventStream,
        recordings: Recordings,
        own_url: Callable[[], str],
    ) -> None:
        self._settings = settings
        file = DefinitionFile(settings.definition, definition, settings.definition_copy)
        self.tuning = CallTuning(file, stream)
        self.voice = definition.voice.service
        self._stream = stream
        self.step_in = StepIn(settings.assemblyai, file, settings.take_back_s, self.emit)
        self.listeners = CallListeners(self.step_in, self.emit)
        self.recorders = CallRecorders(recordings, settings.record, self.emit)
        self._conversations = Conversations(
            settings,
            file,
            tools,
            self.step_in,
            self.listeners,
            self.recorders,
            own_url,
            self.emit,
            self.hang_up_by_agent,
        )
        self._open = asyncio.Event()
        self._live: dict[str, Call] = {}
        self._limits = Limits(settings)
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._live.values()))

    def get(self, call_id: str) -> Call | None:
        return self._live.get(call_id)

    async def opened(self) -> None:
        """Wait until calls are taken."""
        await self._open.wait()

    def open(self, framework: Framework) -> None:
        """Take calls from now on, with a framework that is loaded."""
        self._conversations.framework = framework
        self._open.set()

    async def check_dial(self, number: str) -> str:
        """The number in E.164, once calls are taken, if it may be dialled now.

        Raises:
            Refused: the number, the settings or a limit forbid it.
        """
        number = self._limits.number(number)
        await self._open.wait()
        self.check_room()
        return number

    def check_room(self, coming: int = 0) -> None:
        """Whether one more call may begin, beside ``coming`` ones that have not.

        Raises:
            Refused: there are too many.
        """
        self._limits.check_room(len(self._live) + coming)

    def time_limit_s(self, asked: int | None) -> int:
        """How long a call may last: what was asked for, and never more than the settings allow."""
        most = self._settings.time_limit_s
        return min(asked or most, most)

    def begin(self, call: Call) -> Call:
        """A call is about to be dialled, or has come in."""
        self._live[call.id] = call
        self._limits.count()
        self.emit(
            call,
            events.CallInitiated(
                direction=call.direction,
                from_=call.from_,
                to=call.to,
                framework=self._conversations.framework_name,
                line=call.carrier,
                parameters=call.parameters,
            ),
        )
        return call

    def watch(self, call: Call, ring_s: float) -> None:
        """End the call if nobody answers it, and when its time is over."""
        self._after(call, ring_s + _RING_GRACE_S, self._unanswered)
        self._after(call, (ring_s + _LIMIT_GRACE_S if ring_s else 0) + call.time_limit_s, self._too_long)

    def answered(self, call: Call) -> None:
        """The other side picked up; telling it again changes nothing."""
        if not call.answered:
            call.answered = time.monotonic_ns()
            self.emit(call, events.CallAnswered())

    async def converse(self, call: Call, line: Line) -> None:
        """Let the agent talk on the call's open line until it is over, and settle how the call ended."""
        call.in_media = True
        try:
            await self._conversations.hold(call, line)
        finally:
            await line.finish()
            await self._after_media(call, line)
            await asyncio.to_thread(memory.give_back)

    def emit(self, call: Call, event: Event) -> Event:
        return self._stream.emit(event, call.id)

    def live(self, call_id: str) -> Call:
        """A call that is not over.

        Raises:
            Refused: there is none.
        """
        call = self._live.get(call_id)
        if call is None:
            known = call_id in self._stream.calls
            raise Refused(
                f"The call {call_id} has ended already." if known else f"There is no call {call_id}.",
                409 if known else 404,
            )
        return call

    async def hang_up(self, call_id: str, who: str) -> None:
        """End a call at the carrier.

        Raises:
            Refused: there is no such live call, or the carrier refused.
        """
        call = self.live(call_id)
        if who != "agent":
            self.emit(call, events.OperatorActed(who=who, action="hangup"))
        call.ended_by = call.ended_by or ("agent" if who == "agent" else "operator")
        if not await self.drop(call):
            raise Refused("The carrier did not take the hang-up: see the call's errors.", 502)

    async def hang_up_by_agent(self, call: Call, reason: str = "") -> None:
        """End a call at the carrier for a reason that people will read, empty when the conversation was over."""
        call.ended_by, call.reason = call.ended_by or "agent", call.reason or reason
        await self.drop(call)

    async def drop(self, call: Call) -> bool:
        """Have the carrier end a call, if it has not ended; a refusal is told, and False."""
        if call.outcome is not None:
            return True
        try:
            await call.drop()
        except CarrierError as error:
            self.emit(call, events.Error(where="line", message=str(error), fix=error.fix, code=error.code))
            return False
        return True

    async def serve_tap(self, token: str, websocket: WebSocket) -> None:
        """A framework's connection to AssemblyAI."""
        call = next((c for c in self if secrets.compare_digest(c.stt_token, token)), None)
        if call is None or call.tap is None:
            await websocket.close(4403)
            return
        await call.tap.serve(websocket)

    async def close(self) -> None:
        """Hang up all calls and wait a little for them to be over."""
        live = list(self)
        for call in live:
            call.ended_by = call.ended_by or "agent"
        await asyncio.gather(*(self.drop(call) for call in live))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_WAIT_S):
                for call in live:
                    await call.told.wait()
        for call in self:
            self.end(call, "agent_stopped", "agent")
            self._finish(call)

    def end(self, call: Call, cause: str, source: str, sip: str = "", detail: str = "") -> None:
        """Settle how the call ended; the first word counts. It is told once its media are over too."""
        if call.outcome is not None:
            return
        duration = (time.monotonic_ns() - call.answered) // 1_000_000 if call.answered else 0
        detail = detail or call.reason
        call.outcome = events.CallEnded(cause=cause, source=source, duration_ms=duration, sip=sip, detail=detail)
        call.cancel_timers()
        call.over.set()
        if call.in_media:
            self._after(call, _WEBHOOK_WAIT_S, self._drop_media)
        else:
            self._finish(call)

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Do it beside; a failure is told."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._spawned)

    async def _after_media(self, call: Call, line: Line) -> None:
        """The media are over: wait for the carrier's word on the call's end, else say what we know."""
        call.in_media = False
        if call.outcome is not None:
            self._finish(call)
            return
        orderly = line.stop_reason == "stop" or call.ended_by
        lost = f"The line's media socket was lost ({line.stop_reason or 'closed by the agent'})."
        if not orderly:
            self.emit(call, events.Error(where="media", message=lost, fix="The call is hung up."))
        hung_up = await self.drop(call) if not orderly else True
        if hung_up and call.direction == "outbound":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(call.over.wait(), _WEBHOOK_WAIT_S)
        if orderly:
            self.end(call, "normal_clearing", call.ended_by or call.other_side())
        else:
            self.end(call, "media_lost", "carrier", detail=lost)

    def _finish(self, call: Call) -> None:
        if self._live.pop(call.id, None) is not None and call.outcome is not None:
            call.cancel_timers()
            self.emit(call, call.outcome)
            call.told.set()

    def _after(self, call: Call, seconds: float, action: Callable[[Call], None]) -> None:
        call.timers.append(asyncio.get_running_loop().call_later(seconds, action, call))

    def _unanswered(self, call: Call) -> None:
        if not call.answered:
            self.spawn(self._hang_up_late(call, "no_answer"))

    def _too_long(self, call: Call) -> None:
        self.spawn(self._hang_up_late(call, "time_limit"))

    def _drop_media(self, call: Call) -> None:
        if call.session is not None:
            self.spawn(call.session.stop())

    async def _hang_up_late(self, call: Call, cause: str) -> None:
        call.cause = cause
        await self.hang_up_by_agent(call)
        self.end(call, cause, "agent")

    def _spawned(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            error = task.exception()
            if not isinstance(error, Refused):
                self._stream.emit(events.Error(where="agent", message=f"{type(error).__name__}: {error}"))

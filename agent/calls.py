"""The registry of calls: how each begins, what may be done to it, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping

from starlette.websockets import WebSocket

from agent import api, events, memory
from agent.call import Call
from agent.call_listeners import CallListeners
from agent.call_recorder import CallRecorders
from agent.call_tuning import CallTuning
from agent.carriers import telnyx, texml
from agent.carriers.line_codec import wanted_format
from agent.carriers.telnyx_line import HandshakeError, TelnyxLine
from agent.conversation import Conversations
from agent.definition import Definition, ToolDefinition
from agent.definition_file import DefinitionFile
from agent.events import Direction, Event
from agent.frameworks import Framework
from agent.limits import Limits, Refused
from agent.recordings import Recordings
from agent.settings import BANDS, Settings
from agent.stepping_in import StepIn
from agent.stream import EventStream
from agent.tools import Tool

_RING_GRACE_S = 15
_LIMIT_GRACE_S = 10
_WEBHOOK_WAIT_S = 3.0
_STOP_WAIT_S = 5.0


class Calls:
    """All live calls of this agent. Nothing is dialled or answered before :meth:`open`."""

    def __init__(
        self,
        settings: Settings,
        definition: Definition,
        tools: dict[str, tuple[ToolDefinition, Tool]],
        carrier: telnyx.Telnyx,
        stream: EventStream,
        recordings: Recordings,
        own_url: Callable[[], str],
    ) -> None:
        self._settings = settings
        file = DefinitionFile(settings.definition, definition, settings.definition_copy)
        self.tuning = CallTuning(file, stream)
        self._carrier, self._stream = carrier, stream
        self._own_url = own_url
        self.step_in = StepIn(settings.assemblyai, file, settings.take_back_s, self._emit)
        self.listeners = CallListeners(self.step_in, self._emit)
        self.recorders = CallRecorders(recordings, settings.record, self._emit)
        self._conversations = Conversations(
            settings,
            file,
            tools,
            self.step_in,
            self.listeners,
            self.recorders,
            own_url,
            self._emit,
            self.hang_up_by_agent,
        )
        self._open = asyncio.Event()
        self._live: dict[str, Call] = {}
        self._limits = Limits(settings)
        self._seen = telnyx.SeenEvents()
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._live)

    def has(self, call_id: str) -> bool:
        return call_id in self._live

    async def opened(self) -> None:
        """Wait until calls are taken."""
        await self._open.wait()

    def open(self, framework: Framework) -> None:
        """Take calls from now on, with a framework that is loaded."""
        self._conversations.framework = framework
        self._open.set()

    async def dial(self, request: api.DialRequest) -> Call:
        """Place a call; it returns once the carrier has taken it.

        Raises:
            Refused: the number, the settings or a limit forbid it, or the carrier refused.
        """
        settings = self._settings
        problems = settings.problems()
        if problems:
            raise Refused(problems[0], 503)
        number = self._limits.number(request.to)
        await self._open.wait()
        self._limits.check_room(len(self._live))
        call = self._begin(
            "outbound",
            request.from_ or settings.phone_number,
            number,
            request.parameters,
            request.time_limit_s,
            request.band,
        )
        self._emit(call, events.OperatorActed(who=request.who, action="dial", detail=number))
        began = time.monotonic()
        try:
            placed = await self._carrier.dial(
                telnyx.Dial(
                    to=call.to,
                    from_=call.from_,
                    connection_id=settings.connection_id,
                    stream_url=self._media_url(call),
                    webhook_url=f"{self._public_url()}/webhooks/telnyx",
                    command_id=call.id,
                    client_state=call.id,
                    media=call.media,
                    ring_s=settings.ring_s,
                    time_limit_s=call.time_limit_s,
                )
            )
        except telnyx.CarrierError as error:
            self._emit(call, events.Error(where="line", message=str(error), fix=error.fix, code=error.code))
            self._end(call, "dial_failed", "carrier", detail=str(error))
            raise Refused(str(error), 502) from error
        call.call_control_id = placed.call_control_id
        self._emit(
            call,
            events.CallPlaced(
                call_control_id=placed.call_control_id,
                call_leg_id=placed.call_leg_id,
                call_session_id=placed.call_session_id,
                took_ms=round((time.monotonic() - began) * 1000),
            ),
        )
        self._after(call, settings.ring_s + _RING_GRACE_S, self._unanswered)
        self._after(call, settings.ring_s + call.time_limit_s + _LIMIT_GRACE_S, self._too_long)
        return call

    async def answer(self, form: Mapping[str, str], band: str = "") -> str:
        """TeXML for an incoming call whose request was checked; busy when there is no room.

        ``band`` is narrow or hd; anything else leaves it to the settings, and is told of.
        """
        await self._open.wait()
        known = next((c for c in self._live.values() if c.call_control_id == form.get("CallSid")), None)
        if known is None:
            try:
                self._limits.check_room(len(self._live))
            except Refused as refused:
                self._stream.emit(
                    events.Error(where="line", message=f"An incoming call was refused as busy: {refused}")
                )
                return texml.reject("busy")
            known = self._begin("inbound", form.get("From", ""), form.get("To", ""), {}, None, band)
            known.call_control_id = form.get("CallSid", "")
            self._emit(known, events.CallPlaced(call_control_id=known.call_control_id))
            if band not in ("", *BANDS):
                wrong = f"The TeXML address asks for band={band[:20]}, which is not {' or '.join(BANDS)}."
                self._emit(known, events.Error(where="line", message=wrong, fix="SIDETONE_BAND counts instead."))
            self._after(known, _RING_GRACE_S, self._unanswered)
            self._after(known, known.time_limit_s, self._too_long)
        return texml.answer(
            self._media_url(known),
            {"sidetone_call": known.id},
            known.media,
            f"{self._public_url()}/texml/status",
        )

    def webhook(self, hook: telnyx.Webhook, age_ms: int) -> None:
        """Believe a checked webhook; duplicates and late ones change nothing."""
        data, payload = hook.data, hook.data.payload
        call = self._of(payload.call_control_id) or self._live.get(telnyx.decode_state(payload.client_state))
        again = self._seen.again(data.id)
        self._stream.emit(
            events.WebhookReceived(
                event_type=data.event_type,
                event_id=data.id,
                age_ms=age_ms,
                attempt=hook.meta.attempt,
                duplicate=again,
            ),
            call.id if call else "",
        )
        if again or call is None:
            return
        call.call_control_id = call.call_control_id or payload.call_control_id
        match data.event_type:
            case "call.initiated":
                if not call.answered:
                    self._emit(call, events.CallRinging())
            case "call.answered":
                self._answered(call)
            case "streaming.failed":
                self._emit(
                    call,
                    events.Error(
                        where="media",
                        message="Telnyx could not open our media socket: "
                        f"{payload.failure_reason or 'no reason given'}.",
                        fix="Check that SIDETONE_PUBLIC_URL reaches this agent.",
                    ),
                )
                self._spawn(self.hang_up(call.id, "agent"))
            case "call.hangup":
                source = call.ended_by or call.other_side(payload.hangup_source)
                cause = payload.hangup_cause or "unspecified"
                self._end(call, cause, source, sip=payload.sip_hangup_cause)
            case _:
                pass

    def texml_status(self, form: Mapping[str, str], age_ms: int) -> None:
        """A checked status callback of a TeXML call or stream."""
        call = self._of(form.get("CallSid", ""))
        kind = form.get("StreamEvent") or form.get("CallStatus") or "unknown"
        self._stream.emit(
            events.WebhookReceived(event_type=f"texml.{kind}", event_id="", age_ms=age_ms),
            call.id if call else "",
        )
        if call is not None and kind in ("completed", "busy", "no-answer", "canceled", "failed"):
            source = call.ended_by or call.other_side(form.get("HangupSource", ""))
            self._end(call, form.get("HangupCause") or kind, source, sip=form.get("SipHangupCause", ""))

    async def media(self, token: str, websocket: WebSocket) -> None:
        """Talk on a media socket; the token is good for one connection."""
        call = next((c for c in self._live.values() if c.media_token == token), None)
        if call is None or call.in_media:
            self._stream.emit(
                events.WebhookRejected(
                    route="/media", reason="the address is not one of a waiting call, or was used"
                )
            )
            await websocket.close(4403)
            return
        call.in_media = True
        await websocket.accept()
        line = TelnyxLine(websocket, lambda event: self._of_line(call, event), call.media)
        line.on_live = lambda event: self._stream.emit_live(event, call.id)
        try:
            start = await line.open()
            if call.call_control_id and start.start.call_control_id != call.call_control_id:
                raise HandshakeError("The media socket belongs to another call.")
        except HandshakeError as error:
            self._emit(call, events.Error(where="media", message=str(error), fix="The call is hung up."))
            await line.finish()
            await self._hang_up(call)
            call.in_media = False
            self._end(call, "media_lost", "agent", detail=str(error))
            return
        call.call_control_id = call.call_control_id or start.start.call_control_id
        try:
            await self._conversations.hold(call, line)
        finally:
            await line.finish()
            await self._after_media(call, line)
            await asyncio.to_thread(memory.give_back)

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
            self._emit(call, events.OperatorActed(who=who, action="hangup"))
        call.ended_by = call.ended_by or ("agent" if who == "agent" else "operator")
        if not await self._hang_up(call):
            raise Refused("The carrier did not take the hang-up: see the call's errors.", 502)

    async def serve_tap(self, token: str, websocket: WebSocket) -> None:
        """A framework's connection to AssemblyAI."""
        call = next((c for c in self._live.values() if secrets.compare_digest(c.stt_token, token)), None)
        if call is None or call.tap is None:
            await websocket.close(4403)
            return
        await call.tap.serve(websocket)

    async def close(self) -> None:
        """Hang up all calls and wait a little for them to be over."""
        live = list(self._live.values())
        for call in live:
            call.ended_by = call.ended_by or "agent"
        await asyncio.gather(*(self._hang_up(call) for call in live))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_WAIT_S):
                for call in live:
                    await call.told.wait()
        for call in list(self._live.values()):
            self._end(call, "agent_stopped", "agent")
            self._finish(call)

    async def end_orphan(self, call_id: str, call_control_id: str) -> None:
        """End a call that an earlier run of the agent left behind: nobody answers on it any more."""
        if call_control_id:
            try:
                await self._carrier.hang_up(call_control_id)
            except telnyx.CarrierError as error:
                self._stream.emit(
                    events.Error(
                        where="line", message=str(error), fix="Check in the carrier's portal that it ended."
                    ),
                    call_id,
                )
        self._stream.emit(
            events.CallEnded(cause="agent_lost", source="agent", duration_ms=0, detail="the agent went away"),
            call_id,
        )

    async def _after_media(self, call: Call, line: TelnyxLine) -> None:
        """The media are over: wait for the carrier's word on the call's end, else say what we know."""
        call.in_media = False
        if call.outcome is not None:
            self._finish(call)
            return
        orderly = line.stop_reason == "stop" or call.ended_by
        lost = f"The line's media socket was lost ({line.stop_reason or 'closed by the agent'})."
        if not orderly:
            self._emit(call, events.Error(where="media", message=lost, fix="The call is hung up."))
        hung_up = await self._hang_up(call) if not orderly else True
        if hung_up and call.direction == "outbound":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(call.over.wait(), _WEBHOOK_WAIT_S)
        if orderly:
            self._end(call, "normal_clearing", call.ended_by or call.other_side())
        else:
            self._end(call, "media_lost", "carrier", detail=lost)

    def _begin(
        self,
        direction: Direction,
        from_: str,
        to: str,
        parameters: Mapping[str, str],
        time_limit_s: int | None,
        band: str,
    ) -> Call:
        limit = self._settings.time_limit_s
        media = wanted_format(self._settings, band, direction)
        call = Call(direction, from_, to, dict(parameters), min(time_limit_s or limit, limit), media)
        self._live[call.id] = call
        self._limits.count()
        self._emit(
            call,
            events.CallInitiated(
                direction=direction,
                from_=from_,
                to=to,
                framework=self._conversations.framework_name,
                parameters=call.parameters,
            ),
        )
        return call

    def _emit(self, call: Call, event: Event) -> Event:
        return self._stream.emit(event, call.id)

    def _of_line(self, call: Call, event: Event) -> Event:
        if isinstance(event, events.MediaStarted):
            # The webhook that tells of the answer may come after the media.
            self._answered(call)
        return self._emit(call, event)

    def _of(self, call_control_id: str) -> Call | None:
        if not call_control_id:
            return None
        return next((c for c in self._live.values() if c.call_control_id == call_control_id), None)

    def _public_url(self) -> str:
        return self._settings.public_url or self._own_url()

    def _media_url(self, call: Call) -> str:
        return f"{self._public_url().replace('http', 'ws', 1)}/media/{call.media_token}"

    def _answered(self, call: Call) -> None:
        if not call.answered:
            call.answered = time.monotonic_ns()
            self._emit(call, events.CallAnswered())

    async def hang_up_by_agent(self, call: Call, reason: str = "") -> None:
        """End a call at the carrier for a reason that people will read, empty when the conversation was over."""
        call.ended_by, call.reason = call.ended_by or "agent", call.reason or reason
        await self._hang_up(call)

    async def _hang_up(self, call: Call) -> bool:
        if not call.call_control_id or call.outcome is not None:
            return True
        try:
            await self._carrier.hang_up(call.call_control_id)
        except telnyx.CarrierError as error:
            self._emit(call, events.Error(where="line", message=str(error), fix=error.fix, code=error.code))
            return False
        return True

    def _end(self, call: Call, cause: str, source: str, sip: str = "", detail: str = "") -> None:
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

    def _finish(self, call: Call) -> None:
        if self._live.pop(call.id, None) is not None and call.outcome is not None:
            call.cancel_timers()
            self._emit(call, call.outcome)
            call.told.set()

    def _after(self, call: Call, seconds: float, action: Callable[[Call], None]) -> None:
        call.timers.append(asyncio.get_running_loop().call_later(seconds, action, call))

    def _unanswered(self, call: Call) -> None:
        if not call.answered:
            self._spawn(self._hang_up_late(call, "no_answer"))

    def _too_long(self, call: Call) -> None:
        self._spawn(self._hang_up_late(call, "time_limit"))

    def _drop_media(self, call: Call) -> None:
        if call.session is not None:
            self._spawn(call.session.stop())

    async def _hang_up_late(self, call: Call, cause: str) -> None:
        await self.hang_up_by_agent(call)
        self._end(call, cause, "agent")

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._spawned)

    def _spawned(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            error = task.exception()
            if not isinstance(error, Refused):
                self._stream.emit(events.Error(where="agent", message=f"{type(error).__name__}: {error}"))

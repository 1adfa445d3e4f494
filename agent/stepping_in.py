"""What operators do to calls: say, whisper, mute, take over, and how all of it is reversed. Knows no framework.

The agent takes a call back by itself when whoever silenced it is gone for the set time: for a taken call that is
when their audio link is gone, for a mute when nothing of theirs is connected any more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from agent import api, events
from agent.assemblyai_upstream import Failure, Upstream
from agent.call import Call
from agent.definition_file import DefinitionFile
from agent.events import Event
from agent.frameworks import Session
from agent.limits import Refused
from agent.operator_ear import OperatorEar
from agent.operator_microphone import Microphone, Target
from agent.operator_voice import OperatorVoice
from agent.presence import Presence
from agent.settings import Service

log = logging.getLogger(__name__)

MAX_TEXT: Final = 1000
"""Characters of what is said or whispered; Rime takes so many at once, Deepgram 2000."""

Reason = Literal["", "lost", "ended"]


@dataclass(slots=True, eq=False)
class _Desk:
    """What operators have done to one call. At most one of ``muted_by`` and ``held_by`` is set."""

    call: Call
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    muted_by: str = ""
    held_by: str = ""
    held_since: int = 0
    voice: OperatorVoice | None = None
    microphones: dict[str, Microphone] = field(default_factory=dict)
    take_back: asyncio.TimerHandle | None = None

    @property
    def silenced_by(self) -> str:
        return self.held_by or self.muted_by


class StepIn:
    """One for the agent; every method belongs to the event loop.

    Args:
        assemblyai: where operators are understood.
        file: the definition, for its model and for what the agent says when it is back.
        take_back_s: how long the one who silenced the agent may be gone.
        emit: takes the events of a call.
    """

    def __init__(
        self, assemblyai: Service, file: DefinitionFile, take_back_s: float, emit: Callable[[Call, Event], object]
    ) -> None:
        self._upstream = Upstream(f"{assemblyai.url}/v3/ws", assemblyai.key)
        self._file, self._take_back_s, self._emit = file, take_back_s, emit
        self._presence = Presence()
        self._desks: dict[str, _Desk] = {}
        self.on_released: Callable[[Call, str], object] = lambda _call, _who: None
        """Told when an operator holds a call no more."""
        self._tasks: set[asyncio.Task[None]] = set()

    def present(self, who: str) -> None:
        """``who`` opened the event stream; :meth:`gone` once for each."""
        self._presence.came(who)
        self._watch_all(who)

    def gone(self, who: str) -> None:
        self._presence.went(who)
        self._watch_all(who)

    def link_opened(self, call: Call, who: str) -> None:
        """``who`` opened an audio link to the call; :meth:`link_closed` once for each."""
        self._presence.linked(call.id, who)
        self._watch_all(who)

    def link_closed(self, call: Call, who: str) -> None:
        self._presence.unlinked(call.id, who)
        if not self._presence.has_link(call.id, who):
            self.speak(call, who, "nobody")
        self._watch_all(who)

    def speak_hz(self, call: Call) -> int:
        """The rate that :meth:`microphone` takes: the line's own, so that nothing is resampled here."""
        return call.line.speaks.rate if call.line is not None else 8000

    def speak(self, call: Call, who: str, to: Target) -> None:
        """Where the microphone of ``who`` goes from now on: the caller hears it while they hold the call."""
        desk = self._desk(call)
        if desk is None:
            return
        microphone = desk.microphones.get(who)
        if microphone is None and to != "nobody":
            microphone = desk.microphones[who] = self._microphone(desk, who)
        if microphone is not None:
            microphone.point(to)

    def holder(self, call: Call) -> str:
        """Who has taken the call over, or empty."""
        desk = self._desks.get(call.id)
        return desk.held_by if desk is not None else ""

    def microphone(self, call: Call, who: str, audio: bytes | memoryview, *, to_caller: bool = True) -> None:
        """Audio of the operator, int16 little-endian mono at :meth:`speak_hz`; it neither waits nor raises.

        ``to_caller`` is False where the caller hears the operator already, who is in the same room.
        """
        desk = self._desk(call)
        microphone = desk.microphones.get(who) if desk is not None else None
        if desk is None or microphone is None or microphone.target == "nobody":
            return
        if microphone.target == "caller":
            if desk.held_by != who or desk.voice is None:
                return
            if to_caller:
                desk.voice.speak(audio)
        microphone.hear(audio)

    async def do(self, call: Call, request: api.StepInRequest, who: str) -> None:
        """Do what the request asks for. Asking for what is so already does nothing.

        Raises:
            Refused: it cannot be done now, 409; a text is missing, too much or too long, 400.
        """
        text = _text(request)
        desk = self._desk(call)
        if desk is None:
            raise Refused("The agent is not in the call yet, or not any more: step in while they talk.", 409)
        async with desk.lock:
            session = _still(call, call.session)
            match request.action:
                case "say":
                    await self._say(desk, session, text, who)
                case "whisper":
                    self._whisper(call, text, who)
                case "mute":
                    await self._mute(desk, session, who)
                case "unmute":
                    await self._unmute(desk, who)
                case "take_over":
                    await self._take_over(desk, session, who)
                case "hand_back":
                    await self._hand_back(desk, who)
        self._watch(desk)

    async def call_over(self, call: Call) -> None:
        """The agent of the call is gone from it; what an operator said last is still understood."""
        desk = self._desks.pop(call.id, None)
        if desk is None:
            return
        _cancel(desk)
        if desk.voice is not None:
            desk.voice.stop()
        if desk.microphones:
            await asyncio.gather(*(microphone.settle() for microphone in desk.microphones.values()))
        if desk.held_by:
            self._told_back(desk, desk.held_by, "ended")

    async def _say(self, desk: _Desk, session: Session, text: str, who: str) -> None:
        if desk.silenced_by:
            raise Refused(f"The agent cannot speak: {_silenced(desk)}.", 409)
        await self._silence(desk.call, session)
        try:
            await session.hush()
        finally:
            self._let_speak(desk.call)
        _still(desk.call, session)
        self._emit(desk.call, events.OperatorSaid(who=who, text=text))
        await session.say(text)

    def _whisper(self, call: Call, text: str, who: str, *, spoken: bool = False) -> None:
        if call.session is not None:
            call.session.whisper(text)
            self._emit(call, events.OperatorWhispered(who=who, text=text, spoken=spoken))

    async def _mute(self, desk: _Desk, session: Session, who: str) -> None:
        if desk.muted_by == who:
            return
        if desk.silenced_by:
            raise Refused(f"The agent is silent already: {_silenced(desk)}.", 409)
        await self._hold(desk.call, session)
        desk.muted_by = who
        self._emit(desk.call, events.OperatorMuted(who=who, muted=True))

    async def _unmute(self, desk: _Desk, who: str, reason: Literal["", "lost"] = "") -> None:
        if desk.held_by:
            raise Refused(f"{desk.held_by} holds the call: hand it back instead.", 409)
        if not desk.muted_by:
            raise Refused("The agent is not muted.", 409)
        desk.muted_by = ""
        self._emit(desk.call, events.OperatorMuted(who=who, muted=False, reason=reason))
        await self._release(desk.call, reason)

    async def _take_over(self, desk: _Desk, session: Session, who: str) -> None:
        call = desk.call
        if desk.held_by == who:
            return
        if desk.held_by:
            raise Refused(f"{desk.held_by} holds the call: it has to be handed back first.", 409)
        if not desk.muted_by:
            await self._hold(call, session)
        assert call.line is not None
        # Whoever had muted the agent may be gone; this hold has a time of its own.
        _cancel(desk)
        desk.muted_by, desk.held_by, desk.held_since = "", who, time.monotonic_ns()
        desk.voice = OperatorVoice(call.line, lambda error: self._failed(call, error))
        self._emit(call, events.OperatorTookOver(who=who))

    async def _hand_back(self, desk: _Desk, who: str, reason: Reason = "") -> None:
        if not desk.held_by:
            raise Refused("Nobody holds the call.", 409)
        if desk.voice is not None:
            desk.voice.stop()
            desk.voice = None
        microphone = desk.microphones.get(desk.held_by)
        if microphone is not None:
            # The agent's next answer should know of the last words too.
            await microphone.settle()
        if desk.call.session is None:
            return
        self._told_back(desk, who, reason)
        await self._release(desk.call, reason)

    def _told_back(self, desk: _Desk, who: str, reason: Reason) -> None:
        held_ms = (time.monotonic_ns() - desk.held_since) // 1_000_000
        held_by, desk.held_by = desk.held_by, ""
        self.on_released(desk.call, held_by)
        self._emit(desk.call, events.OperatorHandedBack(who=who, held_ms=held_ms, reason=reason))

    async def _hold(self, call: Call, session: Session) -> None:
        await self._silence(call, session)
        try:
            await session.hold()
            _still(call, session)
        except BaseException:
            self._let_speak(call)
            raise

    async def _silence(self, call: Call, session: Session) -> None:
        if session.leaving:
            raise Refused("The agent is saying its last words and about to hang up.", 409)
        assert call.line is not None
        assert call.turns is not None
        call.turns.silenced(time.monotonic_ns())
        call.line.held = True
        await call.line.clear()

    def _let_speak(self, call: Call) -> None:
        if call.line is not None and call.turns is not None:
            call.turns.let_speak(time.monotonic_ns())
            call.line.held = False

    async def _release(self, call: Call, reason: Reason) -> None:
        session = call.session
        if session is not None:
            self._let_speak(call)
            await session.release(self._file.definition.returning if reason else "")

    def _desk(self, call: Call) -> _Desk | None:
        """The call's desk while its agent is on the line."""
        desk = self._desks.get(call.id)
        if desk is None and call.line is not None:
            desk = self._desks[call.id] = _Desk(call)
        return desk

    def _microphone(self, desk: _Desk, who: str) -> Microphone:
        call = desk.call

        def listen(heard: Callable[[str, int], object], failed: Callable[[Failure], object]) -> OperatorEar:
            return OperatorEar(self._upstream, self._file.definition.listening, self.speak_hz(call), heard, failed)

        def words(target: Target, text: str, at: int) -> None:
            if target == "agent":
                self._whisper(call, text, who, spoken=True)
                return
            if call.session is not None:
                call.session.operator_spoke(text, at)
            self._emit(call, events.OperatorSpoke(who=who, text=text))

        def failed(failure: Failure) -> None:
            message = f"What {who} says is not understood: {failure.text} (code {failure.code})."
            fix = "The caller hears all the same what is said to them; a whisper can be typed."
            self._emit(call, events.Error(where="stt", message=message, fix=fix))

        return Microphone(listen, words, failed)

    def _watch_all(self, who: str) -> None:
        for desk in list(self._desks.values()):
            if desk.silenced_by == who:
                self._watch(desk)

    def _watch(self, desk: _Desk) -> None:
        """Have the call taken back in time, unless whoever silenced the agent is there."""
        if not self._lost(desk):
            _cancel(desk)
        elif desk.take_back is None:
            loop = asyncio.get_running_loop()
            desk.take_back = loop.call_later(self._take_back_s, self._take_back_now, desk)

    def _lost(self, desk: _Desk) -> bool:
        if desk.held_by:
            return not self._presence.has_link(desk.call.id, desk.held_by)
        return bool(desk.muted_by) and not self._presence.is_there(desk.muted_by)

    async def _take_back(self, desk: _Desk) -> None:
        async with desk.lock:
            desk.take_back = None
            if desk.call.session is None or not self._lost(desk):
                return
            try:
                if desk.held_by:
                    await self._hand_back(desk, desk.held_by, "lost")
                else:
                    await self._unmute(desk, desk.muted_by, "lost")
            except Exception as error:
                self._failed(desk.call, error)

    def _take_back_now(self, desk: _Desk) -> None:
        task = asyncio.create_task(self._take_back(desk))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _failed(self, call: Call, error: Exception) -> None:
        log.error("Stepping in failed", exc_info=error)
        message = f"Stepping in failed: {type(error).__name__}: {error}"
        self._emit(call, events.Error(where="agent", message=message, fix="See the agent's log."))


def _text(request: api.StepInRequest) -> str:
    text = " ".join(request.text.split())
    if request.action not in ("say", "whisper"):
        if text:
            raise Refused(f"{request.action} takes no text.", 400)
    elif not text:
        raise Refused(f"There is nothing to {request.action}: give a text.", 400)
    elif len(text) > MAX_TEXT:
        raise Refused(f"A text of {len(text)} characters is too long: {MAX_TEXT} at once.", 400)
    return text


def _still(call: Call, session: Session | None) -> Session:
    """The session, if it is still the call's."""
    if session is None or call.session is not session or call.outcome is not None:
        raise Refused("The call ended in that moment.", 409)
    return session


def _silenced(desk: _Desk) -> str:
    return f"{desk.held_by} holds the call" if desk.held_by else f"{desk.muted_by} has muted it"


def _cancel(desk: _Desk) -> None:
    if desk.take_back is not None:
        desk.take_back.cancel()
        desk.take_back = None

"""Operators who listen to calls, each over a WebSocket of :mod:`agent.audio_wire`, and their microphones.

Nothing waits for them: what goes to a client waits in a queue of its own, which is emptied when the client has not
taken it within a second. One that takes nothing at all for five is gone, though its connection may not know: an
operator whose network died must not hold a call.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from agent import audio_wire, events
from agent.call import Call
from agent.carriers import Line
from agent.events import Event
from agent.limits import Refused
from agent.line_meter import Samples
from agent.stepping_in import StepIn
from agent.web_socket import drop, hold_little_back

MOST_LISTENERS: Final = 16
_BEHIND_NS: Final = 1_000_000_000
_GONE_NS: Final = 5_000_000_000
_MOST_WAITING: Final = 1_000
_LAST_WORDS_S: Final = 1.0
_BAD_MESSAGE: Final = 1008
_NOT_SPEAK: Final = 'A text message is {"type":"speak","to":"nobody"}, "caller" or "agent".'

Emit = Callable[[Call, Event], object]


def _text(message: audio_wire.FromServer) -> str:
    return msgspec.json.encode(message).decode()


_CLEARED: Final = _text(audio_wire.Cleared())


class CallListeners:
    """One for the agent."""

    def __init__(self, step_in: StepIn, emit: Emit) -> None:
        self._step_in, self._emit = step_in, emit
        self._rooms: dict[str, _Room] = {}
        self.elsewhere: Callable[[Call], int] = lambda _call: 0
        """How many listen to a call in another way, such as in its LiveKit room."""

    def count(self, call: Call) -> int:
        """How many listen to the call here."""
        room = self._rooms.get(call.id)
        return len(room.ears) if room is not None else 0

    def line_of(self, call: Call) -> Line:
        """What one more may listen to.

        Raises:
            Refused: there is nothing to be heard, or too many listen.
        """
        if call.line is None:
            raise Refused(f"The call {call.id} has no audio now: nobody has answered yet, or it is over.", 409)
        if call.id in self._rooms and len(self._rooms[call.id].ears) >= MOST_LISTENERS:
            raise Refused(f"{MOST_LISTENERS} operators listen to the call {call.id} already.", 429)
        return call.line

    async def serve(self, call: Call, who: str, websocket: WebSocket) -> None:
        """Let ``who`` listen until they go or the line is over.

        Raises:
            Refused: as :meth:`line_of`; the socket was not accepted.
        """
        line, speak_hz = self.line_of(call), self._step_in.speak_hz(call)
        ear = _Ear(who, websocket)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await websocket.accept()
            hold_little_back(websocket)
            await websocket.send_text(
                _text(audio_wire.Start(call.id, line.hears.rate, line.speaks.rate, speak_hz))
            )
            if call.line is not line:
                ear.end()
                await ear.pour()
                return
            self._enter(call, line, ear)
            self._step_in.link_opened(call, who)
            try:
                await self._until_gone(call, ear, speak_hz)
            finally:
                self._step_in.link_closed(call, who)
                self._leave(call, ear)

    def line_over(self, call: Call) -> None:
        """Send everybody who listens away."""
        room = self._rooms.get(call.id)
        for ear in list(room.ears) if room is not None else []:
            self._leave(call, ear)
            ear.end()

    def _enter(self, call: Call, line: Line, ear: _Ear) -> None:
        room = self._rooms.get(call.id)
        if room is None:
            room = self._rooms[call.id] = _Room(line)
            line.audio.add(room)
        room.ears.append(ear)
        self._tell(call, ear, listening=True)

    def _leave(self, call: Call, ear: _Ear) -> None:
        room = self._rooms.get(call.id)
        if room is None or ear not in room.ears:
            return
        room.ears.remove(ear)
        self._tell(call, ear, listening=False)
        if not room.ears:
            room.line.audio.remove(room)
            del self._rooms[call.id]

    def _tell(self, call: Call, ear: _Ear, *, listening: bool) -> None:
        listeners = self.count(call) + self.elsewhere(call)
        self._emit(call, events.OperatorListening(who=ear.who, listening=listening, listeners=listeners))

    async def _until_gone(self, call: Call, ear: _Ear, speak_hz: int) -> None:
        ear.pouring = asyncio.create_task(ear.pour(), name=f"listener-{ear.who}")
        microphone = asyncio.create_task(self._microphone(call, ear, speak_hz))
        both = ear.pouring, microphone
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.wait(both)
        for task in both:
            if not task.cancelled() and (error := task.exception()) is not None:
                if not isinstance(error, ValueError):
                    raise error
                # One who does not read does not get to know.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LAST_WORDS_S):
                        await ear.websocket.close(_BAD_MESSAGE, str(error))

    async def _microphone(self, call: Call, ear: _Ear, speak_hz: int) -> None:
        """Take what the client sends until it goes; raises ValueError in one sentence for what makes no sense."""
        while (message := await ear.websocket.receive())["type"] == "websocket.receive":
            text = message.get("text")
            if text is not None:
                try:
                    self._step_in.speak(call, ear.who, msgspec.json.decode(text, type=audio_wire.Speak).to)
                except msgspec.DecodeError as error:
                    raise ValueError(_NOT_SPEAK) from error
                continue
            audio = audio_wire.decode(message["bytes"])
            if audio.channel != audio_wire.OPERATOR or audio.rate != speak_hz:
                raise ValueError(f"A microphone is channel {audio_wire.OPERATOR} at {speak_hz} Hz.")
            if len(audio.samples) > speak_hz * 2:
                raise ValueError("More than a second of microphone in one message.")
            self._step_in.microphone(call, ear.who, audio.samples)


class _Room:
    """All who listen to one line, as one :class:`agent.line_audio.Listener`: each message is made once."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.ears: list[_Ear] = []

    def caller(self, now: int, samples: Samples) -> None:
        self._audio(now, audio_wire.CALLER, self.line.hears.rate, samples)

    def agent(self, now: int, samples: Samples, by_operator: bool) -> None:
        flags = audio_wire.BY_OPERATOR if by_operator else 0
        self._audio(now, audio_wire.AGENT, self.line.speaks.rate, samples, flags)

    def cleared(self, now: int) -> None:
        for ear in self.ears:
            ear.offer(now, _CLEARED)

    def _audio(self, now: int, channel: int, rate: int, samples: Samples, flags: int = 0) -> None:
        for start in range(0, len(samples), rate):
            second = samples[start : start + rate].tobytes()
            message = audio_wire.encode(channel, rate, now // 1000, second, flags)
            for ear in self.ears:
                ear.offer(now, message)


class _Ear:
    """One client: what waits for it, each message with the time it was offered."""

    def __init__(self, who: str, websocket: WebSocket) -> None:
        self.who, self.websocket = who, websocket
        self.pouring: asyncio.Task[None] | None = None
        self._waiting: deque[tuple[int, str | bytes]] = deque()
        self._took = time.monotonic_ns()
        self._arrived = asyncio.Event()
        self._dropped_ns = 0
        self._over = False

    def offer(self, now: int, message: str | bytes) -> None:
        waiting = self._waiting
        if waiting and (now - waiting[0][0] > _BEHIND_NS or len(waiting) >= _MOST_WAITING):
            if now - self._took > _GONE_NS:
                drop(self.websocket)
            self._dropped_ns += now - waiting[0][0]
            cleared = any(one == _CLEARED for _, one in waiting)
            waiting.clear()
            if cleared:
                waiting.append((now, _CLEARED))
        waiting.append((now, message))
        self._arrived.set()

    def end(self) -> None:
        """Nothing more comes; a client that does not take the rest soon goes without it."""
        self._over = True
        self._arrived.set()
        if self.pouring is not None:
            asyncio.get_running_loop().call_later(_LAST_WORDS_S, self.pouring.cancel)

    async def pour(self) -> None:
        """Send what waits, as it comes, and close the socket when it is over."""
        while not self._over or self._waiting:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                if self._dropped_ns:
                    behind, self._dropped_ns = audio_wire.Behind(self._dropped_ns // 1_000_000), 0
                    await self.websocket.send_text(_text(behind))
                self._took, message = self._waiting.popleft()
                if isinstance(message, str):
                    await self.websocket.send_text(message)
                else:
                    await self.websocket.send_bytes(message)
        await self.websocket.send_text(_text(audio_wire.End()))
        await self.websocket.close()

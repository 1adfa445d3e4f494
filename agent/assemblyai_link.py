"""One connection of a framework to the tap, over as many of the service's sessions as it takes.

When a session breaks for a reason that another one may mend, the framework's connection stays: a new session is
opened with the same query, told what was configured since, and given the audio of the open turn again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from agent import events
from agent.assemblyai_seam import Seam
from agent.assemblyai_upstream import Failure, hear, object_of
from agent.events import Event
from agent.turn_audio import TurnAudio

LAST_WORDS_S: Final = 2.0
"""How long a session that is asked to end may take; live it takes 0.6 s, or 1.2 s with an open turn."""
_OWN_TERMINATE_S: Final = 0.25
"""A framework that ends says Terminate itself within that, after the last of its audio."""
_GOODBYE_S: Final = 1.0
_FORCED_LATELY_S: Final = 2.0
"""An end of turn that was asked for no longer ago, and never came, is asked for again."""
_TERMINATE: Final = '{"type":"Terminate"}'
_FORCE: Final = '{"type":"ForceEndpoint"}'


class Owner(Protocol):
    """The call that a link belongs to."""

    tuned: dict[str, Any]
    emit: Callable[[Event], object]

    def next_session(self) -> int: ...

    def opened(self, session: int, parameters: dict[str, str]) -> None: ...

    def begun(self, session: int, begin: dict[str, Any]) -> None: ...

    def heard(self, session: int, turn: dict[str, Any]) -> None: ...

    def heard_again(self) -> None:
        """The open turn's audio is given to another session."""
        ...

    def failed(self, session: int, failure: Failure) -> float | None:
        """Tell of a failure; returns the seconds to wait before another try, or None when it was the last."""
        ...


class Link:
    """See the module. :meth:`run` it once; :meth:`end` it when the call is over."""

    def __init__(
        self,
        owner: Owner,
        websocket: WebSocket,
        parameters: dict[str, str],
        reopen: Callable[[], Awaitable[ClientConnection]],
        *,
        own_heartbeat: bool = False,
    ) -> None:
        """``own_heartbeat``: the framework did not ask for the Heartbeats that come, and is not shown them."""
        self._owner, self._websocket = owner, websocket
        self._parameters, self._reopen, self._own_heartbeat = parameters, reopen, own_heartbeat
        self._audio = TurnAudio(parameters)
        self._seam = Seam()
        self._upstream: ClientConnection | None = None
        """The session, once it has been given all that came before."""
        self._updated: dict[str, Any] = {}
        self._forced_at = 0.0
        self._split: events.SttSplit | None = None
        self._terminating = self._ending = self._abandoned = False
        self._stayed = False
        """The framework was there when the session ended."""
        self._ender: asyncio.Task[None] | None = None
        self._give_up: Callable[[], object] = lambda: None
        self._framework_closed: tuple[int, str] | None = None
        self._goodbye_asked = asyncio.Event()
        self._termination = ""
        self.session = 0
        self.over = asyncio.Event()
        """Nothing more will be heard."""

    async def run(self, session: int, upstream: ClientConnection) -> None:
        """Relay until either side is done for good."""
        self.session = session
        reading = asyncio.create_task(self._from_framework(), name="tap-up")
        try:
            closing = await self._sessions(upstream)
            self.over.set()
            if reading.done():
                reading.result()
            if self._ending:
                closing = await self._goodbye()
            if self._websocket.application_state == WebSocketState.CONNECTED:
                # The framework may close in the same moment, which is as good.
                with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                    await self._websocket.close(*_sendable(*closing))
        finally:
            self.over.set()
            for task in (reading, self._ender):
                if task is not None:
                    task.cancel()
                    await asyncio.wait({task})

    async def send(self, message: dict[str, Any]) -> bool:
        """Send a message of the operator's into the session; False when there is none just now."""
        upstream = self._upstream
        if upstream is None or self._terminating:
            return False
        try:
            await self._say(upstream, msgspec.json.encode(message).decode(), message)
        except ConnectionClosed:
            return False
        return True

    def end(self) -> None:
        """The call is over: let the session end the open turn, within two seconds.

        What is still heard is not for the framework, which would answer it. Its own Terminate is waited for a
        little, because the last of its audio comes before that.
        """
        if not self._ending:
            self._ending = True
            self._ender = asyncio.create_task(self._end(), name="tap-end")

    async def _end(self) -> None:
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._goodbye_asked.wait(), _OWN_TERMINATE_S)
                await self._terminate()
                await self.over.wait()
        except TimeoutError:
            self._abandoned = True
            self._give_up()

    async def _sessions(self, upstream: ClientConnection) -> tuple[int, str]:
        """Relay one session after the other; returns how the last was closed."""
        while True:
            self._give_up = upstream.transport.abort
            if self._abandoned:
                self._give_up()
            hearing = asyncio.create_task(self._from_service(upstream), name="tap-down")
            try:
                await self._catch_up(upstream)
                failure = await hearing
            except BaseException:
                hearing.cancel()
                upstream.transport.abort()
                raise
            finally:
                self._upstream = None
            wait_s = None if failure is None else self._wait_after(failure)
            closing, by = (upstream.close_code or 1006, upstream.close_reason or ""), "service"
            if self._abandoned or (self._framework_closed is not None and not self._stayed):
                closing, by = self._framework_closed or (1000, "no Termination came in time"), "agent"
            self._owner.emit(events.SttClosed(session=self.session, code=closing[0], reason=closing[1], by=by))
            another = None if wait_s is None else await self._mended(wait_s)
            if another is None:
                if failure is not None:
                    await self._give_in(failure)
                return closing
            upstream = another

    def _wait_after(self, failure: Failure) -> float | None:
        """The seconds to wait before another try, or None when there is none to be made."""
        wait_s = self._owner.failed(self.session, failure)
        if self._ending:
            return wait_s if self._audio.text and not self._abandoned else None
        return None if self._terminating else wait_s

    async def _mended(self, wait_s: float) -> ClientConnection | None:
        """Another session in the place of the one that failed, or None when there will be none."""
        mending = asyncio.create_task(self._mend(wait_s), name="tap-mend")
        self._give_up = mending.cancel
        try:
            await asyncio.wait({mending})
            return None if mending.cancelled() else mending.result()
        finally:
            mending.cancel()

    async def _mend(self, wait_s: float | None) -> ClientConnection | None:
        while wait_s is not None:
            await asyncio.sleep(wait_s)
            self.session = self._owner.next_session()
            try:
                upstream = await self._reopen()
            except Failure as failure:
                wait_s = self._wait_after(failure)
                continue
            self._owner.opened(self.session, self._parameters)
            text, replayed_ms = self._audio.text, self._audio.begin_again()
            self._seam.join(self._audio.base_ms)
            if replayed_ms:
                self._owner.heard_again()
            if text or replayed_ms:
                self._split = events.SttSplit(session=self.session, text=text, replayed_ms=replayed_ms)
            return upstream
        return None

    async def _give_in(self, failure: Failure) -> None:
        """There will be no other session: leave the framework with the service's own words."""
        if self._audio.text and not self._ending:
            self._owner.emit(events.SttSplit(session=self.session, text=self._audio.text))
        if failure.frame and not self._ending:
            await self._show(failure.frame)

    async def _catch_up(self, upstream: ClientConnection) -> None:
        """Give a session what it should know from before; from then on everything goes straight to it."""
        try:
            await self._configure(upstream)
            if self._split is not None:
                self._owner.emit(self._split)
                self._split = None
            while piece := self._audio.next_piece():
                await upstream.send(piece)
            # There was no chance for anything to arrive since the last piece.
            self._upstream = upstream
            if self._forced_at and time.monotonic() - self._forced_at < _FORCED_LATELY_S:
                await self._say(upstream, _FORCE, {"type": "ForceEndpoint"})
            if self._terminating:
                await self._say(upstream, _TERMINATE, {"type": "Terminate"})
        except ConnectionClosed:
            # The one who listens to the session finds that out too, and why.
            return

    async def _configure(self, upstream: ClientConnection) -> None:
        tuned = dict(self._owner.tuned)
        fields = {**self._updated, **tuned}
        if not fields:
            return
        message = {"type": "UpdateConfiguration", **fields}
        await self._say(upstream, msgspec.json.encode(message).decode(), message)
        if tuned:
            self._owner.emit(events.SttTuned(session=self.session, who="agent", fields=tuned))

    async def _say(self, upstream: ClientConnection, text: str, message: dict[str, Any]) -> None:
        if message.get("type") == "ForceEndpoint":
            self._forced_at = time.monotonic()
        await upstream.send(text)
        self._owner.emit(events.SttSent(session=self.session, message=message))

    async def _terminate(self, text: str = _TERMINATE) -> None:
        """Ask the session to end, once; one that is being opened is asked as soon as it has everything."""
        if self._terminating:
            return
        self._terminating = True
        if self._upstream is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._say(self._upstream, text, {"type": "Terminate"})

    async def _from_framework(self) -> None:
        """Pass on what the framework sends, or keep it for the next session, until the framework closes."""
        audio, receive = self._audio, self._websocket.receive
        try:
            while self._framework_closed is None:
                message = await receive()
                try:
                    if message["type"] == "websocket.disconnect":
                        closing = int(message.get("code") or 1005), str(message.get("reason") or "")
                        self._framework_closed = closing
                    elif (data := message.get("bytes")) is None:
                        await self._control(message.get("text") or "")
                    else:
                        audio.add(data)
                        if self._upstream is not None and not self._terminating:
                            audio.passed()
                            await self._upstream.send(data)
                except ConnectionClosed:
                    # The session is gone; what it has not understood is given to the next.
                    continue
        finally:
            self._goodbye_asked.set()
            if not self.over.is_set():
                self.end()

    async def _control(self, text: str) -> None:
        message = object_of(text)
        match message.get("type"):
            case "Terminate":
                await self._terminate(text)
                self._goodbye_asked.set()
                return
            case "UpdateConfiguration":
                fields = {name: value for name, value in message.items() if name != "type"}
                self._updated.update(fields)
                for name in fields:
                    self._owner.tuned.pop(name, None)
            case "ForceEndpoint":
                self._forced_at = time.monotonic()
            case _:
                pass
        if self._upstream is not None and not self._terminating:
            await self._say(self._upstream, text, message)

    async def _from_service(self, upstream: ClientConnection) -> Failure | None:
        """Pass on what the service sends until it closes; returns why, None when that was as it should be."""
        failure = await hear(upstream, self._pass_on)
        if failure is None or self._framework_closed is not None:
            return None
        # Asked to end, a service may do so without a Termination.
        return None if self._terminating and failure.code == 1000 else failure

    async def _pass_on(self, data: str | bytes, message: dict[str, Any] | None) -> None:
        if message is None or isinstance(data, bytes):
            await self._show(data)
            return
        owner, session, kind = self._owner, self.session, message.get("type")
        last = kind == "Turn" and self._audio.turn(message)
        if last:
            self._forced_at = 0.0
        if kind == "Turn":
            owner.heard(session, message)
        hidden = self._ending or (self._own_heartbeat and kind == "Heartbeat")
        shown = self._seam.show(data, message, last=last)
        if shown is not None and not hidden:
            await self._show(shown)
        match kind:
            case "Turn":
                owner.emit(events.SttTurn(session=session, message=message, audio_ms=self._audio.sent_ms))
            case "Begin":
                owner.emit(events.SttBegin(session=session, message=message))
                owner.begun(session, message)
            case "Termination":
                self._termination, self._stayed = data, self._framework_closed is None
                owner.emit(events.SttTermination(session=session, message=message))
            case "SpeechStarted":
                owner.emit(events.SttSpeechStarted(session=session, message=message))
            case _:
                owner.emit(events.SttOther(session=session, message=message))

    async def _show(self, data: str | bytes) -> None:
        # A framework that is gone misses it, but what is heard still belongs in the journal.
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            if isinstance(data, bytes):
                await self._websocket.send_bytes(data)
            else:
                await self._websocket.send_text(data)

    async def _goodbye(self) -> tuple[int, str]:
        """Answer the framework's Terminate: without a Termination Pipecat 1.14 waits five seconds for it."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._goodbye_asked.wait(), _GOODBYE_S)
        whole_s = self._audio.sent_ms // 1000
        ours = {"type": "Termination", "audio_duration_seconds": whole_s, "session_duration_seconds": whole_s}
        await self._show(self._termination or msgspec.json.encode(ours).decode())
        return 1000, "Session Ended"


def _sendable(code: int, reason: str) -> tuple[int, str]:
    """A code that may be sent: 1005 and 1006 only say that none was received."""
    return (1000 if code in (1005, 1006) else code), reason[:120]

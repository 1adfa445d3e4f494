"""The tap: a relay on loopback between any framework and AssemblyAI that sees every message under both.

A framework connects to ``/assemblyai/{token}/v3/ws?…`` of the agent; the tap opens the same query upstream with
the real key, so neither the framework nor its log ever holds it. Audio passes through untouched. Text is passed
on as it came and copied to the journal; close codes and reasons pass in both directions. That is the only place
where AssemblyAI's own Error texts can be seen: the frameworks drop them (pipecat 1.14
``services/assemblyai/stt.py`` knows four message types; livekit-plugins-assemblyai 1.8 raises a bare status).

A session that breaks in the middle of a call is replaced behind the framework's back: see
:mod:`agent.assemblyai_link`. So that one which only falls silent is noticed too, the tap adds
``session_heartbeat`` to the query.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketState

from agent import events
from agent.assemblyai_link import LAST_WORDS_S, Link
from agent.assemblyai_upstream import Failure, Upstream
from agent.events import Event
from agent.stt_parameters import FAMILY_NAMES, FORMER_NAMES, PARAMETERS, family
from agent.unanswered import Unanswered

# Tried before the framework is refused: AssemblyAI's SDK and LiveKit's plugin come back from no refusal, and the
# SDK waits a second (assemblyai 1.8, livekit-plugins-assemblyai 1.8).
_TRIES_AT_FIRST: Final = 3
_WAITS_S: Final = (0.1, 0.5, 1.0, 2.0)
_FAILING_S: Final = 12.0
"""A caller is not left unheard for longer."""
_HEALTHY_S: Final = 10.0
_HEARTBEAT: Final = "session_heartbeat"
_SECRET: Final = frozenset({"token", "webhook_auth_header_value"})
_MAX_IGNORED = 50


class Tap:
    """The tap of one call; a framework that reconnects comes back to the same one.

    Args:
        upstream: AssemblyAI's WebSocket address without a query, ``wss://streaming.assemblyai.com/v3/ws``.
        key: sent upstream as ``Authorization``.
        emit: takes the events.
        on_deaf: told once, in one sentence, when no further connection can bring words.
    """

    def __init__(
        self, upstream: str, key: str, emit: Callable[[Event], object], on_deaf: Callable[[str], None]
    ) -> None:
        self._upstream = Upstream(upstream, key)
        self.emit, self._on_deaf = emit, on_deaf
        self._failures = 0
        self._failing_since = self._opened_at = 0.0
        self._deaf = self._closing = False
        self._link: Link | None = None
        self._sessions = 0
        self.parameters: dict[str, str] = {}
        """The query of the connection that is open or was last."""
        self.tuned: dict[str, Any] = {}
        """The values that the operator gave the live session; a new one is given them too."""
        self.unanswered = Unanswered()
        self.on_forced: Callable[[], object] = lambda: None
        """Called when the operator has ended the caller's turn."""
        self.final_at = 0
        """When the last end-of-turn message passed, in monotonic nanoseconds."""
        self.final_confidence: float | None = None

    @property
    def session(self) -> int:
        """The number of the session that is open or was last, from 1."""
        return self._sessions

    @property
    def model(self) -> str:
        """The ``speech_model`` that was asked for."""
        return self.parameters.get("speech_model", "")

    async def configure(self, fields: dict[str, Any], who: str, ignored: dict[str, str]) -> bool:
        """Retune the live session; False when there is none just now.

        Args:
            fields: of UpdateConfiguration, checked.
            who: the client that asks.
            ignored: the fields that the model's family does not honour, with the reason; sent all the same.
        """
        if not await self.send({"type": "UpdateConfiguration", **fields}):
            return False
        self.tuned.update(fields)
        self.emit(events.SttTuned(session=self.session, who=who, fields=fields, ignored=ignored))
        return True

    async def end_turn(self, who: str) -> bool:
        """End the caller's turn here and now; False when there is no session just now."""
        if not await self.send({"type": "ForceEndpoint"}):
            return False
        self.emit(events.SttTuned(session=self.session, who=who, end_turn=True))
        self.on_forced()
        return True

    async def send(self, message: dict[str, Any]) -> bool:
        """Send a message of our own upstream; False when there is no session just now."""
        return self._link is not None and await self._link.send(message)

    def close(self) -> None:
        """The call is ending: the session ends the open turn, and what fails from here on is not a failure."""
        self._closing = True
        if self._link is not None:
            self._link.end()

    async def finish(self) -> None:
        """Close, and wait for the last words, little more than two seconds at most."""
        self.close()
        if self._link is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._link.over.wait(), LAST_WORDS_S + 1)

    async def serve(self, websocket: WebSocket) -> None:
        """Relay one connection of the framework until either side closes it for good."""
        if self._closing or self._deaf:
            await websocket.send_denial_response(Response(status_code=503))
            return
        query, session = websocket.url.query, self.next_session()
        parameters = dict(parse_qsl(query, keep_blank_values=True))
        own_heartbeat = _HEARTBEAT not in parameters
        asked = f"{query}&{_HEARTBEAT}=true" if own_heartbeat else query
        reopen = partial(self._upstream.open, asked, websocket.headers)
        while True:
            try:
                upstream = await reopen()
                break
            except Failure as failure:
                wait_s = self.failed(session, failure, tries=_TRIES_AT_FIRST)
                if wait_s is None or self._closing:
                    await websocket.send_denial_response(Response(status_code=failure.code))
                    return
                await asyncio.sleep(wait_s)
                session = self.next_session()
        self.opened(session, parameters)
        await websocket.accept()
        link = self._link = Link(self, websocket, parameters, reopen, own_heartbeat=own_heartbeat)
        if self._closing:
            link.end()
        try:
            await link.run(session, upstream)
        except Exception as error:
            self.failed(session, Failure(1011, f"the relay failed: {type(error).__name__}: {error}"))
            if websocket.application_state == WebSocketState.CONNECTED:
                await websocket.close(1011)
        finally:
            if self._link is link:
                self._link = None

    def next_session(self) -> int:
        """The number of the session that is about to be opened."""
        self._sessions += 1
        return self._sessions

    def opened(self, session: int, parameters: dict[str, str]) -> None:
        """A session was opened."""
        self._opened_at = time.monotonic()
        self.parameters = {name: "…" if name in _SECRET else value for name, value in parameters.items()}
        self.emit(events.SttOpened(session=session, parameters=self.parameters))

    def begun(self, session: int, begin: dict[str, Any]) -> None:
        """The session's Begin came: tell what in its parameters changes nothing."""
        told = begin.get("simulator")
        ignored = _unknown(self.parameters) | (_told(told) if isinstance(told, dict) else {})
        if ignored:
            self.emit(events.SttIgnored(session=session, parameters=ignored))

    def heard(self, session: int, turn: dict[str, Any]) -> None:
        """A Turn passed."""
        now = time.monotonic_ns()
        self.unanswered.heard(session, turn, now)
        if turn.get("end_of_turn"):
            self.final_at = now
            confidence = turn.get("end_of_turn_confidence")
            self.final_confidence = confidence if isinstance(confidence, (int, float)) else None
            if turn.get("transcript"):
                self._failures = 0

    def heard_again(self) -> None:
        """The open turn's audio is given to another session."""
        self.unanswered.heard_again()

    def failed(self, session: int, failure: Failure, tries: int = len(_WAITS_S) + 1) -> float | None:
        """Tell of a failure; returns the seconds to wait before another try, or None when it was the last."""
        now = time.monotonic()
        if self._opened_at and now - self._opened_at > _HEALTHY_S:
            self._failures = 0
        self._opened_at = 0.0
        if not self._failures:
            self._failing_since = now
        self._failures += 1
        final = failure.permanent or self._failures >= tries or now - self._failing_since > _FAILING_S
        if not self._closing:
            self.emit(events.SttError(session=session, code=failure.code, text=failure.text, final=final))
            if final and not self._deaf:
                self._deaf = True
                self._on_deaf(f"Speech recognition is gone: {failure.text} (code {failure.code}).")
        return None if final else _WAITS_S[min(self._failures, len(_WAITS_S)) - 1]


def _unknown(parameters: dict[str, str]) -> dict[str, str]:
    """The parameters that the service ignores without a word."""
    kin = family(parameters.get("speech_model", ""))
    ignored: dict[str, str] = {}
    for name in parameters:
        known = PARAMETERS.get(FORMER_NAMES.get(name, name))
        if known is None:
            ignored[name[:60]] = "AssemblyAI's v3 has no such parameter."
        elif kin not in known.families:
            ignored[name] = f"{FAMILY_NAMES[kin]} models have no use for it."
    return dict(list(ignored.items())[:_MAX_IGNORED])


def _told(simulator: dict[str, Any]) -> dict[str, str]:
    """What the stand-in says of the parameters that it does not play."""
    ignored = simulator.get("ignored")
    pairs = list(ignored.items())[:_MAX_IGNORED] if isinstance(ignored, dict) else []
    return {str(name)[:60]: str(reason)[:300] for name, reason in pairs}

"""The agent's API as the console uses it: the stream of events, and what may be asked of it."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from agent import api
from agent.call_state import CallState
from console.http_client import Http, Unreachable

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

MAX_MESSAGE = 64 * 1024 * 1024
_PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0)
_DIAL_S = 60.0
_ACT_S = 20.0
_BREATH = 200

T = TypeVar("T")


class AgentError(Exception):
    """The agent did not do what it was asked, or cannot be reached; one sentence."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an agent is, and the token that opens it."""

    url: str
    token: str = field(repr=False)


class AgentClient:
    """``endpoint`` is awaited before every use, since a restarted agent may be somewhere else."""

    def __init__(self, endpoint: Callable[[], Awaitable[Endpoint]], http: Http) -> None:
        self._endpoint = endpoint
        self._http = http

    async def health(self) -> api.Health:
        return await self._ask("GET", "/health", None, api.Health)

    async def dial(self, request: api.DialRequest) -> str:
        """Dial; returns the new call's id once the carrier has taken the call."""
        return (await self._ask("POST", "/calls", request, api.DialAnswer, _DIAL_S)).call

    async def hang_up(self, call: str, who: str) -> None:
        await self._ask("POST", _of(call, "hangup"), api.HangupRequest(who), dict, _ACT_S)

    async def endpoint(self) -> Endpoint:
        """Where the agent is now; the sound process reaches it by itself."""
        return await self._endpoint()

    async def step_in(self, call: str, action: api.StepIn, text: str, who: str) -> None:
        """Do ``action`` to a live call; ``text`` is for say and whisper alone."""
        await self._ask("POST", _of(call, "operator"), api.StepInRequest(action, text, who), dict, _ACT_S)

    async def recording(self, call: str, action: api.RecordingAction, who: str) -> None:
        """Begin, pause or resume the recording of a live call."""
        await self._ask("POST", _of(call, "recording"), api.RecordingRequest(action, who), dict, _ACT_S)

    async def recording_of(self, call: str) -> Endpoint:
        """Where the recording of a call is, a WAV."""
        endpoint = await self._endpoint()
        return Endpoint(endpoint.url + _of(call, "recording"), endpoint.token)

    async def calls(self) -> list[CallState]:
        """The live calls, and the last ones that ended."""
        return await self._ask("GET", "/calls", None, list[CallState])

    async def tune(self, call: str, fields: Mapping[str, Any], who: str) -> api.TuneAnswer:
        """Send ``fields`` into the call's AssemblyAI session."""
        return await self._stt(call, "", api.TuneRequest(fields=dict(fields), who=who), api.TuneAnswer)

    async def end_turn(self, call: str, who: str) -> api.TuneAnswer:
        """Let AssemblyAI end the caller's turn here and now."""
        return await self._stt(call, "", api.TuneRequest(end_turn=True, who=who), api.TuneAnswer)

    async def save_tuning(self, call: str, who: str) -> api.SaveAnswer:
        """Write what was tuned in the call into the agent definition."""
        return await self._stt(call, "/save", api.SaveRequest(who), api.SaveAnswer)

    async def _stt(self, call: str, what: str, request: object, kind: type[T]) -> T:
        return await self._ask("POST", _of(call, f"stt{what}"), request, kind, _ACT_S)

    async def follow(
        self,
        deliver: Callable[[api.Item, str], None],
        lost: Callable[[str], None],
        last_seq: Callable[[], int | None] = lambda: None,
        who: str = "",
    ) -> None:
        """Follow the stream for ever: each item decoded and as its JSON text. ``who`` is an operator who counts as
        present while the stream is open.

        A broken connection is told to ``lost`` in one sentence and opened again from ``last_seq`` on.
        """
        failures = 0
        while True:
            endpoint = await self._endpoint()
            try:
                reason = await self._read(endpoint, last_seq(), who, deliver)
                failures = 0
            except AgentError as error:
                reason = str(error)
            lost(reason)
            await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])
            failures += 1

    async def _read(
        self, endpoint: Endpoint, after: int | None, who: str, deliver: Callable[[api.Item, str], None]
    ) -> str:
        websocket = await self._connect(endpoint, after, who)
        from websockets.exceptions import ConnectionClosed

        received = 0
        try:
            while True:
                try:
                    message = await websocket.recv(decode=True)
                except ConnectionClosed:
                    return "The connection to the agent broke off; trying again."
                try:
                    for item, text in api.decode_message(message):
                        deliver(item, text)
                        received += 1
                        if received % _BREATH == 0:
                            # A long backlog is read without ever waiting; the screen must get its turn.
                            await asyncio.sleep(0)
                except ValueError as error:
                    raise AgentError(f"The agent sent something that is no event: {error}") from error
        finally:
            await websocket.close()

    async def _connect(self, endpoint: Endpoint, after: int | None, who: str) -> ClientConnection:
        # In a thread, so that the screen stays alive meanwhile.
        client = await asyncio.to_thread(importlib.import_module, "websockets.asyncio.client")
        from websockets.exceptions import InvalidStatus, WebSocketException

        asked = {name: value for name, value in (("from", after), ("who", who or None)) if value is not None}
        url = f"ws{endpoint.url.removeprefix('http')}/events?{urlencode(asked)}".rstrip("?")
        try:
            return await client.connect(
                url,
                additional_headers={"Authorization": f"Bearer {endpoint.token}"},
                proxy=None,
                compression=None,
                max_size=MAX_MESSAGE,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            if status in (401, 403):
                raise AgentError("The agent refused the token.") from error
            raise AgentError(f"The agent answered {status} instead of events.") from error
        except (OSError, TimeoutError, WebSocketException) as error:
            raise AgentError(f"The agent at {endpoint.url} does not answer.") from error

    async def _ask(self, method: str, path: str, body: object, kind: type[T], timeout: float = 5.0) -> T:
        endpoint = await self._endpoint()
        data = None if body is None else msgspec.json.encode(body)
        try:
            status, answer = await self._http.request(method, endpoint.url + path, endpoint.token, data, timeout)
        except Unreachable as error:
            raise AgentError(f"The agent cannot be reached: {error}") from error
        try:
            if status >= 300:
                raise AgentError(msgspec.json.decode(answer, type=api.ErrorBody).error)
            return msgspec.json.decode(answer, type=kind)
        except msgspec.DecodeError as error:
            raise AgentError(f"The agent answered {status} to {method} {path} with something else.") from error


def _of(call: str, what: str) -> str:
    return f"/calls/{quote(call, safe='')}/{what}"

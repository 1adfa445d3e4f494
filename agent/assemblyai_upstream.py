"""Sessions of AssemblyAI, or of its stand-in: how one is opened and heard, and in words why it failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

Take = Callable[[str | bytes, dict[str, Any] | None], Awaitable[None]]

_OPEN_S = 5.0
# A session that is given 40 s of audio at once may read it at the pace of speech, and a ping waits behind that.
_PONG_S = 45.0
_MAX_MESSAGE = 1024 * 1024
_FIRST_WORD_S: Final = 10.0
"""A session that has not begun by then is given up; live it begins within 1.3 s."""
_SILENT_S: Final = 16.0
"""A session that sent heartbeats, which come every 5 s, and then nothing for so long is not there any more."""
_AFTER_ERROR_S: Final = 1.0
# Another try with the same settings cannot succeed: no authorisation, bad input, input the service refuses.
_PERMANENT: Final = frozenset({1008, 3006, 3007})
_PASSING_STATUS: Final = frozenset({408, 425, 429})
# Of a framework's headers, those that mean something to the service.
_PASSED_ON: Final = ("assemblyai-version",)


class Failure(Exception):
    """No session, or none any more.

    ``code`` is AssemblyAI's error_code, the HTTP status of a refused upgrade, or the close code; ``frame`` is its
    Error frame as it came, empty without one.
    """

    def __init__(self, code: int, text: str, frame: str = "") -> None:
        super().__init__(text)
        self.code, self.text, self.frame = code, text, frame

    @property
    def permanent(self) -> bool:
        """Whether another connection would fare no better."""
        return self.code in _PERMANENT or (400 <= self.code < 500 and self.code not in _PASSING_STATUS)


class Upstream:
    """Where the service is.

    Args:
        url: without a query, ``wss://streaming.assemblyai.com/v3/ws``.
        key: sent as ``Authorization``.
    """

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key

    async def open(self, query: str, headers: Mapping[str, str]) -> ClientConnection:
        """Open a session as the framework asked for it, with its headers in lower case.

        Raises:
            Failure: the service refused, or could not be reached (503).
        """
        address = urlsplit(self._url)
        try:
            return await connect(
                f"{self._url}?{query}",
                additional_headers={
                    "Authorization": self._key,
                    **{name: headers[name] for name in _PASSED_ON if name in headers},
                },
                user_agent_header=headers.get("user-agent"),
                open_timeout=_OPEN_S,
                close_timeout=1,
                ping_timeout=_PONG_S,
                compression=None,
                max_size=_MAX_MESSAGE,
                proxy=None if address.hostname in ("127.0.0.1", "localhost") else True,
            )
        except InvalidStatus as error:
            raise Failure(error.response.status_code, _refusal(error.response.status_code)) from error
        except (OSError, WebSocketException, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise Failure(503, f"{address.netloc} cannot be reached ({reason})") from error


async def hear(session: ClientConnection, take: Take) -> Failure | None:
    """Hear a session to its end; returns why it ended, None after a Termination.

    ``take`` is given each message as it came and, if it is text, as an object; it is not given an Error.
    """
    failure: Failure | None = None
    terminated = beating = False
    silent_s = 0.0

    def give_up(after_s: float) -> None:
        nonlocal silent_s
        silent_s = after_s
        session.transport.abort()

    call_later = asyncio.get_running_loop().call_later
    watch = call_later(_FIRST_WORD_S, give_up, _FIRST_WORD_S)
    try:
        async for data in session:
            watch.cancel()
            if beating:
                watch = call_later(_SILENT_S, give_up, _SILENT_S)
            if isinstance(data, bytes):
                await take(data, None)
                continue
            message = object_of(data)
            kind = message.get("type")
            if kind == "Error":
                code = message.get("error_code")
                failure = Failure(code if isinstance(code, int) else 0, str(message.get("error"))[:1000], data)
                watch.cancel()
                watch = call_later(_AFTER_ERROR_S, give_up, _AFTER_ERROR_S)
                continue
            terminated = terminated or kind == "Termination"
            beating = beating or kind == "Heartbeat"
            await take(data, message)
    except ConnectionClosed:
        pass
    finally:
        watch.cancel()
    if failure is not None or terminated:
        return failure
    code = session.close_code or 1006
    if silent_s:
        return Failure(code, f"the session said nothing for {silent_s:g} s")
    return Failure(code, session.close_reason or f"the connection closed without a word (code {code})")


def object_of(text: str) -> dict[str, Any]:
    """A JSON object; anything else inside one."""
    try:
        message = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {"text": text[:2000]}
    return message if isinstance(message, dict) else {"value": message}


def _refusal(status: int) -> str:
    if status in (401, 403):
        return "AssemblyAI refused the key: check ASSEMBLYAI_API_KEY"
    return f"AssemblyAI refused the connection with HTTP {status}"

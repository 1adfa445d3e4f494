"""A WebSocket that carries sound and JSON, opened anew whenever it breaks off; what a line needs of the engine."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

MAX_MESSAGE = 12 + 48_000 * 2
_PAUSES_S = (0.2, 0.5, 1.0, 1.0, 2.0)
_FINAL = {401, 403, 404, 409}
_POLICY, _SHORT_S = 1008, 5.0
_PING_S, _PONG_S = 2.0, 4.0
_OPEN_S, _CLOSE_S = 5.0, 1.0
_UNSENT_AUDIO, _UNSENT_TEXTS = 10, 64
_UNSENT_BYTES = 4096
_KERNEL_BYTES = 16 * 1024


class Devices(Protocol):
    """What the engine is to a line."""

    @property
    def speaker_delay_ms(self) -> float: ...
    def add_source(self, source: Any) -> None: ...
    def remove_source(self, source: Any) -> None: ...
    def add_sink(self, sink: Any) -> None: ...
    def remove_sink(self, sink: Any) -> None: ...


class Face(Protocol):
    """Who speaks over a link; nothing here may wait."""

    def opened(self) -> None:
        """The connection is there, for the first time or again."""

    def text(self, message: dict[str, Any]) -> None: ...

    def audio(self, message: bytes) -> None:
        """Raises ValueError for what is no audio: the link ends."""

    def broke(self, reason: str) -> None:
        """There is no connection, said once until it is opened; another try follows."""

    def refused(self, reason: str) -> None:
        """There will be no connection; the link has ended."""


class Link:
    """To ``path`` of the HTTP service at ``url``; ``peer`` names it in sentences.

    What the network does not take is not kept: of audio the last 200 ms, of texts 64, and of neither anything
    when the connection breaks. A dead network is noticed within 6 s.
    """

    def __init__(self, url: str, path: str, token: str, peer: str, face: Face) -> None:
        self._url = f"ws{url.removeprefix('http').rstrip('/')}{path}"
        self._where = f"{peer} at {urlsplit(url).netloc or url}"
        self._peer, self._token, self._face = peer, token, face
        self._audio: deque[bytes] = deque(maxlen=_UNSENT_AUDIO)
        self._texts: deque[str] = deque(maxlen=_UNSENT_TEXTS)
        self._unsent = asyncio.Event()
        self._connection: ClientConnection | None = None
        self._broken = False
        self._task: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        return self._connection is not None

    @property
    def round_trip_s(self) -> float:
        """As the last ping found it; 0 before the first."""
        return 0.0 if self._connection is None else self._connection.latency

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"link to {self._peer}")
        self._task.add_done_callback(self._failed)

    def stop(self) -> None:
        """Close the connection soon, and open none again."""
        if self._task is not None:
            self._task.cancel()

    async def close(self) -> None:
        """As :meth:`stop`, and wait for it."""
        self.stop()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def send(self, message: dict[str, Any], *, first: bool = False) -> None:
        """``first``: before all that waits."""
        text = msgspec.json.encode(message).decode()
        if first:
            self._texts.appendleft(text)
        else:
            self._texts.append(text)
        self._unsent.set()

    def send_audio(self, message: bytes) -> None:
        """Dropped while there is no connection."""
        if self._connection is not None:
            self._audio.append(message)
            self._unsent.set()

    def _failed(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._face.refused(f"The connection to {self._peer} failed ({error!r}): report this.")

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                opened, reason = await self._connected()
            except _Final as error:
                self._forget()
                self._face.refused(str(error))
                return
            failures = 0 if opened else failures + 1
            self._forget()
            if not self._broken:
                self._broken = True
                self._face.broke(reason)
            await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])

    async def _connected(self) -> tuple[bool, str]:
        """Whether there was a connection, and why there is none any more."""
        try:
            connection = await connect(
                self._url,
                additional_headers={"Authorization": f"Bearer {self._token}"},
                proxy=None,
                compression=None,
                max_size=MAX_MESSAGE,
                open_timeout=_OPEN_S,
                close_timeout=_CLOSE_S,
                ping_interval=_PING_S,
                ping_timeout=_PONG_S,
                write_limit=_UNSENT_BYTES,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            reason = _error_of(error.response.body) or f"{self._where} answered {status}{_hint(status)}."
            if status in _FINAL:
                raise _Final(reason) from error
            return False, reason
        except (OSError, TimeoutError, WebSocketException, ValueError):
            return False, f"{self._where} does not answer."
        try:
            return True, await self._talk(connection)
        finally:
            self._connection = None
            await connection.close()

    async def _talk(self, connection: ClientConnection) -> str:
        # Sound that waits in the kernel for a slow network would only arrive late.
        raw = connection.transport.get_extra_info("socket")
        for direction in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            raw.setsockopt(socket.SOL_SOCKET, direction, _KERNEL_BYTES)
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._connection, self._broken = connection, False
        self._face.opened()
        sending = asyncio.create_task(self._send(connection))
        try:
            async for message in connection:
                self._take(message)
        except ConnectionClosed:
            pass
        except ValueError as error:
            raise _Final(f"{self._where} sent {error}: it is of another version.") from error
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        code, said = connection.close_code or 1006, connection.close_reason
        # Later it says that this process did not read for a while.
        unfit = code == _POLICY and loop.time() - began < _SHORT_S
        if unfit or code - 4000 in _FINAL:
            raise _Final(said or f"{self._where} refused{_hint(code - 4000)}.")
        return f"The connection to {self._peer} broke off{f': {said}' if said else ''}."

    def _take(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self._face.audio(message)
            return
        try:
            decoded = msgspec.json.decode(message)
        except msgspec.DecodeError as error:
            raise ValueError("a text that is no JSON") from error
        if isinstance(decoded, dict):
            self._face.text(decoded)

    async def _send(self, connection: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._unsent.wait()
                self._unsent.clear()
                while self._texts or self._audio:
                    await connection.send(self._texts.popleft() if self._texts else self._audio.popleft())

    def _forget(self) -> None:
        self._texts.clear()
        self._audio.clear()


class _Final(Exception):
    """Trying again would not help."""


def _hint(status: int) -> str:
    return {
        401: ": the token is missing or wrong",
        403: ": the token is missing or wrong",
        404: ": there is no such call",
        409: ": it cannot be done now",
    }.get(status, "")


def _error_of(body: bytes | bytearray | None) -> str:
    try:
        found = msgspec.json.decode(bytes(body or b""))
    except msgspec.DecodeError:
        return ""
    said = found.get("error") if isinstance(found, dict) else None
    said = said.get("message") if isinstance(said, dict) else said
    return said[:300] if isinstance(said, str) else ""

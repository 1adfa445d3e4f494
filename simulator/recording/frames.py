"""The raw frames of one media stream as NDJSON, with their times.

The first line is a `Head`. Every other line has `t_ns`, nanoseconds since the socket opened, `dir`, which is
`sent` towards the application and `received` from it, and one of `frame` (a text), `b64` (a binary message) and
`close` (the code with which that side closed the socket).
"""

from __future__ import annotations

import base64
import dataclasses
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic_ns
from typing import Any, Final, Literal

import msgspec

from simulator.addresses import shown
from simulator.recording.disk import Disk, Output
from simulator.telnyx.identifiers import timestamp
from simulator.telnyx.media.options import StreamOptions

VERSION: Final = 1
TOKEN_PLACEHOLDER: Final = "sidetone-hidden-stream-auth-token"
_TOKEN_FIELD: Final = "x-telnyx-streaming-auth-token"
_TOKEN: Final = re.compile(rf'("{_TOKEN_FIELD}"\s*:\s*)"(?:[^"\\]|\\.)*"')
_STOP: Final = re.compile(r'\s*\{\s*"event"\s*:\s*"stop"')
_SHORTEST_SECRET: Final = 8
"""A shorter token is hidden in its own field only: elsewhere its letters mean nothing."""
_FLUSH_BYTES: Final = 64 * 1024
_FLUSH_NS: Final = 1_000_000_000
_MOST_BYTES: Final = 512 * 1024 * 1024

Direction = Literal["sent", "received"]

_encode = msgspec.json.encode


class Head(msgspec.Struct, forbid_unknown_fields=True):
    """What a replay has to know. `url` is shortened; `auth_token` says whether there was one."""

    sidetone_frames: int
    url: str
    started_at: str
    auth_token: bool = False
    options: dict[str, Any] = {}


class Line(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    t_ns: int
    dir: Direction
    frame: str | None = None
    b64: str | None = None
    close: int | None = None


def head_of(options: StreamOptions, started_at: datetime | None = None) -> Head:
    """The head of a stream with these options; addresses are shortened and the token is left out."""
    kept = dataclasses.asdict(options)
    del kept["url"], kept["auth_token"]
    if kept.get("status_callback"):
        kept["status_callback"] = shown(kept["status_callback"])
    return Head(
        sidetone_frames=VERSION,
        url=shown(options.url),
        started_at=timestamp(started_at or datetime.now(UTC)),
        auth_token=options.auth_token is not None,
        options=kept,
    )


class FrameRecorder:
    """Fed from the loop of the socket, which it never blocks. Time starts when the object is made."""

    def __init__(
        self,
        path: Path,
        head: Head,
        disk: Disk,
        on_problem: Callable[[str], None],
        *,
        auth_token: str | None = None,
        clock: Callable[[], int] = monotonic_ns,
    ) -> None:
        """`auth_token` is kept off the disk wherever it occurs. `clock` counts nanoseconds."""
        self._output = Output(disk, f"The record of frames {path.name}", on_problem)
        self._file = _Append(path)
        self._name = path.name
        self._clock = clock
        self._opened = self._flushed = clock()
        self._hide = _Hider(auth_token)
        self._stopped = False
        self._lines = [_encode(head)]
        self._waiting = len(self._lines[0])
        self._bytes = 0
        self._output.hand_over(self._file.open, 0)

    def sent(self, text: str | bytes) -> None:
        self._stopped = isinstance(text, str) and _STOP.match(text) is not None
        self._note("sent", text)

    def received(self, message: str | bytes) -> None:
        self._note("received", message)

    def closed(self, side: Direction, code: int) -> None:
        """Who closed the socket first, and with which code."""
        self._add(Line(self._clock() - self._opened, side, close=code))

    def ended(self, code: int) -> None:
        """The socket is closed: by Telnyx when its last frame was `stop`, otherwise by the application."""
        self.closed("sent" if self._stopped else "received", code)

    async def close(self) -> None:
        """Write what is left and close the file; returns when that is done."""
        self._flush()
        await self._output.close(self._file.close)

    def _note(self, direction: Direction, message: str | bytes) -> None:
        t_ns = self._clock() - self._opened
        if isinstance(message, str):
            self._add(Line(t_ns, direction, frame=self._hide.text(message)))
        else:
            data = base64.b64encode(self._hide.data(message)).decode()
            self._add(Line(t_ns, direction, b64=data))

    def _add(self, line: Line) -> None:
        encoded = _encode(line)
        if self._bytes + self._waiting + len(encoded) > _MOST_BYTES:
            size = _MOST_BYTES // 1024 // 1024
            self._output.problem(f"The record of frames {self._name} is full at {size} MB; the rest is not in it.")
            return
        self._lines.append(encoded)
        self._waiting += len(encoded)
        if self._waiting >= _FLUSH_BYTES or self._clock() - self._flushed >= _FLUSH_NS:
            self._flush()

    def _flush(self) -> None:
        if self._lines:
            data = b"\n".join(self._lines) + b"\n"
            self._output.hand_over(partial(self._file.write, data), len(data))
            self._bytes += len(data)
            self._lines, self._waiting = [], 0
        self._flushed = self._clock()


class _Hider:
    """Puts the placeholder where the token was and leaves every other character as it is."""

    def __init__(self, token: str | None) -> None:
        secret = token if token and len(token) >= _SHORTEST_SECRET else None
        self._secrets = () if secret is None else (secret, _encode(secret)[1:-1].decode())

    def text(self, text: str) -> str:
        if _TOKEN_FIELD in text:
            text = _TOKEN.sub(rf'\1"{TOKEN_PLACEHOLDER}"', text)
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, TOKEN_PLACEHOLDER)
        return text

    def data(self, data: bytes) -> bytes:
        for secret in self._secrets:
            data = data.replace(secret.encode(), TOKEN_PLACEHOLDER.encode())
        return data


class _Append:
    """The file on the disk's thread. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = None

    def open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("wb", buffering=0)

    def write(self, data: bytes) -> None:
        if self._file is None:
            raise OSError("the file is not open")
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) or 0 :]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

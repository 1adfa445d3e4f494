"""A record of frames, read back and checked line by line."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from simulator.recording.frames import TOKEN_PLACEHOLDER, VERSION, Head, Line

_MOST_FILE_BYTES: Final = 512 * 1024 * 1024
_MOST_LINE_BYTES: Final = 32 * 1024 * 1024
_MOST_NS: Final = 24 * 3600 * 1_000_000_000
_CLOSE_CODES: Final = range(1000, 5000)

_head_decoder: Final = msgspec.json.Decoder(Head)
_line_decoder: Final = msgspec.json.Decoder(Line)


class ReplayError(Exception):
    """A record that cannot be played again; one sentence with the file, the line and what to do."""


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A message that Telnyx sent `at_ns` nanoseconds after the socket opened."""

    at_ns: int
    message: str | bytes


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """What to send, in order of time. `close_at_ns` None: the application closed the socket, or nobody saw it."""

    frames: tuple[TimedFrame, ...]
    auth_token: str | None = None
    close_at_ns: int | None = None
    close_code: int = 1000


@dataclass(frozen=True, slots=True)
class Replay:
    """A whole record. `received` counts the application's frames."""

    path: Path
    head: Head
    sent: tuple[TimedFrame, ...]
    received: int
    close_at_ns: int | None
    close_code: int

    @classmethod
    def load(cls, path: Path) -> Replay:
        """Read and check every line; blocks for as long as that takes. Raises ReplayError."""
        try:
            size = path.stat().st_size
            if size > _MOST_FILE_BYTES:
                raise ReplayError(f"{path} is longer than {_MOST_FILE_BYTES // 1024**2} MB; replay a shorter one.")
            return _read(path)
        except OSError as error:
            raise ReplayError(f"{path} cannot be read: {error.strerror or error}; check the path.") from None

    def plan(self, auth_token: str | None = None) -> ReplayPlan:
        """What to send now, with the token of this run in the place of the recorded one.

        Raises ReplayError when the recorded stream had a token and this run has none.
        """
        if self.head.auth_token and auth_token is None:
            raise ReplayError(
                f"The stream of {self.path} had a stream_auth_token, which is not kept on disk: give it with "
                "--auth-token-file."
            )
        frames = self.sent
        if auth_token is not None:
            frames = tuple(TimedFrame(frame.at_ns, _with_token(frame.message, auth_token)) for frame in frames)
        return ReplayPlan(frames, auth_token, self.close_at_ns, self.close_code)


def _with_token(message: str | bytes, token: str) -> str | bytes:
    if isinstance(message, bytes):
        return message.replace(TOKEN_PLACEHOLDER.encode(), token.encode())
    escaped = msgspec.json.encode(token)[1:-1].decode()
    return message.replace(TOKEN_PLACEHOLDER, escaped)


def _read(path: Path) -> Replay:
    lines = _lines(path)
    head = _head(path, next(lines, b""))
    sent: list[TimedFrame] = []
    received = 0
    close_at, close_code = None, 1000
    before = 0
    for number, raw in enumerate(lines, start=2):
        line = _line(path, number, raw)
        if line.t_ns < before:
            raise _bad(path, number, "goes back in time", "put the lines back into their order")
        before = line.t_ns
        if line.dir == "received":
            received += line.close is None
        elif line.close is not None:
            close_at, close_code = line.t_ns, line.close
        elif close_at is not None:
            raise _bad(path, number, "is sent after the socket was closed", "remove the line")
        else:
            sent.append(TimedFrame(line.t_ns, _message(path, number, line)))
    return Replay(path, head, tuple(sent), received, close_at, close_code)


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(_MOST_LINE_BYTES):
            number += 1
            if not raw.endswith(b"\n"):
                if len(raw) == _MOST_LINE_BYTES:
                    raise _bad(path, number, f"is longer than {_MOST_LINE_BYTES // 1024**2} MB", "remove the line")
                raise _bad(path, number, "was cut off before its end", "remove the line")
            yield raw


def _head(path: Path, raw: bytes) -> Head:
    try:
        head = _head_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _bad(path, 1, "is not the head of a record of frames", "give a file that --record wrote") from None
    if head.sidetone_frames != VERSION:
        raise _bad(path, 1, f"says format {head.sidetone_frames}", f"record again; this Sidetone reads {VERSION}")
    return head


def _line(path: Path, number: int, raw: bytes) -> Line:
    try:
        line = _line_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _bad(path, number, f"is not a frame: {error}", "repair or remove the line") from None
    if not 0 <= line.t_ns <= _MOST_NS:
        raise _bad(path, number, "has a t_ns outside of 0 to 24 hours", "repair or remove the line")
    if sum(part is not None for part in (line.frame, line.b64, line.close)) != 1:
        raise _bad(path, number, "must have one of frame, b64 and close", "repair or remove the line")
    if line.close is not None and line.close not in _CLOSE_CODES:
        raise _bad(path, number, "has a close code outside of 1000 to 4999", "repair or remove the line")
    return line


def _message(path: Path, number: int, line: Line) -> str | bytes:
    if line.frame is not None:
        return line.frame
    try:
        return base64.b64decode(line.b64 or "", validate=True)
    except (binascii.Error, ValueError):
        raise _bad(path, number, "has a b64 that is not base64", "repair or remove the line") from None


def _bad(path: Path, number: int, what: str, fix: str) -> ReplayError:
    return ReplayError(f"{path}, line {number} {what}; {fix}.")

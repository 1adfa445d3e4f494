"""The recordings of an account: files in one directory, kept bounded, and addresses that expire."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import secrets
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from simulator.telnyx.facts import CallFacts

log = logging.getLogger(__name__)

LINK_LIFE: Final = timedelta(minutes=10)
"""Telnyx's `recording_urls` are valid for 10 minutes (event `call.recording.saved`)."""
MOST_RECORDINGS: Final = 1000
MOST_BYTES: Final = 2 * 1024**3
_SUFFIXES: Final = {".wav", ".mp3", ".part"}


Initiator = Literal["DialVerb", "OutboundAPI", "RecordVerb", "StartCallRecordingAPI", "Trunking", "Conference"]
"""Values of `initiated_by` (type `RecordingResponseData` of the telnyx package 4.189)."""


class LinkRefused(Exception):
    """A download address that is not, or no longer, good; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A finished file. `duration_ms` is that of the audio; pauses and trimmed silence are not in it."""

    id: str
    path: Path
    size: int
    format: Literal["wav", "mp3"]
    channels: Literal["single", "dual"]
    duration_ms: int
    started_at: datetime
    ended_at: datetime
    facts: CallFacts
    initiated_by: Initiator = "StartCallRecordingAPI"


class Recordings:
    """Keeps the newest recordings, by count and bytes; the files of earlier runs count and go first."""

    def __init__(
        self,
        directory: Path,
        base_url: Callable[[], str],
        *,
        most: int = MOST_RECORDINGS,
        most_bytes: int = MOST_BYTES,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`base_url` gives where the simulator listens, without a slash at its end."""
        self.directory = directory
        self.now = now
        self._base_url = base_url
        self._most = most
        self._most_bytes = most_bytes
        self._kept: dict[str, Recording] = {}
        self._key = secrets.token_bytes(32)
        self._earlier = _files(directory)
        self._bytes = sum(size for _, size in self._earlier)

    def add(self, recording: Recording) -> None:
        self._kept[recording.id] = recording
        self._bytes += recording.size
        while len(self._kept) + len(self._earlier) > self._most or self._bytes > self._most_bytes:
            if self._earlier:
                path, size = self._earlier.popleft()
                self._bytes -= size
                _unlink(path)
            elif len(self._kept) > 1:
                self.remove(next(iter(self._kept)))
            else:
                # The one recording that is there is kept, however long it is.
                return

    def get(self, recording_id: str) -> Recording | None:
        return self._kept.get(recording_id)

    def newest_first(self) -> list[Recording]:
        return list(reversed(self._kept.values()))

    def remove(self, recording_id: str) -> Recording | None:
        """Forget a recording and delete its file; returns what it was."""
        recording = self._kept.pop(recording_id, None)
        if recording is not None:
            self._bytes -= recording.size
            _unlink(recording.path)
        return recording

    def urls(self, recording: Recording) -> dict[str, str]:
        """A new address for the file, by format; good for 10 minutes, for whoever knows it."""
        expires = int((self.now() + LINK_LIFE).timestamp())
        body = uuid.UUID(recording.id).bytes + expires.to_bytes(6, "big")
        token = base64.urlsafe_b64encode(body + self._seal(body)).decode()
        return {recording.format: f"{self._base_url()}/recordings/{token}.{recording.format}"}

    def linked(self, name: str) -> Recording | None:
        """The recording that `name`, the last part of an address, leads to; None when it was deleted.

        Raises LinkRefused.
        """
        token, _, suffix = name.rpartition(".")
        try:
            data = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            data = b""
        body, seal = data[:22], data[22:]
        if not hmac.compare_digest(seal, self._seal(body)) or len(body) != 22:
            raise LinkRefused("This address leads to no recording; take it from the event or from /v2/recordings.")
        if self.now().timestamp() > int.from_bytes(body[16:], "big"):
            raise LinkRefused("This address was valid for 10 minutes; ask /v2/recordings for a new one.")
        recording = self._kept.get(str(uuid.UUID(bytes=body[:16])))
        return recording if recording is not None and recording.format == suffix else None

    def _seal(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, hashlib.sha256)


def _files(directory: Path) -> deque[tuple[Path, int]]:
    """Recordings that an earlier run left, oldest first."""
    found: list[tuple[float, Path, int]] = []
    try:
        for path in directory.iterdir():
            if path.suffix in _SUFFIXES and path.is_file() and _is_uuid(path.stem):
                stat = path.stat()
                found.append((stat.st_mtime, path, stat.st_size))
    except FileNotFoundError:
        return deque()
    except OSError as error:
        log.warning("The recordings of earlier runs cannot be read: %s; check their directory.", error)
    return deque((path, size) for _, path, size in sorted(found))


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("The recording %s could not be deleted: %s.", path, error.strerror or error)

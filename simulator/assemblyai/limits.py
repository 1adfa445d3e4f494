"""What the service bears of a client: how many sessions, how long, and audio in which pieces and how fast."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from simulator.assemblyai.errors import INPUT_DURATION, SessionRefused

SHORTEST_MESSAGE_MS: Final = 50
LONGEST_MESSAGE_MS: Final = 1000
SHORT_MESSAGES_BORNE: Final = 48
"""The service was seen to bear messages that are too short for about a second (2026-09-24)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`sessions` at once; then seconds of wall time: a session's longest, between Heartbeats, and that audio may
    be ahead of the clock. `message_bytes` is the most of one WebSocket message."""

    sessions: int = 1000
    session_seconds: float = 10_800
    heartbeat_seconds: float = 5
    ahead_seconds: float = 300
    message_bytes: int = 128 * 1024

    @classmethod
    def from_environment(cls) -> Limits:
        """`SIDETONE_STT_SESSIONS` is the number of sessions at once. Raises ValueError."""
        sessions = os.environ.get("SIDETONE_STT_SESSIONS", "")
        if not sessions:
            return cls()
        if not (sessions.isascii() and sessions.isdigit() and 1 <= len(sessions) <= 6):
            raise ValueError(f"SIDETONE_STT_SESSIONS must be a number of sessions, not {sessions[:40]!r}.")
        return cls(sessions=int(sessions))


class Intake:
    """Judges the audio of one session message by message."""

    def __init__(self, limits: Limits, *, timed: bool) -> None:
        """`timed`: whether the length of each message is the client's choice, which it is not with codecs."""
        self._limits = limits
        self._timed = timed
        self._short = 0
        self._total_ms = 0.0

    def check(self, message_ms: float, elapsed_seconds: float) -> None:
        """The next message, so many seconds after the session began. Raises SessionRefused."""
        self._total_ms += message_ms
        if self._timed:
            self._short = self._short + 1 if message_ms < SHORTEST_MESSAGE_MS else 0
            if message_ms > LONGEST_MESSAGE_MS or self._short > SHORT_MESSAGES_BORNE:
                raise SessionRefused(
                    INPUT_DURATION,
                    f"Input Duration Error: Input Duration Violation: {message_ms:.1f} ms. "
                    f"Expected between {SHORTEST_MESSAGE_MS} and {LONGEST_MESSAGE_MS} ms",
                )
        if self._total_ms / 1000 > elapsed_seconds + self._limits.ahead_seconds:
            raise SessionRefused(
                INPUT_DURATION,
                f"Audio Transmission Rate Exceeded: Received {self._total_ms / 1000:.1f} sec. audio in "
                f"{elapsed_seconds:.1f} sec",
            )

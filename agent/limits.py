"""What keeps a mistake from costing money: which numbers may be dialled, and how many calls there may be."""

from __future__ import annotations

import time
from collections import deque

from agent.numbers import check_number
from agent.settings import Settings

_HOUR_S = 3600.0


class Refused(Exception):
    """A request that cannot be done; the text says why. ``status`` is the HTTP status for it."""

    def __init__(self, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.status = status


class Limits:
    """The limits of one agent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._recent: deque[float] = deque()

    def number(self, text: str) -> str:
        """The number in E.164.

        Raises:
            Refused: it is no number, or the settings forbid to dial it.
        """
        number = check_number(text)
        if number is None:
            raise Refused(f"{text} is not a telephone number: write it as +15550100123.")
        prefixes = self._settings.allowed_prefixes
        if not any(prefix == "*" or number.startswith(prefix) for prefix in prefixes):
            raise Refused(
                f"Calls to {number} are not allowed: add its prefix to SIDETONE_ALLOWED_PREFIXES "
                f"({' '.join(prefixes)})."
            )
        return number

    def check_room(self, live: int) -> None:
        """Whether one more call may begin beside ``live`` others.

        Raises:
            Refused: too many at once, or in the last hour.
        """
        most, per_hour = self._settings.max_calls, self._settings.max_calls_per_hour
        if live >= most:
            raise Refused(f"{live} calls are live, the limit is SIDETONE_MAX_CALLS={most}.", 429)
        while self._recent and self._recent[0] < time.monotonic() - _HOUR_S:
            self._recent.popleft()
        if len(self._recent) >= per_hour:
            raise Refused(
                f"{len(self._recent)} calls began in the last hour, "
                f"the limit is SIDETONE_MAX_CALLS_PER_HOUR={per_hour}.",
                429,
            )

    def count(self) -> None:
        """A call begins."""
        self._recent.append(time.monotonic())

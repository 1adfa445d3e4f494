"""Messages sent again over UDP until they are answered (RFC 3261, timers A, E and G): aiosipua leaves it out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

_FIRST: Final = 0.5
_LONGEST: Final = 4.0
_FOR: Final = 32.0
"""Seconds: T1, T2 and 64 times T1."""
_MOST: Final = 4000

Key = tuple[str, str]


class Repeats:
    """What waits for an answer, by its branch and method. More than 4,000 at once are not sent again."""

    def __init__(self) -> None:
        self._waiting: dict[Key, asyncio.TimerHandle] = {}

    def add(self, key: Key, send: Callable[[], None], *, up_to: float = _LONGEST) -> None:
        """Call `send` again after 0.5 s, 1 s, 2 s … (`up_to` at most), for 32 s or until `settle`."""
        self.settle(key)
        if len(self._waiting) < _MOST:
            self._wait(key, send, _FIRST, _FIRST, up_to)

    def settle(self, key: Key) -> None:
        """It was answered; what does not wait is settled already."""
        waiting = self._waiting.pop(key, None)
        if waiting is not None:
            waiting.cancel()

    def close(self) -> None:
        for waiting in self._waiting.values():
            waiting.cancel()
        self._waiting.clear()

    def _wait(self, key: Key, send: Callable[[], None], pause: float, elapsed: float, up_to: float) -> None:
        def again() -> None:
            del self._waiting[key]
            if elapsed < _FOR:
                send()
                following = min(pause * 2, up_to)
                self._wait(key, send, following, elapsed + following, up_to)

        self._waiting[key] = asyncio.get_running_loop().call_later(pause, again)

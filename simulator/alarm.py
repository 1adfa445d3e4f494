"""Waking the event loop at a point in time, as precisely as the system allows.

Timers of event loops count whole milliseconds, which moves 20 ms frames by up to half of one either way. Linux'
timerfd wakes a loop within 0.1 ms, at the same cost.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import struct
import sys
from collections.abc import Callable
from time import monotonic
from typing import Final, Protocol

_CLOCK_MONOTONIC: Final = 1
_TFD_FLAGS: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_TFD_TIMER_ABSTIME: Final = 1
_ITIMERSPEC: Final = struct.Struct("@llll")
"""Interval and value, each in seconds and nanoseconds."""


class Alarm(Protocol):
    """Calls back once per `set`; a later `set` takes the place of the one before."""

    early: float
    """Seconds by which it may come too soon."""

    def set(self, when: float) -> None:
        """`when`: on the clock of `time.monotonic`; a time that is over means at once."""
        ...

    def close(self) -> None: ...


def alarm(ring: Callable[[], None]) -> Alarm:
    """The best alarm there is on the running loop."""
    loop = asyncio.get_running_loop()
    if sys.platform == "linux":
        try:
            return _FileAlarm(loop, ring)
        except (OSError, AttributeError, NotImplementedError):
            # A C library without timerfd, no free file descriptor, or a loop that watches no files.
            pass
    return _LoopAlarm(loop, ring)


class _FileAlarm:
    early = 0.00005

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        # `os.timerfd_create` came with Python 3.13.
        libc = ctypes.CDLL(None, use_errno=True)
        self._settime = libc.timerfd_settime
        self._file: int = libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_FLAGS)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._loop = loop
        self._ring = ring
        try:
            loop.add_reader(self._file, self._due)
        except NotImplementedError:
            os.close(self._file)
            raise

    def set(self, when: float) -> None:
        seconds, rest = divmod(max(when, 0.0), 1.0)
        # A value of zero would disarm it.
        spec = _ITIMERSPEC.pack(0, 0, int(seconds), max(1, int(rest * 1e9)))
        if self._settime(self._file, _TFD_TIMER_ABSTIME, spec, None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def close(self) -> None:
        self._loop.remove_reader(self._file)
        os.close(self._file)

    def _due(self) -> None:
        try:
            os.read(self._file, 8)
        except BlockingIOError:
            # It was set anew between the wake-up and here.
            return
        self._ring()


class _LoopAlarm:
    early = 0.0006

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None

    def set(self, when: float) -> None:
        self.close()
        self._timer = self._loop.call_later(max(0.0, when - monotonic()), self._ring)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

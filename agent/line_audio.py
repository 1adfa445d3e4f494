"""Who hears a line besides the agent and the caller: operators who listen, and the recording. Pure.

Costs nothing while nobody does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from agent.line_meter import Samples


class Listener(Protocol):
    """``now`` is monotonic nanoseconds. It must neither wait nor keep more than it needs."""

    def caller(self, now: int, samples: Samples) -> None:
        """The caller's voice arrived, at the rate of the line's ``hears``."""

    def agent(self, now: int, samples: Samples, by_operator: bool) -> None:
        """Audio goes to the caller, at the rate of the line's ``speaks``, perhaps ahead of its time: it is played
        after what was sent before it."""

    def cleared(self, now: int) -> None:
        """What has been sent and not yet played is dropped."""


class LineAudio:
    """The listeners of one line. One that fails is let go of and told to ``failed``: the call goes on."""

    def __init__(self, failed: Callable[[Listener, Exception], object]) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._failed = failed

    def add(self, listener: Listener) -> None:
        self._listeners = (*self._listeners, listener)

    def remove(self, listener: Listener) -> None:
        """One that is not there is fine."""
        self._listeners = tuple(one for one in self._listeners if one is not listener)

    def caller(self, now: int, samples: Samples) -> None:
        for listener in self._listeners:
            try:
                listener.caller(now, samples)
            except Exception as error:
                self._drop(listener, error)

    def agent(self, now: int, samples: Samples, by_operator: bool) -> None:
        for listener in self._listeners:
            try:
                listener.agent(now, samples, by_operator)
            except Exception as error:
                self._drop(listener, error)

    def cleared(self, now: int) -> None:
        for listener in self._listeners:
            try:
                listener.cleared(now)
            except Exception as error:
                self._drop(listener, error)

    def _drop(self, listener: Listener, error: Exception) -> None:
        self.remove(listener)
        self._failed(listener, error)

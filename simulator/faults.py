"""Faults that a test or an operator asks the stand-ins to show."""

from __future__ import annotations

from typing import Literal

import msgspec

Where = Literal["connect", "after_ms", "final", "request"]

MAX_FINAL_MS = 60_000


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that goes wrong.

    `where`: `connect` refuses a WebSocket, `after_ms` breaks an open one, `final` delays a final transcript,
    `request` answers an HTTP request.
    `after_ms`: milliseconds of audio (`after_ms`), or of wall time before the answer (all others).
    `code`: 400 to 599 is an HTTP status, 1000 to 4999 a WebSocket close code, 200 the usual answer (but
    late), 0 no answer at all.
    `text`: what the service says; empty means the service's documented text for that code.
    `times`: how many connections, finals or requests are hit before the fault is gone.

    Raises ValueError with one sentence when a value makes no sense.
    """

    where: Where
    after_ms: int = 0
    code: int = 0
    text: str = ""
    times: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.after_ms <= 3_600_000:
            raise ValueError(f"after_ms must be between 0 and 3600000, not {self.after_ms}.")
        if not (self.code in (0, 200) or 400 <= self.code <= 599 or 1000 <= self.code <= 4999):
            raise ValueError(f"code must be 0, 200, 400 to 599, or 1000 to 4999, not {self.code}.")
        if self.where == "after_ms" and 0 < self.code < 1000:
            raise ValueError(f"An open WebSocket ends with a close code from 1000, not with {self.code}.")
        if self.where == "final" and (self.code not in (0, 200) or not 0 < self.after_ms <= MAX_FINAL_MS):
            raise ValueError(f"A final comes late and has no code: set after_ms from 1 to {MAX_FINAL_MS}.")
        if self.code in (1004, 1005, 1006, 1015):
            raise ValueError(f"Close code {self.code} is reserved and cannot be sent; use 1011 for a crash.")
        if len(self.text) > 1000:
            raise ValueError("text must be at most 1,000 characters.")
        if not 1 <= self.times <= 1_000_000:
            raise ValueError(f"times must be between 1 and 1000000, not {self.times}.")


class Faults:
    """The faults now set: at most one per service and place."""

    def __init__(self) -> None:
        self._left: dict[tuple[str, Where], tuple[Fault, int]] = {}

    def set(self, service: str, fault: Fault) -> None:
        """Set `fault` for `service` (such as `assemblyai`, `openai`), in place of the one there."""
        self._left[service, fault.where] = (fault, fault.times)

    def take(self, service: str, where: Where) -> Fault | None:
        """The fault that hits this connection or request, which counts as one of its `times`."""
        found = self._left.get((service, where))
        if found is None:
            return None
        fault, left = found
        if left > 1:
            self._left[service, where] = (fault, left - 1)
        else:
            del self._left[service, where]
        return fault

    def clear(self) -> None:
        self._left.clear()

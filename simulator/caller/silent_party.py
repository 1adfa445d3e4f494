"""A line that was picked up and stays silent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from simulator.audio import FRAME_MS, Samples
from simulator.caller.hearing import is_voiced
from simulator.caller.party import HANG_UP, SILENCE, Said, rate_of
from simulator.telnyx.media.options import Codec


@dataclass(frozen=True, slots=True)
class Silent:
    """`max_seconds` after the answer it hangs up, if nobody else did."""

    max_seconds: int = 180


class SilentParty:
    beep_at_ms: int | None = None
    greeting_end_ms: int | None = None

    def __init__(self, silent: Silent, codec: Codec = "PCMU") -> None:
        self.codec: Codec = codec
        self.rate = rate_of(codec)
        self.warnings: list[str] = []
        self._left = silent.max_seconds * 1000 // FRAME_MS
        self._voiced = 0

    async def prepare(self) -> None:
        """There is nothing to prepare."""

    def prepared(self) -> Iterable[Said]:
        return ()

    def tick(self, heard: Samples | None) -> Said:
        if heard is not None:
            self._voiced += is_voiced(heard)
        self._left -= 1
        return HANG_UP if self._left == 0 else SILENCE

    def press(self, digit: str) -> None:
        """Nobody minds keys."""

    def close(self) -> None:
        self._left = 0

    def report(self) -> dict[str, Any]:
        return {"lines": [], "heard_ms": self._voiced * FRAME_MS}

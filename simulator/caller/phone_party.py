"""A person at a softphone: what they say comes from a microphone, and what is heard goes to their ear."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from time import monotonic
from typing import Any, Final, Protocol

from simulator.audio import FRAME_MS, Samples
from simulator.caller.hearing import is_voiced
from simulator.caller.jitter_buffer import JitterBuffer, Reception
from simulator.caller.party import Said, rate_of
from simulator.caller.voice import through_codec
from simulator.telnyx.media.options import Codec

MOST_KEYS: Final = 32
_KEY_TICKS: Final = 5
"""100 ms from one key to the next, however fast they are pressed."""
_STATS_TICKS: Final = 1000 // FRAME_MS


class Handset(Protocol):
    """What the call gives to the person's device, on the call's clock: none of it may block."""

    def play(self, heard: Samples | None) -> None:
        """The next 20 ms for the ear; None is silence. Comes every 20 ms from the answer on."""

    def key_arrives(self, digit: str) -> None: ...

    def receiving(self, reception: Reception) -> None:
        """Once a second: how the microphone's audio arrives."""


class PhoneParty:
    beep_at_ms: int | None = None
    greeting_end_ms: int | None = None

    def __init__(self, handset: Handset, codec: Codec = "PCMU") -> None:
        self.codec: Codec = codec
        self.rate = rate_of(codec)
        self.warnings: list[str] = []
        self._handset = handset
        self._buffer = JitterBuffer()
        self._keys: deque[str] = deque()
        self._ticks = 0
        self._key_from = 0
        self._voiced = 0

    async def prepare(self) -> None:
        """There is nothing to prepare."""

    def prepared(self) -> Iterable[Said]:
        return ()

    def speak(self, samples: Samples, sent: float) -> None:
        """20 ms from the microphone, `sent` by its own clock in seconds. Nobody hears it before the answer."""
        if self._ticks:
            self._buffer.push(samples, sent, monotonic())

    def dial(self, digit: str) -> bool:
        """Press a key; False when too many wait already."""
        if len(self._keys) >= MOST_KEYS:
            return False
        self._keys.append(digit)
        return True

    def tick(self, heard: Samples | None) -> Said:
        self._ticks += 1
        self._voiced += is_voiced(heard)
        self._handset.play(heard)
        if self._ticks % _STATS_TICKS == 0:
            self._handset.receiving(self._buffer.reception)
        said = self._buffer.take(monotonic())
        return Said(None if said is None else through_codec(said, self.codec), self._key())

    def press(self, digit: str) -> None:
        self._handset.key_arrives(digit)

    def close(self) -> None:
        self._keys.clear()

    def report(self) -> dict[str, Any]:
        """`microphone`: how its audio arrived."""
        reception = self._buffer.reception
        arrived = {"jitter_ms": round(reception.jitter_ms, 2), "lost": reception.lost, "late": reception.late}
        return {"lines": [], "heard_ms": self._voiced * FRAME_MS, "microphone": arrived}

    def _key(self) -> str | None:
        if not self._keys or self._ticks < self._key_from:
            return None
        self._key_from = self._ticks + _KEY_TICKS
        return self._keys.popleft()

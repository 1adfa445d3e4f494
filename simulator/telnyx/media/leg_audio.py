"""The audio of the telephone's side of a call."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.audio import FRAME_MS
from simulator.telnyx.media.options import Codec


@dataclass(frozen=True, slots=True)
class LegAudio:
    """What the phone leg negotiated: PCMU and PCMA at 8000 Hz, G722, OPUS and L16 at 16,000 Hz."""

    codec: Codec = "PCMU"
    rate: int = 8000

    @property
    def frame_samples(self) -> int:
        """Samples in 20 ms."""
        return self.rate * FRAME_MS // 1000

"""What may go wrong with a media stream on request; `simulator.line` decides when."""

from __future__ import annotations

from enum import Enum
from typing import Protocol


class SocketAction(Enum):
    """What happens to the WebSocket in a tick."""

    STALL = "stall"
    """Nothing is sent or read in this tick; the frames wait and go in one burst after the last stalled tick."""
    DROP = "drop"
    """The connection is reset: neither a stop frame nor a close frame."""
    STOP = "stop"
    """The stop frame, then the close frame, in the middle of the call."""


class StreamFaults(Protocol):
    """Asked once per 20 ms, `action` first. After STOP the stream is over; after DROP it reconnects if it may."""

    def action(self) -> SocketAction | None: ...

    def pass_frames(self, frames: list[str]) -> list[str]:
        """The media frames of this tick go in; those that arrive now come out, late ones of earlier ticks too."""
        ...

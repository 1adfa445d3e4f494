"""What carries calls: a line for the audio of one call, and how a call ends at its carrier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from agent.carriers.line_codec import LineFormat
from agent.line_audio import LineAudio
from agent.line_meter import Ear, Mouth, Samples


class CarrierError(Exception):
    """The carrier refused or did not answer. ``code`` is its error code, or empty."""

    def __init__(self, message: str, code: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.code, self.fix = code, fix


class Line(Protocol):
    """The audio of one call, open until :meth:`hear` says that it is over.

    ``hears`` and ``speaks`` are the formats of the two directions. Audio in bytes is little-endian int16 mono at
    the rate of ``speaks``. While ``held``, an operator has silenced the agent: what it says is dropped.
    ``on_audio_out`` is called with the time, monotonic nanoseconds, just before audio of the agent goes out.
    ``stop_reason`` tells how the line ended, once it has: ``stop`` when the other side ended it in order.
    """

    hears: LineFormat
    speaks: LineFormat
    ear: Ear
    mouth: Mouth
    audio: LineAudio
    held: bool
    stop_reason: str
    on_audio_out: Callable[[int], None]

    async def hear(self) -> Samples | str | None:
        """What comes next: the caller's samples or a key, None once the line is over. One reader at a time."""
        ...

    async def speak(self, audio: bytes) -> None:
        """Send the agent's voice; dropped while the line is held or over. The caller paces it: the line plays it
        after what was sent before."""
        ...

    async def spoken(self) -> None:
        """The agent's answer is complete: have the line tell when it was played."""
        ...

    async def operator_speaks(self, audio: bytes) -> None:
        """Send an operator's voice in the agent's place."""
        ...

    async def clear(self) -> None:
        """Drop what was sent and not yet played, if there is any."""
        ...

    async def finish(self) -> None:
        """Tell how the line ended and close it if it is still open."""
        ...

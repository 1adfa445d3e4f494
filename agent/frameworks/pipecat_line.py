"""Our line as Pipecat's serializer: what the line took becomes frames, and frames become what it sends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from pipecat.audio.dtmf.types import KeypadEntry
from pipecat.frames.frames import (
    AudioRawFrame,
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InputDTMFFrame,
    InterruptionFrame,
)
from pipecat.serializers.base_serializer import FrameSerializer

from agent.carriers.telnyx_line import TelnyxLine
from agent.carriers.telnyx_media import CLEAR
from agent.turns import Turns


class LineSerializer(FrameSerializer):
    """In the place of upstream's for Telnyx, which knows PCMU and PCMA alone and hangs up at a fixed address.

    The line has parsed, checked and decoded a message before Pipecat sees it, so nothing is done twice. Nothing is
    resampled: the pipeline runs at the rates of the line. A clear is only sent when there is something to drop,
    and none while an operator has silenced the agent: what is played then is theirs.
    """

    def __init__(self, line: TelnyxLine, turns: Turns, hang_up: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self._line = line
        self._turns = turns
        self._hang_up = hang_up
        self._hung_up = False
        self.interrupted = asyncio.Event()
        """Set once nothing that was queued before an interruption comes any more."""

    async def serialize(self, frame: Frame) -> str | None:
        match frame:
            case InterruptionFrame():
                self.interrupted.set()
                if self._line.held:
                    return None
                if not self._turns.speaking and not self._line.mouth.queue_ms(time.monotonic_ns()):
                    return None
                self._turns.interrupted(time.monotonic_ns())
                self._line.audio_is_cleared()
                return CLEAR
            case AudioRawFrame():
                return self._line.audio_goes_out(frame.audio)
            case EndFrame() | CancelFrame() if not self._hung_up:
                self._hung_up = True
                await self._hang_up()
            case _:
                pass
        return None

    async def deserialize(self, data: str | bytes) -> Frame | None:
        """The frame for the message that the line gave last, which is ``data``: a line has one reader."""
        taken = self._line.taken
        if not isinstance(taken, str):
            return InputAudioRawFrame(audio=taken.tobytes(), sample_rate=self._line.hears.rate, num_channels=1)
        try:
            return InputDTMFFrame(KeypadEntry(taken))
        except ValueError:
            # A to D are keys that few telephones have and Pipecat has no name for.
            return None

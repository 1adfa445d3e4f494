"""Pipecat's Telnyx serializer on our line: its own conversions, our counts and our hang-up."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import numpy as np
from pipecat.frames.frames import AudioRawFrame, Frame, InterruptionFrame
from pipecat.serializers.telnyx import TelnyxFrameSerializer

from agent.carriers.telnyx_line import TelnyxLine
from agent.carriers.telnyx_media import Start
from agent.turns import Turns


class LineSerializer(TelnyxFrameSerializer):
    """Upstream's serializer, except that

    * the hang-up goes through our carrier, because upstream's has a fixed address and no time limit;
    * audio and clears are counted on the line, and a clear is only sent when there is something to drop;
    * ``outbound_encoding``, which is what *comes* from Telnyx, follows the start message.
    """

    def __init__(
        self, line: TelnyxLine, start: Start, codec: str, turns: Turns, hang_up: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(
            stream_id=start.stream_id,
            outbound_encoding=start.start.media_format.encoding,
            inbound_encoding=codec,
            call_control_id=start.start.call_control_id,
            api_key="held by the carrier",
        )
        self._line = line
        self._turns = turns
        self._hang_up = hang_up

    async def serialize(self, frame: Frame) -> str | bytes | None:
        if isinstance(frame, InterruptionFrame):
            if not self._turns.speaking and not self._line.mouth.queue_ms(time.monotonic_ns()):
                return None
            self._turns.interrupted(time.monotonic_ns())
            self._line.audio_is_cleared()
        elif isinstance(frame, AudioRawFrame):
            self._line.audio_goes_out(np.frombuffer(frame.audio, np.int16))
        return await super().serialize(frame)

    async def _hang_up_call(self) -> None:
        await self._hang_up()

"""The media stream of a leg: at most one, started and stopped while the call goes on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from simulator.addresses import shown
from simulator.audio import Samples
from simulator.telnyx.calls.line import Line
from simulator.telnyx.happenings import StreamFailed, StreamStarted, StreamStopped
from simulator.telnyx.media import stream as media
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.media.wire import StartFields

if TYPE_CHECKING:
    from simulator.telnyx.calls.leg import CallLeg

log = logging.getLogger(__name__)


class LegStream:
    def __init__(self, leg: CallLeg, line: Line) -> None:
        self._leg = leg
        self._line = line
        self._stream: media.MediaStream | None = None
        self._options: StreamOptions | None = None
        self._closed_frames = (0, 0)
        self._closed_clears: list[int] = []
        self.reaches_self = False
        self.reaches_other = False

    @property
    def active(self) -> bool:
        """Whether a stream is open or being opened."""
        return self._options is not None

    @property
    def name(self) -> str:
        return "" if self._options is None else self._options.name

    @property
    def stream_id(self) -> str | None:
        return None if self._stream is None else self._stream.stream_id

    @property
    def frames_sent(self) -> int:
        return self._closed_frames[0] + (self._stream.frames_sent if self._stream else 0)

    @property
    def frames_received(self) -> int:
        return self._closed_frames[1] + (self._stream.frames_received if self._stream else 0)

    @property
    def queued_ms(self) -> int:
        """Audio of the application that the telephone has not heard yet."""
        return self._stream.queued_ms if self._stream else 0

    @property
    def cleared_ms(self) -> list[int]:
        """Audio that each clear of the application threw away unheard."""
        return [*self._closed_clears, *(self._stream.cleared_ms if self._stream else ())]

    def report(self) -> dict[str, Any]:
        """What the leg's report says of its audio."""
        return {
            "frames_sent": self.frames_sent,
            "frames_received": self.frames_received,
            "queued_ms": self.queued_ms,
            "cleared_ms": self.cleared_ms,
        }

    def start(self, options: StreamOptions) -> str:
        """Open the stream beside what the leg does; the id of the stream."""
        stream = self._reserve(options)
        self._leg.spawn(self._carry_on(options, stream))
        return stream.stream_id

    async def run(self, options: StreamOptions) -> None:
        """Open the stream and carry audio until it ends for good; at once if it does not open."""
        await self._carry_on(options, self._reserve(options))

    def _reserve(self, options: StreamOptions) -> media.MediaStream:
        leg = self._leg
        stream = leg.facilities.media_stream(options, self._start_fields(options), leg, self._line.stream_faults())
        # From here on there is a stream, which can be named and stopped while it is being opened.
        self._options, self._stream = options, stream
        self.reaches_self = options.target_legs in ("self", "both")
        self.reaches_other = options.target_legs in ("opposite", "both")
        return stream

    async def _carry_on(self, options: StreamOptions, stream: media.MediaStream) -> None:
        leg = self._leg
        opened = False
        try:
            await stream.open()
            opened = True
            log.info("%s: media stream to %s is open.", leg.id, shown(options.url))
            leg.tell(StreamStarted(options, stream.stream_id))
            await stream.run()
        except media.StreamFailed as failed:
            leg.warn(str(failed))
            leg.tell(StreamFailed(options, stream.stream_id, str(failed)))
        finally:
            self._stream = self._options = None
            await stream.close()
            sent, received = self._closed_frames
            self._closed_frames = (sent + stream.frames_sent, received + stream.frames_received)
            self._closed_clears += stream.cleared_ms
            if opened:
                log.info("%s: media stream is closed.", leg.id)
                leg.tell(StreamStopped(options, stream.stream_id))

    async def close(self) -> None:
        """Stop the stream, if there is one; `run` then returns."""
        if self._stream is not None:
            await self._stream.close()

    def hear(self) -> Samples | None:
        return None if self._stream is None else self._stream.hear()

    def carry(self, inbound: Samples | None, outbound: Samples | None) -> None:
        if self._stream is not None:
            self._stream.carry(inbound, outbound)

    def press(self, digit: str) -> None:
        if self._stream is not None:
            self._stream.press(digit)

    def _start_fields(self, options: StreamOptions) -> StartFields:
        facts = self._leg.facts
        return StartFields(
            user_id=self._leg.facilities.user_id,
            call_control_id=self._leg.id,
            call_session_id=facts.ids.call_session_id,
            from_number=facts.from_number,
            to_number=facts.to_number,
            client_state=facts.client_state,
            custom_parameters=options.custom_parameters,
            tags=facts.tags,
        )

"""Telephone → application: 20 ms of each track per tick as `media` frames."""

from __future__ import annotations

from simulator.audio import FRAME_MS, Samples
from simulator.telnyx.media.codecs import FrameEncoder
from simulator.telnyx.media.leg_audio import LegAudio
from simulator.telnyx.media.options import Codec, StreamOptions
from simulator.telnyx.media.wire import FrameWriter


class Uplink:
    def __init__(self, options: StreamOptions, leg: LegAudio, *, big_endian: bool) -> None:
        """Raises ValueError for a codec that cannot be simulated."""
        self.codec: Codec = options.codec_of(leg.codec)
        self._inbound = self._outbound = None
        if options.track != "outbound_track":
            self._inbound = FrameEncoder(self.codec, leg.rate, big_endian=big_endian)
        if options.track != "inbound_track":
            self._outbound = FrameEncoder(self.codec, leg.rate, big_endian=big_endian)
        self._elapsed_ms = 0

    def restart(self) -> None:
        """A new connection: timestamps count from its start."""
        self._elapsed_ms = 0

    def frames(self, writer: FrameWriter, inbound: Samples | None, outbound: Samples | None) -> list[str]:
        """The frames of this tick: `inbound` from the telephone, `outbound` to it; None is silence."""
        at, self._elapsed_ms = self._elapsed_ms, self._elapsed_ms + FRAME_MS
        frames: list[str] = []
        if self._inbound is not None:
            frames.append(writer.media("inbound", self._inbound.encode(inbound), at))
        if self._outbound is not None:
            frames.append(writer.media("outbound", self._outbound.encode(outbound), at))
        return frames

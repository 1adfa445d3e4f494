"""One media stream: Telnyx is the WebSocket client and dials the application's `stream_url`.

Life of a stream, from Telnyx's "Media Streaming over WebSockets": connected, start, media…, stop, then the socket
closes. The telephone hears the application in real time, whatever the pace at which it sends.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from datetime import UTC, datetime
from typing import Final

from simulator.addresses import shown
from simulator.audio import Samples
from simulator.telnyx.findings import Findings, Rule
from simulator.telnyx.identifiers import timestamp
from simulator.telnyx.media.dialling import StreamFailed, dial
from simulator.telnyx.media.downlink import Downlink
from simulator.telnyx.media.faults_port import SocketAction, StreamFaults
from simulator.telnyx.media.incoming import FrameError, Media, RefusedFrame, parse
from simulator.telnyx.media.leg_audio import LegAudio
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.media.socket import MediaSocket
from simulator.telnyx.media.tap import FrameTap
from simulator.telnyx.media.uplink import Uplink
from simulator.telnyx.media.wire import FrameWriter, StartFields, connected

__all__ = ["MediaStream", "StreamFailed"]

log = logging.getLogger(__name__)

RECONNECT_TRIES: Final = 3
RECONNECT_SECONDS: Final = 1.0
"""Telnyx documents that it reconnects, not how often; these are the simulator's: three tries, 1 s apart."""
_ON_PURPOSE: Final = (1000, 1005)
"""Close codes of an application that is done with the stream."""
_LINGER_SECONDS: Final = 0.1
_AFTER_STOP_SECONDS: Final = 0.05
"""Media may be on its way when the stop frame is sent."""
_MOST_EARLY: Final = 1000
"""Messages that an application may send before it was told of the start."""
_MOST_HELD: Final = 3000
"""A minute of both tracks in frames, which a stalled socket keeps."""


class MediaStream:
    def __init__(
        self,
        options: StreamOptions,
        start: StartFields,
        leg: LegAudio,
        findings: Findings,
        *,
        tap: FrameTap | None = None,
        faults: StreamFaults | None = None,
        l16_big_endian: bool = False,
    ) -> None:
        """`l16_big_endian`: Telnyx does not document the byte order of L16; its users report little-endian."""
        self.options = options
        self.stream_id = str(uuid.uuid4())
        self.frames_sent = 0
        self._start = start
        self._leg = leg
        self._findings = findings
        self._tap = tap
        self._faults = faults
        self._big_endian = l16_big_endian
        self._writer = FrameWriter(self.stream_id)
        self._uplink: Uplink | None = None
        self._downlink: Downlink | None = None
        self._socket: MediaSocket | None = None
        self._ending = asyncio.Event()
        self._stop_sent_at: float | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._stalled = False
        self._held: deque[str] = deque()
        self._early: list[str | bytes] | None = []

    @property
    def frames_received(self) -> int:
        """Media frames of the application."""
        return 0 if self._downlink is None else self._downlink.frames_received

    @property
    def queued_ms(self) -> int:
        """Audio of the application that has not been heard yet."""
        return 0 if self._downlink is None else self._downlink.queued_ms

    @property
    def cleared_ms(self) -> list[int]:
        """Audio that each clear of the application threw away unheard, in milliseconds."""
        return [] if self._downlink is None else self._downlink.cleared_ms

    async def open(self) -> None:
        """Dial the application and say `connected` and `start`. Raises StreamFailed."""
        try:
            self._uplink = Uplink(self.options, self._leg, big_endian=self._big_endian)
            self._downlink = Downlink(self.options, self._leg, self._findings, self, big_endian=self._big_endian)
        except ValueError as error:
            raise StreamFailed(str(error)) from error
        await self._connect(self._uplink)

    async def run(self) -> None:
        """Until the application closes the socket for good, or `close` is called."""
        while self._socket is not None:
            await self._socket.closed.wait()
            if self._tap is not None:
                self._tap.closed(self._socket.code, self._socket.reason)
            if self._ending.is_set() or not self.options.reconnect or self._socket.code in _ON_PURPOSE:
                return
            if not await self._reconnect():
                return

    async def close(self) -> None:
        """Say `stop` and close; under a second even when the application reads no more. Again is nothing."""
        if self._ending.is_set() or self._socket is None:
            self._ending.set()
            return
        self._ending.set()
        self._set_stalled(False)
        self._stop_sent_at = asyncio.get_running_loop().time()
        self._send(self._writer.stop(self._start.user_id, self._start.call_control_id))
        try:
            async with asyncio.timeout(_LINGER_SECONDS):
                await self._socket.closed.wait()
        except TimeoutError:
            await self._socket.close()
        finally:
            if self._downlink is not None:
                self._downlink.close()

    def hear(self) -> Samples | None:
        """The next 20 ms of the application's audio at the leg's rate, shorter at its end, or None for silence."""
        return None if self._downlink is None else self._downlink.hear()

    def carry(self, inbound: Samples | None, outbound: Samples | None) -> None:
        """Send 20 ms of the asked tracks: `inbound` from the telephone, `outbound` to it; None is silence."""
        uplink = self._uplink
        if uplink is None or self._socket is None or self._stop_sent_at is not None:
            return
        frames = uplink.frames(self._writer, inbound, outbound)
        if self._faults is not None:
            frames = self._disturbed(self._faults, frames)
        for frame in frames:
            if self._send(frame):
                self.frames_sent += 1

    def press(self, digit: str) -> None:
        """A key pressed on the telephone."""
        self._send(self._writer.dtmf(digit, timestamp(datetime.now(UTC))))

    def reached(self, mark: str) -> None:
        self._send(self._writer.mark(mark))

    def refused(self, refused: RefusedFrame) -> None:
        self._send(self._writer.error(refused))

    async def _connect(self, uplink: Uplink) -> None:
        self._writer = FrameWriter(self.stream_id)
        self._early = []
        uplink.restart()
        self._socket = await dial(self.options.url, self.options.auth_token, self._receive, self._findings)
        if self._ending.is_set():
            await self._socket.close()
            raise StreamFailed("The media stream was stopped while it was being opened.")
        self._send(connected(self.options.auth_token))
        self._send(self._writer.start(self._start, uplink.codec))
        early, self._early = self._early, None
        for message in early:
            self._receive(message)

    async def _reconnect(self) -> bool:
        assert self._uplink is not None
        for _ in range(RECONNECT_TRIES):
            try:
                async with asyncio.timeout(RECONNECT_SECONDS):
                    await self._ending.wait()
                return False
            except TimeoutError:
                log.info("Stream %s: reconnecting to %s.", self.stream_id, shown(self.options.url))
            try:
                await self._connect(self._uplink)
                return True
            except StreamFailed as failed:
                log.info("Stream %s: %s", self.stream_id, failed)
        return False

    def _send(self, frame: str) -> bool:
        """False when the frame is lost."""
        socket = self._socket
        if self._stalled or socket is None or not socket.send(frame):
            return self._hold(frame)
        if self._tap is not None:
            self._tap.sent(frame)
        return True

    def _hold(self, frame: str) -> bool:
        """What cannot be sent now waits out a stall, or is lost."""
        socket = self._socket
        if socket is None or not (socket.writable or socket.open):
            return False
        if self._stalled and len(self._held) < _MOST_HELD:
            self._held.append(frame)
            return True
        self._findings.note(Rule.SLOW_READER)
        return False

    def _receive(self, message: str | bytes) -> None:
        if self._early is not None:
            # It came with the upgrade: what it causes must not overtake the start frame.
            if len(self._early) < _MOST_EARLY:
                self._early.append(message)
            else:
                self._findings.note(Rule.FLOOD, f"More than {_MOST_EARLY:,} messages came before the start frame.")
            return
        if self._tap is not None:
            self._tap.received(message)
        if self._stop_sent_at is not None:
            self._check_after_stop(message)
        elif self._downlink is not None:
            try:
                self._downlink.receive(message)
            except Exception:
                log.exception("Stream %s: a frame of the application could not be handled.", self.stream_id)
                self.refused(RefusedFrame(FrameError.UNKNOWN, "The frame could not be handled."))

    def _check_after_stop(self, message: str | bytes) -> None:
        assert self._stop_sent_at is not None
        if asyncio.get_running_loop().time() < self._stop_sent_at + _AFTER_STOP_SECONDS:
            return
        try:
            if isinstance(parse(message), Media):
                self._findings.note(Rule.MEDIA_AFTER_STOP)
        except RefusedFrame:
            log.debug("Stream %s: a frame after stop could not be parsed.", self.stream_id)

    def _disturbed(self, faults: StreamFaults, frames: list[str]) -> list[str]:
        action = faults.action()
        self._set_stalled(action is SocketAction.STALL)
        match action:
            case SocketAction.DROP if self._socket is not None:
                self._socket.reset()
                return []
            case SocketAction.STOP:
                self._stopping = asyncio.create_task(self.close())
                return []
            case _:
                return faults.pass_frames(frames)

    def _set_stalled(self, stalled: bool) -> None:
        if stalled == self._stalled or self._socket is None:
            return
        self._stalled = stalled
        self._socket.pause(stalled)
        while not stalled and self._held:
            self._send(self._held.popleft())

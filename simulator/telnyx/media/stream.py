"""One media stream: Telnyx is the WebSocket client and dials the application's `stream_url`.

Life of a stream, from Telnyx's "Media Streaming over WebSockets": connected, start, media…, stop, then the socket
closes. The caller hears the application in real time, whatever the pace at which it sends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from simulator.addresses import shown
from simulator.audio import ALAW_SILENCE, ULAW_SILENCE, Samples, alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from simulator.pacing import FRAME_MS
from simulator.telnyx.identifiers import timestamp
from simulator.telnyx.media.options import Codec, StreamOptions
from simulator.telnyx.media.playout import BYTES_PER_MS, Playout, QueueFull
from simulator.telnyx.media.wire import (
    MAX_CHUNK_SECONDS,
    Clear,
    FrameError,
    FrameWriter,
    Mark,
    Media,
    RefusedFrame,
    StartFields,
    connected,
    parse,
)

log = logging.getLogger(__name__)

_FRAME_BYTES: Final = FRAME_MS * BYTES_PER_MS
_OPEN_SECONDS: Final = 5.0
_CLOSE_SECONDS: Final = 0.5
_OUTBOX_FRAMES: Final = 500
"""10 s of audio that an application may leave unread before frames are lost."""
_MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024

_ENCODE: Final = {"PCMU": ulaw_encode, "PCMA": alaw_encode}
_DECODE: Final = {"PCMU": ulaw_decode, "PCMA": alaw_decode}
_SILENCE: Final = {"PCMU": ULAW_SILENCE * _FRAME_BYTES, "PCMA": ALAW_SILENCE * _FRAME_BYTES}


class StreamFailed(Exception):
    """The application's WebSocket could not be opened; the text says why, in one sentence."""


class MediaStream:
    def __init__(
        self, options: StreamOptions, start: StartFields, encoding: Codec, warn: Callable[[str], None]
    ) -> None:
        """`encoding` is the codec of Telnyx → application audio; `warn` takes sentences for the call's report."""
        self.options = options
        self.stream_id = str(uuid.uuid4())
        self.frames_sent = 0
        self.frames_received = 0
        self._start = start
        self._encoding: Codec = encoding
        self._warn = warn
        self._writer = FrameWriter(self.stream_id)
        self._playout = Playout()
        self._audible = options.silent_because() is None
        self._outbox: asyncio.Queue[str] = asyncio.Queue(_OUTBOX_FRAMES)
        self._socket: ClientConnection | None = None
        self._elapsed_ms = 0
        self._lost = 0
        self._mp3_allowed_at = 0.0

    async def open(self) -> None:
        """Dial the application and say `connected` and `start`. Raises StreamFailed."""
        token = self.options.auth_token
        try:
            self._socket = await connect(
                self.options.url,
                additional_headers={} if token is None else {"x-telnyx-streaming-auth-token": token},
                proxy=None,
                compression=None,
                open_timeout=_OPEN_SECONDS,
                close_timeout=_CLOSE_SECONDS,
                ping_interval=None,
                max_size=_MAX_MESSAGE_BYTES,
            )
        except (OSError, TimeoutError, ValueError, WebSocketException) as error:
            where = shown(self.options.url)
            raise StreamFailed(f"The media stream to {where} could not be opened: {error}.") from error
        self._put(connected(token))
        self._put(self._writer.start(self._start))

    async def run(self) -> None:
        """Carry frames until the application closes the socket."""
        socket = self._socket
        if socket is None:
            raise RuntimeError("open() comes first.")
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._write(socket))
            with contextlib.suppress(ConnectionClosed):
                async for message in socket:
                    self._receive(message)
            writing.cancel()

    async def close(self) -> None:
        """Send what is still to be sent, `stop`, and close; quick even if the application reads no more."""
        if self._socket is None:
            return
        self._put(self._writer.stop(self._start.user_id, self._start.call_control_id))
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                while not self._outbox.empty():
                    await self._socket.send(self._outbox.get_nowait())
        except (ConnectionClosed, TimeoutError):
            log.debug("The application did not take the last frames of stream %s.", self.stream_id)
        await self._socket.close()

    def hear(self) -> Samples | None:
        """The next 20 ms of the application's audio, shorter at its end, or None for silence."""
        payload, marks = self._playout.take(_FRAME_BYTES)
        for name in marks:
            self._put(self._writer.mark(name))
        return _DECODE[self.options.send_codec](payload) if payload else None

    def carry(self, inbound: Samples | None, outbound: Samples | None) -> None:
        """Send 20 ms of the asked tracks: `inbound` from the telephone, `outbound` to it; None is silence."""
        if self.options.track != "outbound_track":
            self._put(self._writer.media("inbound", self._encode(inbound), self._elapsed_ms))
            self.frames_sent += 1
        if self.options.track != "inbound_track":
            self._put(self._writer.media("outbound", self._encode(outbound), self._elapsed_ms))
            self.frames_sent += 1
        self._elapsed_ms += FRAME_MS

    def press(self, digit: str) -> None:
        """A key pressed on the telephone."""
        self._put(self._writer.dtmf(digit, timestamp(datetime.now(UTC))))

    def _encode(self, samples: Samples | None) -> bytes:
        silence = _SILENCE[self._encoding]
        if samples is None:
            return silence
        payload = _ENCODE[self._encoding](samples)
        return payload + silence[len(payload) :]

    def _put(self, frame: str) -> None:
        try:
            self._outbox.put_nowait(frame)
        except asyncio.QueueFull:
            if not self._lost:
                self._warn("The application did not read its media WebSocket for 10 s, so frames were lost.")
            self._lost += 1

    async def _write(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.send(await self._outbox.get())

    def _receive(self, message: str | bytes) -> None:
        try:
            match parse(message):
                case Media(payload):
                    self.frames_received += 1
                    self._play(payload)
                case Mark(name):
                    if not self._playout.mark(name):
                        self._put(self._writer.mark(name))
                case Clear():
                    for name in self._playout.clear():
                        self._put(self._writer.mark(name))
        except RefusedFrame as refused:
            self._warn(f"A frame of the application was refused: {refused.detail}")
            self._put(self._writer.error(refused))
        except QueueFull as full:
            self._put(self._writer.error(RefusedFrame(FrameError.RATE_LIMIT_REACHED, str(full))))

    def _play(self, payload: bytes) -> None:
        reason = self.options.silent_because()
        if reason is not None:
            self._warn(reason)
        if self.options.mode == "mp3":
            self._limit_mp3()
        elif len(payload) > MAX_CHUNK_SECONDS * 1000 * BYTES_PER_MS:
            detail = f"media.payload is longer than {MAX_CHUNK_SECONDS} seconds of audio."
            raise RefusedFrame(FrameError.INVALID_MEDIA, detail)
        elif self._audible:
            self._playout.write(payload)

    def _limit_mp3(self) -> None:
        now = monotonic()
        if now < self._mp3_allowed_at:
            detail = "In mp3 mode one media message per second is accepted."
            raise RefusedFrame(FrameError.RATE_LIMIT_REACHED, detail)
        self._mp3_allowed_at = now + 1.0

"""The WebSocket of a media stream: RFC 6455 over picows, by callbacks, without a task per message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from simulator.telnyx.media.outbox import outbox

MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024
_MOST_WAITING_BYTES: Final = 256 * 1024
"""What an application may leave unread in this process, besides the kernel's buffers; then frames are lost."""
_CLOSE_SECONDS: Final = 0.5
_NO_CODE: Final = 1005
_NO_HANDSHAKE: Final = 1006
_MOST_REASON_BYTES: Final = 123

_TEXT: Final = WSMsgType.TEXT
_BINARY: Final = WSMsgType.BINARY
_CONTINUATION: Final = WSMsgType.CONTINUATION


class MediaSocket(WSListener):
    """One connection. `receive` gets whole messages: str of text, bytes of binary ones."""

    def __init__(self, receive: Callable[[str | bytes], None]) -> None:
        self.closed = asyncio.Event()
        self.code = _NO_HANDSHAKE
        """Close code of the application; 1005 without one, 1006 without a closing handshake."""
        self.reason = ""
        self.writable = False
        """False while too much waits to be read by the application, and when the socket is closed."""
        self._receive = receive
        self._transport: WSTransport | None = None
        self._outbox = outbox()
        self._parts: list[bytes] = []
        self._parts_bytes = 0
        self._parts_kind: WSMsgType | None = None
        self._closing = False

    @property
    def open(self) -> bool:
        """Until a close frame, in either direction, or the end of the connection."""
        return not self._closing and not self.closed.is_set()

    def send(self, text: str) -> bool:
        """False when `text` is lost, because the application does not read or is gone."""
        if not self.writable or self._transport is None:
            return False
        self._outbox.put(self._transport, text)
        return True

    def pause(self, paused: bool) -> None:
        """Stop or resume reading what the application sends."""
        if self._transport is not None and not self.closed.is_set():
            transport = self._transport.underlying_transport
            transport.pause_reading() if paused else transport.resume_reading()

    def reset(self) -> None:
        """End the connection without a closing handshake."""
        self.writable = False
        if self._transport is not None:
            self._outbox.flush()
            self._transport.disconnect(False)

    async def close(self) -> None:
        """The closing handshake, as far as the application takes part; half a second at most."""
        if self._transport is None:
            return
        if not self.closed.is_set():
            self._say_close(WSCloseCode.OK, "")
            try:
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self.closed.wait()
            except TimeoutError:
                self.reset()
                await self.closed.wait()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self.writable = True
        transport.underlying_transport.set_write_buffer_limits(_MOST_WAITING_BYTES, _MOST_WAITING_BYTES // 2)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if self._closing and kind != WSMsgType.CLOSE:
            return
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self._fail(WSCloseCode.PROTOCOL_ERROR, "No extension was agreed on.")
        elif kind == _TEXT and frame.fin and self._parts_kind is None:
            try:
                text = frame.get_payload_as_utf8_text()
            except UnicodeDecodeError:
                self._fail(WSCloseCode.INVALID_TEXT, "A text message is not UTF-8.")
            else:
                self._receive(text)
        elif kind in (_TEXT, _BINARY, _CONTINUATION):
            self._assemble(kind, frame)
        elif kind == WSMsgType.PING:
            if self.writable:
                transport.send_pong(frame.get_payload_as_bytes())
        elif kind == WSMsgType.CLOSE:
            self._say_close(frame.get_close_code() or WSCloseCode.OK, "")
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.writable = False
        handshake = transport.close_handshake
        received = None if handshake is None else handshake.recv
        if received is not None:
            self.code, self.reason = received.code.value or _NO_CODE, received.reason or ""
        self.closed.set()

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = not self._closing

    def _assemble(self, kind: WSMsgType, frame: WSFrame) -> None:
        """A message in fragments, or a whole binary one."""
        if (kind == _CONTINUATION) != (self._parts_kind is not None):
            self._fail(WSCloseCode.PROTOCOL_ERROR, "A fragment is out of place.")
            return
        self._parts_kind = self._parts_kind or kind
        self._parts.append(frame.get_payload_as_bytes())
        self._parts_bytes += len(self._parts[-1])
        if self._parts_bytes > MAX_MESSAGE_BYTES or len(self._parts) > MAX_MESSAGE_BYTES // 64:
            self._fail(WSCloseCode.MESSAGE_TOO_BIG, f"A message has more than {MAX_MESSAGE_BYTES} bytes.")
        elif frame.fin:
            whole, kind = b"".join(self._parts), self._parts_kind
            self._forget_parts()
            try:
                self._receive(whole.decode() if kind == _TEXT else whole)
            except UnicodeDecodeError:
                self._fail(WSCloseCode.INVALID_TEXT, "A text message is not UTF-8.")

    def _forget_parts(self) -> None:
        self._parts, self._parts_bytes, self._parts_kind = [], 0, None

    def _fail(self, code: WSCloseCode, why: str) -> None:
        """The application broke RFC 6455, so the connection ends (section 7.1.7)."""
        self._forget_parts()
        self.code, self.reason = code.value, why
        self._say_close(code, why)
        if self._transport is not None:
            self._transport.disconnect()

    def _say_close(self, code: WSCloseCode, why: str) -> None:
        self._closing, self.writable = True, False
        transport = self._transport
        if transport is not None and not transport.is_close_frame_sent:
            self._outbox.flush()
            transport.send_close(code, why.encode()[:_MOST_REASON_BYTES])

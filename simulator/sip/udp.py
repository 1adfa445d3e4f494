"""SIP over UDP: one datagram is one message. aiosipua's own transport refuses every event loop but asyncio's."""

from __future__ import annotations

import asyncio
import logging

from aiosipua import SipMessage, SipRequest, SipResponse, SipTransport, stringify_via

log = logging.getLogger(__name__)


class UdpTransport(SipTransport):
    """`unreadable` counts datagrams that are no SIP message; empty ones keep an address open (RFC 5626)."""

    unreadable = 0
    _socket: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        """Raises OSError."""
        loop = asyncio.get_running_loop()
        self._socket, _ = await loop.create_datagram_endpoint(lambda: _Protocol(self), local_addr=self.local_addr)

    def send(self, message: SipRequest | SipResponse, addr: tuple[str, int]) -> None:
        if self._socket is not None:
            self._socket.sendto(bytes(message), addr)

    async def stop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def received(self, data: bytes, addr: tuple[str, int]) -> None:
        """A datagram."""
        # Line ends before a message are to be passed over (RFC 3261, 7.5).
        data = data.lstrip(b"\r\n")
        if not data.strip():
            return
        try:
            message = SipMessage.parse(data)
            if isinstance(message, SipRequest):
                _stamp(message, addr)
        except ValueError as error:
            self.unreadable += 1
            if self.unreadable == 1:
                log.info("A datagram is no SIP message: %s", type(error).__name__)
            return
        if self.on_message is not None:
            self.on_message(message, addr)


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, transport: UdpTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.received(data, addr)

    def error_received(self, exc: Exception) -> None:
        log.info("UDP: %s", exc)


def _stamp(request: SipRequest, addr: tuple[str, int]) -> None:
    """Write where it came from into the topmost Via (RFC 3261, 18.2.1; RFC 3581)."""
    vias = request.headers.get("via")
    if not vias:
        return
    via = request.via[0]
    asks = "rport" in via.params and not via.params["rport"]
    if via.host == addr[0] and not asks:
        return
    via.params["received"] = addr[0]
    if asks:
        via.params["rport"] = str(addr[1])
    request.headers.remove("Via")
    for value in (stringify_via(via), *vias[1:]):
        request.headers.append("Via", value)

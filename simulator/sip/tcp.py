"""SIP over TCP: aiosipua's transport, with one connection per address, closed when the far end leaves."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from aiosipua import SipRequest, SipResponse, TcpSipTransport

_MOST_UNSENT: Final = 1024 * 1024
"""Bytes that wait for somebody who does not read; then he counts as gone."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class TcpTransport(TcpSipTransport):
    def __init__(self, local_addr: tuple[str, int]) -> None:
        super().__init__(local_addr=local_addr)
        self._connecting = asyncio.Lock()

    async def connect(self, remote_addr: tuple[str, int]) -> Streams:
        """The connection to `remote_addr`, opened if there is none. Raises OSError."""
        async with self._connecting:
            known = self._connections.get(remote_addr)
            if known is not None and not known[1].is_closing():
                return known
            if known is not None:
                # Its end would make aiosipua forget the new one.
                with contextlib.suppress(OSError):
                    await known[1].wait_closed()
            return await super().connect(remote_addr)

    def send(self, message: SipRequest | SipResponse, addr: tuple[str, int]) -> None:
        """Raises RuntimeError when nobody is at `addr`."""
        known = self._connections.get(addr)
        if known is not None and known[1].transport.get_write_buffer_size() > _MOST_UNSENT:
            known[1].transport.abort()
            raise RuntimeError("nobody reads what is sent there")
        super().send(message, addr)

    async def _handle_incoming(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, addr: tuple[str, int]
    ) -> None:
        try:
            await super()._handle_incoming(reader, writer, addr)
        finally:
            writer.close()

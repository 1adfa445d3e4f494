"""The simulated trunk's TCP connections, met by a bare server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiosipua import SipRequest

from simulator.sip.tcp import TcpTransport

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Server:
    """Takes connections and reads nothing by itself."""

    def __init__(self) -> None:
        self.taken: asyncio.Queue[Streams] = asyncio.Queue()

    async def open(self) -> Server:
        self.server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.address: tuple[str, int] = self.server.sockets[0].getsockname()
        return self

    async def next(self) -> Streams:
        return await asyncio.wait_for(self.taken.get(), 30)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken.put_nowait((reader, writer))


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = await Server().open()
    yield server
    server.server.close()


@pytest.fixture
async def transport() -> AsyncIterator[TcpTransport]:
    transport = TcpTransport(("127.0.0.1", 0))
    await transport.start()
    yield transport
    await transport.stop()


async def test_calls_to_one_address_share_a_connection(server: Server, transport: TcpTransport) -> None:
    opened = await asyncio.gather(*(transport.connect(server.address) for _ in range(3)))
    assert opened[0] == opened[1] == opened[2]
    await server.next()
    assert server.taken.empty()


async def test_a_connection_that_the_far_end_closed_is_closed_here_and_opened_anew(
    server: Server, transport: TcpTransport
) -> None:
    _, writer = await transport.connect(server.address)
    (await server.next())[1].close()
    await asyncio.wait_for(writer.wait_closed(), 30)
    await transport.connect(server.address)
    reader, theirs = await server.next()
    transport.send(SipRequest(method="OPTIONS", uri="sip:x"), server.address)
    assert await asyncio.wait_for(reader.readline(), 30) == b"OPTIONS sip:x SIP/2.0\r\n"
    theirs.close()


async def test_who_reads_nothing_is_left(server: Server, transport: TcpTransport) -> None:
    _, writer = await transport.connect(server.address)
    await server.next()
    long = SipRequest(method="OPTIONS", uri="sip:x", body=b"x" * 1024 * 1024)
    sent = 0
    # The system's own buffers take some of it.
    while writer.transport.get_write_buffer_size() <= 1024 * 1024:
        transport.send(long, server.address)
        sent += 1
        assert sent < 100
    with pytest.raises(RuntimeError, match="nobody reads"):
        transport.send(long, server.address)
    assert writer.is_closing()

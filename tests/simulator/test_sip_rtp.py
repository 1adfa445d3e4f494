"""The audio of a SIP call, packet by packet: pace, keys, hold, faults, and packets that make no sense."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import numpy as np
import pytest
from aiortp import DtmfEvent, PortAllocator, RtpPacket

from simulator.audio import ulaw_encode
from simulator.caller.hearing import is_voiced
from simulator.line.plan import LineFaultPlan
from simulator.sip.offers import Agreed
from simulator.sip.rtp import Rtp
from simulator.telnyx.calls.line import Line

TONE = (9000 * np.sin(2 * np.pi * 500 * np.arange(160) / 8000)).astype(np.int16)
KEYS = 101


class Far(asyncio.DatagramProtocol):
    """The far end of the audio."""

    def __init__(self) -> None:
        self.packets: asyncio.Queue[RtpPacket] = asyncio.Queue()

    async def open(self) -> Far:
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return self

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.packets.put_nowait(RtpPacket.parse(data))

    @property
    def address(self) -> tuple[str, int]:
        return self.transport.get_extra_info("sockname")

    def send(self, packet: bytes | RtpPacket, port: int) -> None:
        data = packet if isinstance(packet, bytes) else packet.serialize()
        self.transport.sendto(data, ("127.0.0.1", port))

    async def take(self, count: int) -> list[RtpPacket]:
        async with asyncio.timeout(30):
            return [await self.packets.get() for _ in range(count)]


@pytest.fixture
async def far() -> AsyncIterator[Far]:
    far = await Far().open()
    yield far
    far.transport.close()


async def opened(far: Far, keys: list[str] | None = None, plan: LineFaultPlan | None = None, **more: bool) -> Rtp:
    pressed = keys if keys is not None else []
    rtp = Rtp(8000, pressed.append, Line(plan).stream_faults())
    await rtp.open("127.0.0.1", PortAllocator((16_384, 32_768)))
    rtp.agree(Agreed("PCMU", KEYS, far.address, **more))
    return rtp


async def arrived(rtp: Rtp, count: int) -> None:
    async with asyncio.timeout(30):
        while rtp.received + rtp.strange < count:
            await asyncio.sleep(0.005)


async def test_each_tick_is_one_packet(far: Far) -> None:
    rtp = await opened(far)
    assert rtp.port % 2 == 0
    for samples in (TONE, None, TONE):
        rtp.carry(samples)
    packets = await far.take(3)
    assert [packet.payload for packet in packets] == [ulaw_encode(TONE), b"\xff" * 160, ulaw_encode(TONE)]
    assert [packet.marker for packet in packets] == [1, 0, 0]
    steps = np.diff([packet.timestamp for packet in packets]).tolist()
    assert steps == [160, 160]
    assert np.diff([packet.sequence_number for packet in packets]).tolist() == [1, 1]
    assert len({packet.ssrc for packet in packets}) == 1
    await rtp.close()


async def test_a_key_is_an_event_of_100_ms_in_its_own_time(far: Far) -> None:
    rtp = await opened(far)
    rtp.press("7")
    rtp.press("#")
    for _ in range(30):
        rtp.carry(None)
    packets = await far.take(30 + 2 * 2)
    events = [(packet, DtmfEvent.parse(packet.payload)) for packet in packets if packet.payload_type == KEYS]
    assert [(event.event, event.duration, event.end) for _, event in events[:7]] == [
        *((7, 160 * tick, False) for tick in range(1, 5)),
        *((7, 800, True),) * 3,
    ]
    assert [packet.marker for packet, _ in events[:7]] == [1, 0, 0, 0, 0, 0, 0]
    first, second = events[0][0].timestamp, events[7][0].timestamp
    assert {packet.timestamp for packet, _ in events[:7]} == {first}
    assert second - first >= 800 + 3 * 160 - 160
    assert {event.event for _, event in events[7:]} == {11}
    await rtp.close()


async def test_what_arrives_is_heard(far: Far) -> None:
    """Also packets of 10 and 40 ms; those that come twice or late are left out."""
    rtp = await opened(far)
    sound = ulaw_encode(np.tile(TONE, 8))
    cuts = [sound[:80], sound[80:160], sound[160:480], sound[480:640], sound[640:]]
    sent = 0
    for number, cut in enumerate(cuts):
        for _ in range(2):
            far.send(RtpPacket(0, 0, 65_534 + number & 0xFFFF, sent, 9, cut), rtp.port)
        sent += len(cut)
    await arrived(rtp, len(cuts))
    heard = [rtp.hear() for _ in range(8)]
    assert all(is_voiced(samples) for samples in heard)
    assert rtp.hear() is None
    assert rtp.received == len(cuts)
    await rtp.close()


async def test_keys_that_arrive(far: Far) -> None:
    keys: list[str] = []
    rtp = await opened(far, keys)
    for number, (event, times) in enumerate([(1, 3), (1, 3), (10, 1), (16, 3)]):
        for copy in range(times):
            payload = DtmfEvent(event, True, 10, 800).serialize()
            far.send(RtpPacket(KEYS, 0, number * 4 + copy, number * 4000, 9, payload), rtp.port)
    far.send(RtpPacket(0, 0, 99, 20_000, 9, ulaw_encode(TONE)), rtp.port)
    await arrived(rtp, 1)
    assert keys == ["1", "1", "*"]
    await rtp.close()


async def test_nothing_is_sent_on_hold(far: Far) -> None:
    rtp = await opened(far, sends=False)
    rtp.carry(TONE)
    rtp.agree(Agreed("PCMA", KEYS, far.address))
    rtp.carry(TONE)
    (packet,) = await far.take(1)
    assert packet.payload_type == 8
    assert far.packets.empty()
    await rtp.close()


async def test_a_bad_line_loses_packets(far: Far) -> None:
    rtp = await opened(far, plan=LineFaultPlan(loss=0.5, seed=3))
    for _ in range(100):
        rtp.carry(TONE)
    rtp.agree(Agreed("PCMA", KEYS, far.address))
    while True:
        rtp.carry(TONE)
        if not far.packets.empty() and (await far.take(1))[0].payload_type == 8:
            break
        await asyncio.sleep(0)
    assert rtp.sent > 100
    await rtp.close()


async def test_packets_that_make_no_sense(far: Far) -> None:
    keys: list[str] = []
    rtp = await opened(far, keys)
    chance = random.Random(11)
    whole = RtpPacket(0, 0, 5, 0, 9, ulaw_encode(TONE)).serialize()
    for number in range(300):
        start = chance.randrange(len(whole))
        far.send(whole[:start] + chance.randbytes(chance.randrange(40)), rtp.port)
        if number % 20 == 0:
            # A socket's buffer is small.
            await asyncio.sleep(0.005)
    far.send(RtpPacket(KEYS, 0, 6, 0, 9, b"\x01").serialize(), rtp.port)
    far.send(RtpPacket(96, 0, 7, 0, 9, b"other").serialize(), rtp.port)
    far.send(RtpPacket(0, 0, 8, 0, 77, b"\x7f" * 60_000).serialize(), rtp.port)
    far.send(RtpPacket(KEYS, 0, 9, 5000, 9, DtmfEvent(5, True, 10, 800).serialize()), rtp.port)
    async with asyncio.timeout(30):
        while keys[-1:] != ["5"]:
            await asyncio.sleep(0.005)
    assert rtp.strange >= 3
    while rtp.hear() is not None:
        pass
    for number in range(3):
        far.send(RtpPacket(0, 0, number, number * 160, 1234, ulaw_encode(TONE)), rtp.port)
    async with asyncio.timeout(30):
        while not is_voiced(rtp.hear()):
            await asyncio.sleep(0.005)
    await rtp.close()


async def test_somebody_else_is_not_heard(far: Far) -> None:
    """Audio may come from another port than it goes to, until it comes from there as well."""
    rtp = await opened(far)
    first, second = await Far().open(), await Far().open()
    for number, (sender, taken) in enumerate([(first, 1), (second, 1), (far, 2), (first, 2), (far, 3)]):
        sender.send(RtpPacket(0, 0, number, number * 160, 9, ulaw_encode(TONE)), rtp.port)
        await arrived(rtp, number + 1)
        assert (rtp.received, rtp.strange) == (taken, number + 1 - taken)
    for other in (first, second):
        other.transport.close()
    await rtp.close()


async def test_ports_are_given_back(far: Far) -> None:
    ports = PortAllocator((20_000, 20_400))
    taken = set()
    for _ in range(5):
        rtp = Rtp(8000, [].append)
        await rtp.open("127.0.0.1", ports)
        taken.add(rtp.port)
        await rtp.close()
        await asyncio.sleep(0)
    assert len(taken) <= 2

"""Sockets that break: reconnecting, broken WebSocket framing, faults on request."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct

import pytest

from simulator.audio import ulaw_encode
from simulator.telnyx.findings import Findings
from simulator.telnyx.media import stream as media
from simulator.telnyx.media.faults_port import SocketAction
from simulator.telnyx.media.leg_audio import LegAudio
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.media.stream import MediaStream
from tests.simulator.media_house import START, house, speech


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "RECONNECT_SECONDS", 0.01)


async def test_a_lost_socket_is_dialled_again_and_told_everything_anew() -> None:
    async with house(reconnect=True, auth_token="token") as at:
        at.stream.carry(None, None)
        await at.application.until("media")
        at.application.socket.transport.abort()
        again = await at.connections.get()
        (start,) = await again.until("start")
        at.stream.carry(None, None)
        (frame,) = await again.until("media")
        assert [frame["event"] for frame in again.frames[:2]] == ["connected", "start"]
        assert again.frames[0]["connected"] == {"x-telnyx-streaming-auth-token": "token"}
        assert (start["sequence_number"], start["stream_id"]) == ("1", at.stream.stream_id)
        assert (frame["sequence_number"], frame["media"]["chunk"], frame["media"]["timestamp"]) == ("2", "1", "0")
        await again.play(ulaw_encode(speech(0.02, 8000)))
        await again.settled(at.stream)
        assert at.stream.hear() is not None


@pytest.mark.parametrize("code", [1000, None])
async def test_an_application_that_closes_on_purpose_is_left_alone(code: int | None) -> None:
    async with house(reconnect=True) as at:
        if code is None:
            at.application.socket.transport.write(b"\x88\x00")
        else:
            await at.application.socket.close(code)
        await at.running
        assert at.connections.empty()


async def test_without_reconnect_a_lost_socket_is_the_end() -> None:
    async with house() as at:
        at.application.socket.transport.abort()
        await at.running
        assert at.connections.empty()


async def test_reconnecting_gives_up() -> None:
    tries = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        request = await reader.readuntil(b"\r\n\r\n")
        tries += 1
        if tries == 1:
            writer.write(upgrade(request))
            await reader.read(10)
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        stream = stream_to(server, reconnect=True)
        await stream.open()
        await stream.run()
        await stream.close()
    assert tries == 1 + media.RECONNECT_TRIES


async def test_closing_ends_a_reconnect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "RECONNECT_SECONDS", 3600)
    async with house(reconnect=True) as at:
        at.application.socket.transport.abort()
        await at.application.over.wait()
        await at.stream.close()
        await at.running
        assert at.connections.empty()


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (b"\x81\x02\xff\xfe", 1007),
        (b"\x01\x02ab\x80\x01\xff", 1007),
        (b"\x80\x01a", 1002),
        (b"\x01\x01a\x81\x01b", 1002),
        (b"\xc1\x01a", 1002),
        (b"\x83\x01a", 1002),
        (b"\x81\x81abcde", 1002),
        (b"\x81\x7f" + struct.pack(">Q", 5 * 1024 * 1024), 1009),
        (
            (b"\x01\x7f" + struct.pack(">Q", 3 << 20) + b" " * (3 << 20))
            + (b"\x80\x7f" + struct.pack(">Q", 3 << 20) + b" " * (3 << 20)),
            1009,
        ),
    ],
)
async def test_broken_framing_ends_the_connection_with_its_code(frames: bytes, code: int) -> None:
    answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def break_it(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(upgrade(await reader.readuntil(b"\r\n\r\n")) + frames)
        answered.set_result(await reader.read(-1))
        writer.close()

    async with await asyncio.start_server(break_it, "127.0.0.1", 0) as server:
        stream = stream_to(server)
        await stream.open()
        await stream.run()
        await stream.close()
        said = await answered
    assert closing_code(said) == code


class Faults:
    def __init__(self, actions: list[SocketAction | None]) -> None:
        self.actions = actions
        self.late: list[str] = []

    def action(self) -> SocketAction | None:
        return self.actions.pop(0) if self.actions else None

    def pass_frames(self, frames: list[str]) -> list[str]:
        """One tick late."""
        self.late, now = frames, self.late
        return now


async def test_a_stall_holds_both_directions_and_ends_in_a_burst() -> None:
    stall = SocketAction.STALL
    async with house(faults=Faults([None, stall, stall, None])) as at:
        at.stream.carry(None, None)
        at.stream.carry(None, None)
        at.stream.carry(None, None)
        await at.application.play(b"\x00" * 160)
        assert not at.application.of("media")
        assert at.stream.frames_received == 0
        at.stream.carry(None, None)
        media_frames = await at.application.until("media", 3)
        await at.application.settled(at.stream)
        assert at.stream.frames_received == 1
    assert [frame["media"]["chunk"] for frame in media_frames] == ["1", "2", "3"]


async def test_a_dropped_socket_says_neither_stop_nor_goodbye() -> None:
    async with house(faults=Faults([None, SocketAction.DROP])) as at:
        at.stream.carry(None, None)
        at.stream.carry(None, None)
        await at.application.over.wait()
        await at.running
        assert not at.application.of("stop")
        assert at.application.socket.close_code == 1006


async def test_a_stopped_stream_says_stop_and_closes() -> None:
    async with house(reconnect=True, faults=Faults([SocketAction.STOP])) as at:
        at.stream.carry(None, None)
        await at.application.over.wait()
        await at.running
        assert at.application.frames[-1]["event"] == "stop"
        assert at.application.socket.close_code == 1000
        assert at.connections.empty()


async def test_media_after_stop_is_named() -> None:
    async with house() as at:
        closing = asyncio.create_task(at.stream.close())
        await at.application.until("stop")
        while not closing.done() and "media-after-stop" not in at.found:
            await at.application.play(b"\xff" * 160)
            await asyncio.sleep(0.001)
        await closing
    assert "media-after-stop" in at.found


def stream_to(server: asyncio.Server, **options: bool) -> MediaStream:
    port = server.sockets[0].getsockname()[1]
    return MediaStream(StreamOptions(f"ws://127.0.0.1:{port}/", **options), START, LegAudio(), Findings())


def upgrade(request: bytes) -> bytes:
    key = next(
        line.split(b":")[1].strip()
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key")
    )
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def closing_code(sent: bytes) -> int | None:
    """The code of the close frame among a client's masked frames."""
    while len(sent) >= 6:
        kind, length, at = sent[0] & 0x0F, sent[1] & 0x7F, 2
        if length == 126:
            length, at = struct.unpack(">H", sent[2:4])[0], 4
        mask, body = sent[at : at + 4], sent[at + 4 : at + 4 + length]
        if kind == 8:
            return struct.unpack(">H", bytes(byte ^ mask[place] for place, byte in enumerate(body[:2])))[0]
        sent = sent[at + 4 + length :]
    return None

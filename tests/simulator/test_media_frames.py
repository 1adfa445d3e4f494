"""What the application sees on its WebSocket: frames, types, order, closing."""

from __future__ import annotations

import asyncio
import base64

import pytest

from simulator.audio import ulaw_decode, ulaw_encode
from simulator.telnyx.findings import Findings
from simulator.telnyx.media.leg_audio import LegAudio
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.media.stream import MediaStream, StreamFailed
from tests.simulator.media_house import START, frames_of, house, speech

TICKS = 5


async def test_a_stream_says_connected_start_media_stop_and_closes() -> None:
    async with house(name="name", custom_parameters={"customer": "7"}) as at:
        for frame in frames_of(speech(0.1, 8000), 160):
            at.stream.carry(frame, None)
        await at.application.until("media", TICKS)
        await at.stream.close()
        await at.application.over.wait()
    frames = at.application.frames
    assert [frame["event"] for frame in frames] == ["connected", "start", *["media"] * TICKS, "stop"]
    assert frames[0] == {"event": "connected", "version": "1.0.0"}
    assert frames[1] == {
        "event": "start",
        "sequence_number": "1",
        "stream_id": at.stream.stream_id,
        "start": {
            "user_id": "user-1",
            "call_control_id": "v3:call",
            "call_session_id": "session-1",
            "from": "+13125550100",
            "to": "+13125550101",
            "tags": ["TAG1"],
            "client_state": "c3RhdGU=",
            "custom_parameters": {"customer": "7"},
            "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
        },
    }
    for number, (frame, samples) in enumerate(zip(frames[2:7], frames_of(speech(0.1, 8000), 160), strict=True)):
        assert frame == {
            "event": "media",
            "sequence_number": str(number + 2),
            "stream_id": at.stream.stream_id,
            "media": {
                "track": "inbound",
                "chunk": str(number + 1),
                "timestamp": str(number * 20),
                "payload": base64.b64encode(ulaw_encode(samples)).decode(),
            },
        }
    assert frames[-1] == {
        "event": "stop",
        "sequence_number": "7",
        "stream_id": at.stream.stream_id,
        "stop": {"user_id": "user-1", "call_control_id": "v3:call"},
    }
    assert at.application.socket.close_code == 1000
    assert at.stream.frames_sent == TICKS
    assert not at.found


async def test_the_token_is_in_the_header_and_in_the_connected_frame() -> None:
    async with house(auth_token="secret-1", path="/media?body=a%3Db&c=d") as at:
        frames = await at.application.until("connected")
        assert at.application.socket.request is not None
        assert at.application.socket.request.path == "/media?body=a%3Db&c=d"
    assert at.headers["x-telnyx-streaming-auth-token"] == "secret-1"
    assert frames[0]["connected"] == {"x-telnyx-streaming-auth-token": "secret-1"}


@pytest.mark.parametrize(
    ("track", "tracks"),
    [
        ("inbound_track", ["inbound", "inbound"]),
        ("outbound_track", ["outbound", "outbound"]),
        ("both_tracks", ["inbound", "outbound", "inbound", "outbound"]),
    ],
)
async def test_tracks_are_counted_apart(track: str, tracks: list[str]) -> None:
    async with house(track=track) as at:
        voice = speech(0.02, 8000)
        at.stream.carry(voice, None)
        at.stream.carry(None, voice[:80])
        media = [frame["media"] for frame in await at.application.until("media", len(tracks))]
    assert [frame["track"] for frame in media] == tracks
    for name in set(tracks):
        mine = [frame for frame in media if frame["track"] == name]
        assert [(frame["chunk"], frame["timestamp"]) for frame in mine] == [("1", "0"), ("2", "20")]
        silent = base64.b64decode(mine[1 if name == "inbound" else 0]["payload"])
        assert silent == b"\xff" * 160
    if "outbound" in tracks:
        short = base64.b64decode(
            next(f for f in media if f["track"] == "outbound" and f["chunk"] == "2")["payload"]
        )
        assert short == ulaw_encode(voice[:80]) + b"\xff" * 80


async def test_a_key_is_a_dtmf_frame() -> None:
    async with house() as at:
        at.stream.press("#")
        (frame,) = await at.application.until("dtmf")
    assert frame["dtmf"] == {"digit": "#"}
    assert frame["sequence_number"] == "2"
    assert frame["occurred_at"].endswith("Z")


async def test_a_message_in_fragments_is_one_message() -> None:
    async with house() as at:
        payload = base64.b64encode(b"\x01" * 160).decode()
        await at.application.socket.send(iter(['{"event":"media","me', 'dia":{"payload":"', payload + '"}}']))
        await at.application.settled(at.stream)
        heard = at.stream.hear()
    assert heard is not None
    assert heard.tolist() == ulaw_decode(b"\x01" * 160).tolist()


async def test_a_ping_is_answered() -> None:
    async with house() as at:
        answered = await at.application.socket.ping(b"here")
        await answered


@pytest.mark.parametrize("code", [1000, 1011, 4003])
async def test_the_stream_ends_when_the_application_closes_it(code: int) -> None:
    closes: list[tuple[int, str]] = []

    class Tap:
        def sent(self, text: str) -> None: ...
        def received(self, message: str | bytes) -> None: ...
        def closed(self, code: int, reason: str) -> None:
            closes.append((code, reason))

    async with house(tap=Tap()) as at:
        await at.application.socket.close(code, "enough")
        await at.running
        at.stream.carry(None, None)
    assert closes == [(code, "enough")]
    assert at.application.socket.close_code == code


async def test_a_tap_sees_the_wire() -> None:
    sent: list[str] = []
    received: list[str | bytes] = []

    class Tap:
        def sent(self, text: str) -> None:
            sent.append(text)

        def received(self, message: str | bytes) -> None:
            received.append(message)

        def closed(self, code: int, reason: str) -> None: ...

    async with house(tap=Tap()) as at:
        await at.application.send(b"\x00\x01")
        await at.application.send('{"event":"clear"}')
        await at.application.settled(at.stream)
        seen = [frame["event"] for frame in at.application.frames]
    assert received[:2] == [b"\x00\x01", '{"event":"clear"}']
    assert [part in text for part, text in zip(("connected", "start", "error"), sent, strict=False)] == [True] * 3
    assert seen == ["connected", "start", "error"]


async def test_an_application_that_stops_reading_costs_no_memory_and_ends_quickly() -> None:
    async with house(track="both_tracks") as at:
        at.application.socket.transport.pause_reading()
        for _ in range(40_000):
            at.stream.carry(None, None)
        assert "slow-reader" in at.found
        assert at.stream.frames_sent < 80_000
        await at.stream.close()
        await at.running
        at.application.socket.transport.resume_reading()


async def test_what_cannot_be_opened_is_said_in_one_sentence() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wrong = {
        f"ws://127.0.0.1:{port}/a/b?token=secret": "403",
        "ws://127.0.0.1:1/x": "could not be opened",
        "ws://[/x": "could not be opened",
        "http://127.0.0.1/x": "could not be opened",
    }
    for url, why in wrong.items():
        stream = MediaStream(StreamOptions(url), START, LegAudio(), Findings())
        with pytest.raises(StreamFailed, match=why) as failed:
            await stream.open()
        assert "secret" not in str(failed.value)
        await stream.close()
    server.close()
    for options in (
        StreamOptions("ws://127.0.0.1:1/", codec="AMR-WB"),
        StreamOptions("ws://127.0.0.1:1/", "both_tracks"),
    ):
        leg = LegAudio("AMR-WB", 16_000) if options.codec is None else LegAudio()
        with pytest.raises(StreamFailed, match="AMR-WB"):
            await MediaStream(options, START, leg, Findings()).open()
    with pytest.raises(StreamFailed, match="stream_auth_token"):
        await MediaStream(
            StreamOptions("ws://127.0.0.1:1/", auth_token="a\r\nb"), START, LegAudio(), Findings()
        ).open()


async def test_wss_on_a_plain_port_of_this_machine_falls_back_and_is_named() -> None:
    async with house() as at:
        plain = at.stream.options.url.replace("ws://", "wss://")
        findings = Findings()
        stream = MediaStream(StreamOptions(plain, mode="rtp"), START, LegAudio(), findings)
        await stream.open()
        application = await at.connections.get()
        await application.until("start")
        await stream.close()
    assert [finding["rule"] for finding in findings.report()] == ["wss-on-plain-port"]

"""An application that sends nonsense, over its media WebSocket or as TeXML, never ends the simulator."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import httpx
import pytest

from simulator.server import Simulator
from tests.simulator.call_house import NOBODY_TALKS, Line
from tests.simulator.conftest import Bot

PAYLOAD = base64.b64encode(b"\x10" * 160).decode()
GOOD: list[dict[str, Any]] = [
    {"event": "media", "media": {"payload": PAYLOAD}},
    {"event": "mark", "mark": {"name": "one"}},
    {"event": "clear"},
]
BAD: list[str | bytes] = [
    "",
    " ",
    "null",
    "[]",
    "5",
    '"media"',
    "{",
    "[" * 100_000,
    '{"event":' * 5000,
    '{"event":null}',
    '{"event":"media"}',
    '{"event":"media","media":null}',
    '{"event":"media","media":[]}',
    '{"event":"media","media":{"payload":5}}',
    '{"event":"media","media":{"payload":""}}',
    '{"event":"media","media":{"payload":"A"}}',
    '{"event":"media","media":{"payload":"\\ud800"}}',
    '{"event":"media","media":{"payload":"é"}}',
    '{"event":"mark","mark":{"name":""}}',
    json.dumps({"event": "mark", "mark": {"name": "x" * 5000}}),
    '{"event":"stop"}',
    '{"event":"start","start":{}}',
    json.dumps({"event": "é" * 100_000}),
    '{"event":"clear","event":"media"}',
    "\x00",
    b"",
    b"\xff\xfe",
    b'{"event":"clear"}',
    bytes(200_000),
]
DOCUMENTS = [
    "",
    "nonsense",
    "<",
    "<Response>",
    "</Response>",
    "<Response/>" * 3,
    "<!DOCTYPE a [<!ENTITY b 'c'>]><Response><Say>&b;</Say></Response>",
    "<a>" * 5000,
    "<Response><Say>" + "x" * 200_000 + "</Say></Response>",
    "<Response><Nothing/></Response>",
    "<Response><Connect/></Response>",
    "<Response><Connect><Stream/></Connect></Response>",
    '<Response><Connect><Stream url="nowhere"/></Connect></Response>',
    '<Response><Connect><Stream url="ws://127.0.0.1:9/"/></Connect></Response>',
    '<Response><Pause length="-1"/></Response>',
    '<Response><Pause length="9999999999999999999"/></Response>',
    '<Response><Pause length="NaN"/></Response>',
    '<Response><Play loop="99999">http://127.0.0.1:9/</Play></Response>',
    "<Response><Play>file:///etc/passwd</Play></Response>",
    "<Response><Redirect/></Response>",
    "<Response><Redirect>http://[</Redirect></Response>",
    "<Response><Dial/></Response>",
    "<Response><Dial><Number>nobody</Number></Dial></Response>",
    "<Response><Dial timeout='x'>+15550101404</Dial></Response>",
    '<Response><Gather numDigits="0" timeout="-5"/></Response>',
    '<Response><Record maxLength="0" finishOnKey="zz"/></Response>',
    "<Response><Stop/><Stop><Stream name='a'/></Stop></Response>",
    "<Response>\x00</Response>",
    "<Response>\ufffe</Response>",
    "<?xml version='1.0' encoding='utf-16'?><Response/>",
    "<?xml version='1.0' encoding='no-such'?><Response/>",
]


def mutated(random: Random) -> str:
    """A good frame with a few of its characters changed, taken away or doubled."""
    text = list(json.dumps(random.choice(GOOD)))
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(text))
        text[at] = random.choice(["", text[at] * 2, chr(random.randrange(1, 0x2FF)), '"', "{", "\\"])
    return "".join(text)


async def test_nonsense_on_the_stream_is_answered_and_the_stream_goes_on(line: Line, bot: Bot) -> None:
    call_id = await line.answered(
        stream_url=bot.stream_url, stream_bidirectional_mode="rtp", stream_bidirectional_target_legs="self"
    )
    stream = await bot.streams.get()
    random = Random(7)
    for message in [*BAD, *(mutated(random) for _ in range(1500))]:
        if isinstance(message, bytes):
            await stream.socket.send_bytes(message)
        else:
            await stream.send(message)
    await stream.send({"event": "clear"})
    await stream.send({"event": "mark", "mark": {"name": "still there"}})
    await stream.until_frame(lambda frame: frame.get("mark") == {"name": "still there"})
    errors = stream.of("error")
    assert len(errors) > len(BAD) - 5
    assert {error["payload"]["code"] for error in errors} <= {100003, 100004, 100005}
    seen = len(stream.of("media"))
    await stream.until("media", seen + 3)
    await line.client.calls.actions.hangup(call_id)
    report = await line.report(call_id)
    assert report["ended"]["cause"] == "normal_clearing"
    assert not any("simulator failed" in warning for warning in report["warnings"])


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(talk: Talk) -> AsyncIterator[str]:
    """An address of ws:// at which `talk` has the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    request = (await reader.readuntil(b"\r\n\r\n")).decode()
    key = next(
        each.split(": ")[1] for each in request.split("\r\n") if each.lower().startswith("sec-websocket-key")
    )
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


async def not_a_websocket(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    await writer.drain()


async def no_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(bytes(range(256)) * 300)
    await writer.drain()


async def gone_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


@pytest.mark.parametrize("talk", [not_a_websocket, no_http, gone_at_once])
async def test_a_server_that_is_no_websocket_fails_the_stream_alone(line: Line, talk: Talk) -> None:
    async with raw_server(talk) as url:
        call_id = await line.answered(stream_url=url)
        failed = await line.event("streaming.failed", call_id)
        assert failed["failure_reason"] == "connection_failed"
    await line.client.calls.actions.hangup(call_id)
    assert (await line.report(call_id))["ended"]["cause"] == "normal_clearing"


@pytest.mark.parametrize(
    "frames",
    [
        b"\xff" * 100,
        b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x80\x01a",
        b"\x83\x00",
        b"\x89\x7e\x10\x00" + bytes(4096),
        b"\x81\x02\xff\xfe",
        b"\x88\x01\x03",
        b"\xc1\x01a",
    ],
    ids=["ones", "huge", "continued", "opcode", "long-ping", "utf-8", "short-close", "reserved"],
)
async def test_broken_frames_end_the_stream_alone(line: Line, frames: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await handshake(reader, writer)
        writer.write(frames)
        while await reader.read(65_536):
            pass

    async with raw_server(talk) as url:
        call_id = await line.answered(stream_url=url)
        await line.event("streaming.stopped", call_id)
    status = await line.client.calls.retrieve_status(call_id)
    assert status.data is not None
    assert status.data.is_alive
    await line.client.calls.actions.hangup(call_id)
    assert not any("simulator failed" in warning for warning in (await line.report(call_id))["warnings"])


async def test_nonsense_for_texml_ends_its_own_call_at_most(
    simulator: Simulator, control: httpx.AsyncClient, bot: Bot
) -> None:
    reports: list[dict[str, Any]] = []
    for number, document in enumerate(DOCUMENTS, 1):
        bot.texml = document
        order = {"texml_url": f"{bot.url}/texml/{number}", "script": NOBODY_TALKS}
        call_id = (await control.post("/calls", json=order)).json()["call_control_id"]
        await bot.until(f"/texml/{number}", 1)
        reports.append((await control.get(f"/calls/{call_id}?wait_ms=100")).json())
        await control.delete(f"/calls/{call_id}")
    failed = [
        (document[:80], warning)
        for document, report in zip(DOCUMENTS, reports, strict=True)
        for warning in report["warnings"]
        if "simulator failed" in warning
    ]
    assert failed == []
    assert (await control.get("/health")).json()["status"] == "ok"
    bot.texml = "<Response><Hangup/></Response>"
    call_id = (await control.post("/calls", json=order)).json()["call_control_id"]
    report = (await control.get(f"/calls/{call_id}?wait_ms=20000")).json()
    assert report["ended"]["cause"] == "normal_clearing"

"""The softphone's line against a server that speaks the simulator's wire."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator
from http import HTTPStatus

import numpy as np
import pytest

from console.sound import protocol
from console.sound.clock import BLOCK, RATE
from console.sound.phone_line import PhoneLine
from console.sound.protocol import Phone, PhoneKey, PhoneStats, Trouble
from tests.sound.link_house import Samples, loud, pitch, speaking, tone
from tests.sound.peers import Connection, HandEngine, Peer, Reports

HEAD = struct.Struct("!BBHQ")
NUMBER = "+15550100190"


@pytest.fixture
async def phone(peer: Peer, engine: HandEngine, reports: Reports) -> AsyncIterator[PhoneLine]:
    line = PhoneLine(engine, reports)
    await line.open(protocol.OpenPhone(url=peer.url, token="t0k", number=NUMBER, order={"codec": "G722"}))
    yield line
    await line.close()


async def registered(peer: Peer, reports: Reports) -> Connection:
    connection = await peer.connection()
    await connection.text("register")
    await connection.say("registered", number=NUMBER)
    await reports.next(Phone, lambda one: one.state == "registered")
    return connection


async def talking(peer: Peer, reports: Reports, rate: int = 16_000) -> Connection:
    connection = await registered(peer, reports)
    await connection.say("ringing", call_control_id="v3:a", from_number="+15550100000", to_number=NUMBER)
    await connection.say("answered", call_control_id="v3:a", codec="G722", rate=rate)
    await reports.next(Phone, lambda one: one.state == "talking")
    return connection


async def test_the_phone_registers_rings_is_accepted_and_hears(
    peer: Peer, phone: PhoneLine, engine: HandEngine, reports: Reports
) -> None:
    connection = await peer.connection()
    assert peer.requests[0].path == "/sim/phone"
    assert peer.requests[0].headers["Authorization"] == "Bearer t0k"
    assert await connection.text("register") == {"type": "register", "number": NUMBER, "order": {"codec": "G722"}}
    await connection.say("registered", number=NUMBER)
    await connection.say("ringing", call_control_id="v3:a", from_number="+15550100000", to_number=NUMBER)
    ringing = await reports.next(Phone, lambda one: one.state == "ringing")
    assert ringing.from_number == "+15550100000"
    bell = await engine.hear(lambda heard: len(heard) > RATE / 2)
    assert 500 < np.abs(bell).max() < 6000
    await phone.accept()
    await connection.text("accept")
    await connection.say("answered", call_control_id="v3:a", codec="G722", rate=16_000)
    answered = await reports.next(Phone, lambda one: one.state == "talking")
    assert (answered.codec, answered.rate, answered.from_number) == ("G722", 16_000, "+15550100000")
    async with speaking(connection, 700, 16_000, lambda at, frame: HEAD.pack(1, 0, 160, at) + frame):
        heard = await engine.hear(loud)
    assert np.array_equal(heard[:, 0], heard[:, 1])
    assert pitch(heard[np.abs(heard[:, 0]) > 0][:, 0]) == pytest.approx(700, abs=20)
    await connection.say("key", digit="5")
    assert (await reports.next(PhoneKey)).digit == "5"
    await connection.say("ended", call_control_id="v3:a", cause="normal_clearing", source="caller", message="Bye.")
    ended = await reports.next(Phone, lambda one: one.state == "ended")
    assert (ended.cause, ended.source, ended.message) == ("normal_clearing", "caller", "Bye.")
    assert (engine.sources, engine.sinks) == ([], [])


@pytest.mark.parametrize("rate", [8000, 16_000])
async def test_the_line_gets_whole_frames_of_the_microphone_and_silence_on_hold(
    peer: Peer, phone: PhoneLine, engine: HandEngine, reports: Reports, rate: int
) -> None:
    connection = await talking(peer, reports, rate)
    got: list[Samples] = []
    for held in (False, True):
        await phone.hold(protocol.Hold(on=held))
        for block in tone(500, 0.2, RATE).reshape(-1, BLOCK):
            engine.speak(block)
            await asyncio.sleep(0)
        while len(got) < (9 if not held else 19):
            message = await connection.audio()
            channel, flags, hundreds, at_us = HEAD.unpack_from(message)
            assert (channel, flags, hundreds) == (0, 0, rate // 100)
            assert abs(at_us - time.monotonic_ns() // 1000) < 5_000_000
            assert len(message) == HEAD.size + rate // 50 * 2
            got.append(np.frombuffer(message, "<i2", offset=HEAD.size))
    spoken, silent = np.concatenate(got[1:9]), np.concatenate(got[12:])
    assert pitch(spoken, rate) == pytest.approx(500, abs=15)
    assert not silent.any()


async def test_the_phone_dials_and_hears_it_ring(
    peer: Peer, phone: PhoneLine, engine: HandEngine, reports: Reports
) -> None:
    connection = await registered(peer, reports)
    await phone.dial(protocol.Dial(order={"to": "+15550100000", "texml_url": "http://x/texml"}))
    assert (await connection.text("dial"))["order"]["to"] == "+15550100000"
    await connection.say("dialling", call_control_id="v3:b", from_number=NUMBER, to_number="+15550100000")
    await reports.next(Phone, lambda one: one.state == "dialling")
    ringback = await engine.hear(lambda heard: len(heard) > RATE / 2)
    assert pitch(ringback[:, 0]) == pytest.approx(460, abs=25)
    await phone.key(protocol.Key(digit="#"))
    assert (await connection.text("key"))["digit"] == "#"
    await phone.hang_up()
    await connection.text("hang_up")
    await connection.say("ended", call_control_id="v3:b", cause="originator_cancel", source="caller")
    await reports.next(Phone, lambda one: one.state == "ended")
    assert engine.sources == []


async def test_what_the_simulator_refuses_is_told_in_its_words(
    peer: Peer, phone: PhoneLine, reports: Reports
) -> None:
    connection = await registered(peer, reports)
    await connection.say("refused", of="dial", message="There is nobody at that number.")
    assert (await reports.next(Phone)).message == "There is nobody at that number."
    await connection.say("refused", of="accept", message="Nothing rings.")
    assert (await reports.next(Trouble)).message == "Nothing rings."
    await connection.say("refused", of="register", message="The number is taken.")
    assert (await reports.next(Phone)).state == "off"


async def test_a_call_ends_with_its_connection_and_the_phone_registers_again(
    peer: Peer, phone: PhoneLine, engine: HandEngine, reports: Reports
) -> None:
    connection = await talking(peer, reports)
    connection.socket.transport.abort()
    ended = await reports.next(Phone)
    assert ended.state == "ended"
    assert "hung up" in ended.message
    assert (await reports.next(Phone)).state == "off"
    assert (engine.sources, engine.sinks) == ([], [])
    await registered(peer, reports)


async def test_the_phone_waits_for_a_simulator_that_comes_back(
    peer: Peer, phone: PhoneLine, reports: Reports
) -> None:
    await registered(peer, reports)
    await peer.stop()
    off = await reports.next(Phone)
    assert off.state == "off"
    with pytest.raises(ValueError, match="simulator"):
        await phone.hang_up()
    await peer.start()
    await registered(peer, reports)


async def test_the_round_trip_and_what_was_missed_are_told(peer: Peer, phone: PhoneLine, reports: Reports) -> None:
    connection = await talking(peer, reports)
    ping = await connection.text("ping")
    await connection.say("pong", id=ping["id"])
    await connection.say("stats", buffer_ms=40, jitter_ms=1.5, lost=3, late=2)
    await connection.say("pong", id=999)
    stats = await reports.next(PhoneStats)
    assert 0 < stats.round_trip_ms < 10_000
    assert (stats.microphone_lost, stats.microphone_late) == (3, 2)
    assert stats.delay_ms >= HandEngine.speaker_delay_ms


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (HTTPStatus.UNAUTHORIZED, '{"error":"The token is wrong."}', "The token is wrong."),
        (HTTPStatus.FORBIDDEN, "", "token"),
        (HTTPStatus.NOT_FOUND, "<html>", "404"),
    ],
)
async def test_a_refused_phone_says_why_once(
    peer: Peer, engine: HandEngine, reports: Reports, status: HTTPStatus, body: str, says: str
) -> None:
    peer.refuse = status, body
    line = PhoneLine(engine, reports)
    await line.open(protocol.OpenPhone(url=peer.url, token="no", number=NUMBER))
    off = await reports.next(Phone)
    assert off.state == "off"
    assert says in off.message
    with pytest.raises(ValueError, match="not open"):
        await line.hang_up()
    assert len(peer.requests) == 1
    await line.close()


@pytest.mark.parametrize(
    "nonsense",
    [b"\x01", HEAD.pack(1, 0, 80, 0) + b"odd", HEAD.pack(7, 0, 80, 0) + b"ab", HEAD.pack(1, 0, 9, 0) + b"ab", "{"],
)
async def test_nonsense_from_the_simulator_ends_the_link_with_a_sentence(
    peer: Peer, phone: PhoneLine, reports: Reports, nonsense: str | bytes
) -> None:
    connection = await talking(peer, reports)
    await connection.say("of a later version", new=1)
    await connection.socket.send("[]")
    await connection.socket.send(nonsense)
    ended = await reports.next(Phone, lambda one: one.state == "ended")
    assert "another version" in ended.message
    assert (await reports.next(Phone)).state == "off"


async def test_a_slow_network_gets_the_newest_of_the_microphone_and_nothing_piles_up(
    peer: Peer, phone: PhoneLine, engine: HandEngine, reports: Reports
) -> None:
    connection = await talking(peer, reports)
    said = 6000
    for number in range(said):
        engine.speak(np.full(BLOCK, number % 1000, np.int16))
        if number % 10 == 0:
            await asyncio.sleep(0)
    first = await connection.audio()
    await phone.key(protocol.Key(digit="9"))
    got = 1
    async with asyncio.timeout(10):
        async for message in connection.socket:
            if isinstance(message, str):
                if "key" in message:
                    break
                continue
            got += 1
    assert len(first) == HEAD.size + 640
    assert got < said / 2

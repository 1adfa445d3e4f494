"""The softphone's line and an operator's ears against servers that speak their wires."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import struct
import time
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from agent import audio_wire
from console.sound import protocol
from console.sound.call_ears import CallEars
from console.sound.clock import BLOCK, RATE
from console.sound.phone_line import PhoneLine
from console.sound.protocol import Listening, ListeningStats, Phone, PhoneKey, PhoneStats, Trouble
from tests.sound.peers import Connection, HandEngine, Peer, Reports

Samples = npt.NDArray[np.int16]

HEAD = struct.Struct("!BBHQ")
NUMBER = "+15550100190"
WHO = "night shift"


def tone(hertz: float, seconds: float, rate: int) -> Samples:
    return (9000 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.int16)


def frames(samples: Samples, rate: int) -> list[bytes]:
    return [one.tobytes() for one in samples.reshape(-1, rate // 50)]


def pitch(samples: Samples, rate: int = RATE) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples.astype(np.float64)))) * rate / len(samples))


def loud(samples: Samples, seconds: float = 0.2) -> bool:
    """Whether there is so much sound in both ears or one."""
    return int(np.count_nonzero(np.abs(samples.astype(np.int32)).max(axis=1) > 1000)) > seconds * RATE * 0.7


@contextlib.asynccontextmanager
async def speaking(
    connection: Connection, hertz: float, rate: int, message: Callable[[int, bytes], bytes]
) -> AsyncIterator[None]:
    """A tone, a frame each 20 ms; ``message`` is given the time in microseconds and the frame."""

    async def speak() -> None:
        for frame in itertools.cycle(frames(tone(hertz, 1, rate), rate)):
            await connection.socket.send(message(time.monotonic_ns() // 1000, frame))
            await asyncio.sleep(0.02)

    task = asyncio.create_task(speak())
    try:
        yield
    finally:
        task.cancel()


def voice(channel: int, rate: int, flags: int = 0, ahead_us: int = 0) -> Callable[[int, bytes], bytes]:
    return lambda at, frame: audio_wire.encode(channel, rate, at + ahead_us, frame, flags)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    made = Peer()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def engine() -> HandEngine:
    return HandEngine()


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
async def phone(peer: Peer, engine: HandEngine, reports: Reports) -> AsyncIterator[PhoneLine]:
    line = PhoneLine(engine, reports)
    await line.open(protocol.OpenPhone(url=peer.url, token="t0k", number=NUMBER, order={"codec": "G722"}))
    yield line
    await line.close()


@pytest.fixture
async def ears(engine: HandEngine, reports: Reports) -> AsyncIterator[CallEars]:
    made = CallEars(engine, reports)
    yield made
    await made.close()


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


def listen(peer: Peer, call: str = "c_1", **options: Any) -> protocol.Listen:
    return protocol.Listen(url=peer.url, token="t0k", call=call, who=WHO, **options)


async def opened(peer: Peer, reports: Reports, call: str = "c_1", speak_hz: int = 8000) -> Connection:
    connection = await peer.connection()
    await connection.say("start", call=call, caller_hz=8000, agent_hz=16_000, speak_hz=speak_hz)
    await reports.next(Listening, lambda one: one.state == "open")
    return connection


async def send_ahead(connection: Connection, samples: Samples, rate: int) -> None:
    """The agent's, all at once."""
    for frame in frames(samples, rate):
        await connection.socket.send(audio_wire.encode(audio_wire.AGENT, rate, time.monotonic_ns() // 1000, frame))


@pytest.mark.parametrize("split", [True, False])
async def test_a_call_is_heard_in_both_ears_or_one_voice_in_each(
    peer: Peer, ears: CallEars, engine: HandEngine, reports: Reports, split: bool
) -> None:
    await ears.listen(listen(peer, ears="split" if split else "mix"))
    connection = await opened(peer, reports)
    assert peer.requests[0].path == "/calls/c_1/audio?who=night%20shift"
    async with (
        speaking(connection, 900, 16_000, voice(audio_wire.AGENT, 16_000)),
        speaking(connection, 300, 8000, voice(audio_wire.CALLER, 8000)),
    ):
        heard = await engine.hear(lambda heard: loud(heard, 0.4))
    spectrum = [np.abs(np.fft.rfft(heard[:, ear].astype(np.float64))) for ear in (0, 1)]
    caller, agent = (round(one * len(heard) / RATE) for one in (300, 900))
    left = spectrum[0][caller - 9 : caller + 9].max() / spectrum[0][agent - 9 : agent + 9].max()
    right = spectrum[1][caller - 9 : caller + 9].max() / spectrum[1][agent - 9 : agent + 9].max()
    if split:
        assert left > 20
        assert right < 0.05
    else:
        assert 0.3 < left < 3
        assert left == pytest.approx(right)


async def test_the_ears_change_while_the_connection_stays(peer: Peer, ears: CallEars, reports: Reports) -> None:
    await ears.listen(listen(peer))
    await opened(peer, reports)
    await ears.listen(listen(peer, ears="split"))
    await reports.next(Listening)
    assert len(peer.requests) == 1


async def test_an_agent_who_is_cut_short_falls_silent(
    peer: Peer, ears: CallEars, engine: HandEngine, reports: Reports
) -> None:
    await ears.listen(listen(peer))
    connection = await opened(peer, reports)
    await send_ahead(connection, tone(900, 5, 16_000), 16_000)
    await engine.hear(loud)
    await connection.say("cleared")
    await connection.say("behind", dropped_ms=120)
    await send_ahead(connection, tone(300, 0.6, 16_000), 16_000)
    heard = await engine.hear(lambda heard: loud(heard[heard.shape[0] // 2 :], 0.3))
    assert pitch(heard[-RATE // 5 :, 0]) == pytest.approx(300, abs=20)
    assert (await reports.next(ListeningStats)).lost_ms >= 120


async def test_the_microphone_goes_where_it_is_told_and_does_not_come_back(
    peer: Peer, ears: CallEars, engine: HandEngine, reports: Reports
) -> None:
    with pytest.raises(ValueError, match="listen"):
        await ears.speak(protocol.Speak(call="c_1", to="caller"))
    await ears.listen(listen(peer))
    await ears.speak(protocol.Speak(call="c_1", to="caller"))
    connection = await opened(peer, reports)
    assert (await connection.text("speak"))["to"] == "caller"
    while not engine.sinks:
        await asyncio.sleep(0.005)
    for block in tone(500, 0.2, RATE).reshape(-1, BLOCK):
        engine.speak(block)
        await asyncio.sleep(0)
    got = [audio_wire.decode(await connection.audio()) for _ in range(8)]
    assert {(one.channel, one.flags, one.rate, len(one.samples)) for one in got} == {(2, 0, 8000, 320)}
    assert pitch(np.concatenate([np.frombuffer(one.samples, "<i2") for one in got[1:]]), 8000) == pytest.approx(
        500, abs=15
    )
    ours = voice(audio_wire.AGENT, 16_000, audio_wire.BY_OPERATOR)
    async with (
        speaking(connection, 900, 16_000, ours),
        speaking(connection, 300, 8000, voice(audio_wire.CALLER, 8000)),
    ):
        heard = await engine.hear(loud)
    spectrum = np.abs(np.fft.rfft(heard[:, 0].astype(np.float64)))
    assert spectrum[round(880 * len(heard) / RATE) : round(920 * len(heard) / RATE)].max() < spectrum.max() / 50
    await ears.speak(protocol.Speak(call="c_1", to="nobody"))
    assert (await connection.text("speak"))["to"] == "nobody"
    assert engine.sinks == []
    async with speaking(connection, 900, 16_000, ours):
        await engine.hear(lambda heard: loud(heard) and pitch(heard[-RATE // 10 :, 0]) > 850)


async def test_a_take_over_goes_on_after_a_break_of_the_network(
    peer: Peer, ears: CallEars, engine: HandEngine, reports: Reports
) -> None:
    await ears.listen(listen(peer))
    connection = await opened(peer, reports)
    await ears.speak(protocol.Speak(call="c_1", to="caller"))
    await connection.text("speak")
    connection.socket.transport.abort()
    lost = await reports.next(Listening, lambda one: one.state == "lost")
    assert lost.speaking == "caller"
    assert engine.sinks == []
    again = await peer.connection()
    assert (await again.text("speak"))["to"] == "caller"
    await again.say("start", call="c_1", caller_hz=8000, agent_hz=8000, speak_hz=8000)
    assert (await reports.next(Listening)).speaking == "caller"
    while not engine.sinks:
        await asyncio.sleep(0.005)


async def test_a_call_that_is_over_is_told_once_and_left(
    peer: Peer, ears: CallEars, engine: HandEngine, reports: Reports
) -> None:
    await ears.listen(listen(peer))
    connection = await opened(peer, reports)
    await connection.say("end")
    closed = await reports.next(Listening)
    assert (closed.state, closed.message) == ("closed", "The call is over.")
    await connection.socket.wait_closed()
    assert engine.sources == []
    await ears.listen(listen(peer))
    await opened(peer, reports)
    assert [one.state for one in reports.all if isinstance(one, Listening)] == ["open", "closed", "open"]


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (HTTPStatus.UNAUTHORIZED, "", "token"),
        (HTTPStatus.NOT_FOUND, '{"error":"There is no call c_1."}', "There is no call c_1."),
        (HTTPStatus.CONFLICT, '{"error":"Nobody has answered yet."}', "Nobody has answered yet."),
    ],
)
async def test_a_refusal_to_listen_is_one_sentence(
    peer: Peer, ears: CallEars, reports: Reports, status: HTTPStatus, body: str, says: str
) -> None:
    peer.refuse = status, body
    await ears.listen(listen(peer))
    closed = await reports.next(Listening)
    assert closed.state == "closed"
    assert says in closed.message
    assert len(peer.requests) == 1


@pytest.mark.parametrize("code", [1008, 4404])
async def test_a_server_that_closes_with_a_refusal_is_not_asked_again(
    peer: Peer, ears: CallEars, reports: Reports, code: int
) -> None:
    await ears.listen(listen(peer))
    connection = await opened(peer, reports)
    await connection.socket.close(code, "There is no such call.")
    closed = await reports.next(Listening)
    assert (closed.state, closed.message) == ("closed", "There is no such call.")


async def test_nonsense_from_the_agent_ends_listening_with_a_sentence(
    peer: Peer, ears: CallEars, reports: Reports
) -> None:
    await ears.listen(listen(peer))
    connection = await opened(peer, reports)
    await connection.say("news", from_="a later version")
    await connection.socket.send(audio_wire.encode(audio_wire.OPERATOR, 8000, 1, b"ab"))
    closed = await reports.next(Listening)
    assert closed.state == "closed"
    assert "another version" in closed.message


@pytest.mark.parametrize("apart_us", [0, 3_600_000_000])
async def test_the_delay_is_measured_where_the_clocks_agree_and_else_said_to_be_estimated(
    peer: Peer, ears: CallEars, engine: HandEngine, reports: Reports, apart_us: int
) -> None:
    await ears.listen(listen(peer))
    connection = await opened(peer, reports)
    async with speaking(connection, 300, 8000, voice(audio_wire.CALLER, 8000, ahead_us=apart_us)):
        await engine.hear(loud)
    stats = await reports.next(ListeningStats, lambda one: one.buffer_ms > 0)
    assert stats.estimated == bool(apart_us)
    assert HandEngine.speaker_delay_ms <= stats.behind_ms < 1000
    assert stats.level_caller > -30
    assert stats.level_agent == -90


async def test_two_calls_are_heard_at_once(
    peer: Peer, ears: CallEars, engine: HandEngine, reports: Reports
) -> None:
    await ears.listen(listen(peer, "c_1"))
    first = await opened(peer, reports, "c_1")
    await ears.listen(listen(peer, "c_2"))
    await opened(peer, reports, "c_2")
    assert len(engine.sources) == 2
    await ears.unlisten(protocol.Unlisten(call="c_1"))
    assert (await reports.next(Listening)).state == "closed"
    await first.socket.wait_closed()
    assert len(engine.sources) == 1

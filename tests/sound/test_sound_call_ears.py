"""An operator's ears against a server that speaks the agent's wire."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import numpy as np
import pytest

from agent import audio_wire
from console.sound import protocol
from console.sound.call_ears import CallEars
from console.sound.clock import BLOCK, RATE
from console.sound.protocol import Listening, ListeningStats
from tests.sound.link_house import Samples, frames, loud, pitch, speaking, tone, voice
from tests.sound.peers import Connection, HandEngine, Peer, Reports

WHO = "night shift"


@pytest.fixture
async def ears(engine: HandEngine, reports: Reports) -> AsyncIterator[CallEars]:
    made = CallEars(engine, reports)
    yield made
    await made.close()


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
    await send_ahead(connection, tone(300, 2, 16_000), 16_000)
    heard = await engine.hear(
        lambda heard: loud(heard) and pitch(heard[-RATE // 5 :, 0]) == pytest.approx(300, abs=20)
    )
    assert len(heard) < 3 * RATE
    await reports.next(ListeningStats, lambda one: one.lost_ms >= 120)


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

"""An operator's ears and voice in a call that is in a LiveKit room, on a real server."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from unittest.mock import Mock

import numpy as np
import pytest

from agent import audio_wire
from console.sound import protocol
from console.sound.call_ears import CallEars
from console.sound.clock import BLOCK, RATE
from console.sound.protocol import Configure, Listening, ListeningStats, Speak
from console.sound.room_voice import Owner, RoomVoice
from tests.rooms.servers import LiveKitServer, need_livekit_server
from tests.sound.link_house import loud, pitch, tone
from tests.sound.peers import HandEngine, Reports
from tests.sound.room_house import (
    Door,
    delete,
    heard_tone,
    in_room,
    opened_door,
    operators,
    spectrum,
    take_out,
)
from tests.sound.sound_process import SoundProcess

CALLER_HZ, AGENT_HZ, OPERATOR_HZ, OTHER_HZ = 300, 900, 500, 1500


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    need_livekit_server()
    with contextlib.closing(LiveKitServer(tmp_path_factory.mktemp("livekit")).start()) as made:
        yield made


@pytest.fixture
async def door(server: LiveKitServer) -> AsyncIterator[Door]:
    async with opened_door(server) as made:
        yield made


@pytest.fixture
async def ears(engine: HandEngine, reports: Reports) -> AsyncIterator[CallEars]:
    made = CallEars(engine, reports)
    yield made
    await made.close()


class Operator:
    """One console's sound process, but for its devices."""

    def __init__(self) -> None:
        self.engine, self.reports = HandEngine(), Reports()
        self.ears = CallEars(self.engine, self.reports)
        self._humming: asyncio.Task[None] | None = None

    async def listen(self, door: Door, who: str) -> None:
        await self.ears.listen(door.listen(who, ears="split"))
        await self.reports.next(Listening, lambda one: one.state == "open")

    def hum(self) -> None:
        """Into the microphone."""

        async def hum() -> None:
            while True:
                for block in tone(OPERATOR_HZ, 1, RATE).reshape(-1, BLOCK):
                    self.engine.speak(block)
                    await asyncio.sleep(0.02)

        self._humming = asyncio.create_task(hum())

    async def close(self) -> None:
        if self._humming is not None:
            self._humming.cancel()
        await self.ears.close()


@pytest.fixture
async def ada() -> AsyncIterator[Operator]:
    made = Operator()
    yield made
    await made.close()


@pytest.fixture
async def grace() -> AsyncIterator[Operator]:
    made = Operator()
    yield made
    await made.close()


async def test_a_hidden_listener_hears_the_caller_left_and_the_agent_right(door: Door, ada: Operator) -> None:
    async with (
        in_room(door, "caller", CALLER_HZ) as caller,
        in_room(door, "agent", AGENT_HZ),
        in_room(door, "passer-by", OTHER_HZ),
    ):
        await ada.listen(door, "ada")
        heard = await ada.engine.hear(lambda heard: loud(heard[:, :1], 0.6) and loud(heard[:, 1:], 0.6), most=1500)
        stats = await ada.reports.next(ListeningStats, lambda one: one.level_caller > -40 < one.level_agent)
        await caller.until(lambda: len(caller.others) == 2)
        seen = set(caller.others)
    left, right = heard[-RATE // 3 :, 0], heard[-RATE // 3 :, 1]
    assert spectrum(left, CALLER_HZ) > 20 * spectrum(left, AGENT_HZ)
    assert spectrum(right, AGENT_HZ) > 20 * spectrum(right, CALLER_HZ)
    assert max(spectrum(ear, OTHER_HZ) for ear in (left, right)) < spectrum(left, CALLER_HZ) / 20
    assert seen == {"agent", "passer-by"}
    assert stats.estimated
    assert HandEngine.speaker_delay_ms + stats.buffer_ms < stats.behind_ms < 3000
    assert [asked.to for asked in door.asked] == ["listen"]


async def test_two_operators_in_one_room(door: Door, ada: Operator, grace: Operator) -> None:
    async with in_room(door, "caller") as caller, in_room(door, "agent", AGENT_HZ):
        await ada.listen(door, "ada")
        await grace.listen(door, "grace")
        await ada.ears.speak(Speak(call="c_1", to="caller"))
        ada.hum()
        await caller.until(lambda: operators(caller) == {"ada"})
        voice = door.given[-1].identity
        await caller.until(lambda: heard_tone(caller, voice, OPERATOR_HZ))
        at_grace = await grace.engine.hear(
            lambda heard: (
                loud(heard[-RATE:, 1:], 0.8)
                and spectrum(heard[-RATE // 2 :, 1], OPERATOR_HZ) > spectrum(heard[-RATE // 2 :, 1], AGENT_HZ) / 10
            ),
            most=1500,
        )
        at_ada = await ada.engine.hear(lambda heard: loud(heard[:, 1:], 0.8), most=1500)
        await ada.ears.speak(Speak(call="c_1", to="nobody"))
        await caller.until(lambda: not operators(caller))
    assert ada.engine.sinks == []
    assert loud(at_grace)
    ours = at_ada[-RATE // 2 :, 1]
    assert spectrum(ours, AGENT_HZ) > 20 * spectrum(ours, OPERATOR_HZ)
    assert len({given.identity for given in door.given}) == 3


async def test_a_call_that_is_given_back_at_once_keeps_nobody_waiting(door: Door, ada: Operator) -> None:
    """LiveKit's client never answers about a track whose room is left while it is being published."""
    there = asyncio.Event()

    class Voice(RoomVoice):
        def joined(self) -> None:
            super().joined()
            there.set()

    async with in_room(door, "caller") as caller:
        voice = Voice(door.listen(), ada.engine, Mock(spec=Owner))
        voice.start()
        await there.wait()
        async with asyncio.timeout(30):
            await voice.close()
        await caller.until(lambda: not operators(caller))
    assert ada.engine.sinks == []


async def test_who_is_taken_out_of_the_room_speaks_no_more_and_listens_on(door: Door, ada: Operator) -> None:
    async with in_room(door, "caller", CALLER_HZ) as caller:
        await ada.listen(door, "ada")
        await ada.ears.speak(Speak(call="c_1", to="caller"))
        await caller.until(lambda: operators(caller) == {"ada"})
        while not ada.engine.sinks:
            await asyncio.sleep(0.02)
        await take_out(door, door.given[-1].identity)
        told = await ada.reports.next(Listening, lambda one: bool(one.message))
        assert told.message == "You are no longer on the line."
        assert (told.state, told.speaking) == ("open", "nobody")
        assert ada.engine.sinks == []
        await ada.engine.hear(lambda heard: pitch(heard[-RATE // 5 :, 0]) == pytest.approx(CALLER_HZ, abs=20))


async def test_a_room_that_is_deleted_is_a_call_that_is_over(door: Door, ada: Operator) -> None:
    async with in_room(door, "caller"):
        await ada.listen(door, "ada")
        await ada.ears.speak(Speak(call="c_1", to="caller"))
        while not ada.engine.sinks:
            await asyncio.sleep(0.02)
        await delete(door)
        closed = await ada.reports.next(Listening, lambda one: one.state == "closed")
    assert closed.message == "The call is over."
    assert (ada.engine.sources, ada.engine.sinks) == ([], [])


async def test_a_lost_room_is_told_and_joined_again_as_it_was(
    ada: Operator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    need_livekit_server()
    with contextlib.closing(LiveKitServer(tmp_path_factory.mktemp("livekit")).start()) as server:
        async with opened_door(server) as door:
            async with in_room(door, "caller"):
                await ada.listen(door, "ada")
                await ada.ears.speak(Speak(call="c_1", to="caller"))
                while not ada.engine.sinks:
                    await asyncio.sleep(0.02)
                server.kill()
                lost = await ada.reports.next(Listening, lambda one: one.state == "lost")
                assert "broke off" in lost.message
                assert lost.speaking == "caller"
            server.start()
            async with in_room(door, "caller", CALLER_HZ) as caller:
                again = await ada.reports.next(
                    Listening, lambda one: (one.state, one.speaking) == ("open", "caller"), within_s=60
                )
                assert not again.message
                await ada.engine.hear(lambda heard: loud(heard[:, :1]), most=3000)
                ada.hum()
                await caller.until(lambda: operators(caller) == {"ada"})
                await caller.until(
                    lambda: any(heard_tone(caller, given.identity, OPERATOR_HZ) for given in door.given)
                )


@pytest.mark.parametrize("status", [404, 409])
async def test_without_a_pass_the_call_is_heard_through_its_agent(door: Door, ada: Operator, status: int) -> None:
    door.refusal = status, "This agent lets nobody into rooms."
    await ada.ears.listen(door.listen())
    opened = await ada.reports.next(Listening, lambda one: one.state == "open")
    assert opened.message == ("This agent lets nobody into rooms. The call is heard through the agent instead.")
    await ada.ears.speak(Speak(call="c_1", to="caller"))
    assert json.loads(await door.text()) == {"type": "speak", "to": "caller"}


async def test_who_may_not_speak_is_told_and_listens_on(door: Door, ada: Operator) -> None:
    door.refusal, door.refuses = (409, "Take the call over first."), ("speak",)
    async with in_room(door, "caller", CALLER_HZ):
        await ada.listen(door, "ada")
        await ada.ears.speak(Speak(call="c_1", to="caller"))
        told = await ada.reports.next(Listening, lambda one: bool(one.message))
        await ada.engine.hear(lambda heard: loud(heard[:, :1]), most=1500)
    assert (told.state, told.speaking, told.message) == ("open", "nobody", "Take the call over first.")
    assert ada.engine.sinks == []


async def test_an_agent_that_does_not_know_the_token_ends_listening(door: Door, ada: Operator) -> None:
    order = door.listen()
    await ada.ears.listen(protocol.Listen(url=order.url, token="wrong", call="c_1", who="ada", line="livekit"))
    closed = await ada.reports.next(Listening)
    assert (closed.state, closed.message) == ("closed", "The token is missing or wrong.")


async def test_a_whisper_goes_to_the_agent_alone_while_the_room_is_heard(door: Door, ada: Operator) -> None:
    async with in_room(door, "caller", CALLER_HZ) as caller:
        await ada.listen(door, "ada")
        await ada.ears.speak(Speak(call="c_1", to="agent"))
        assert json.loads(await door.text()) == {"type": "speak", "to": "agent"}
        ada.hum()
        frames = [await door.frame() for _ in range(20)]
        await ada.engine.hear(lambda heard: loud(heard[:, :1]), most=1500)
        assert operators(caller) == set()
        await ada.ears.speak(Speak(call="c_1", to="nobody"))
    assert {(one.channel, one.rate) for one in frames} == {(audio_wire.OPERATOR, 16_000)}
    samples = np.concatenate([np.frombuffer(one.samples, "<i2") for one in frames[2:]])
    assert pitch(samples, 16_000) == pytest.approx(OPERATOR_HZ, abs=15)
    assert ada.engine.sinks == []


async def test_a_pass_that_the_server_refuses_is_told_and_is_in_no_log(
    door: Door, server: LiveKitServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    door.secret = "not the secret of this server, and long enough"
    folder = tmp_path_factory.mktemp("sound")
    async with SoundProcess(folder, Configure(backend="none")) as process:
        process.send(door.listen())
        lost = await process.reports.next(Listening)
    assert lost.state == "lost"
    assert (
        lost.message
        == f"The call's room at 127.0.0.1:{server.port} cannot be joined: it refuses the agent's pass."
    )
    written = (folder / "sound.out").read_text()
    assert "401" in written
    assert "eyJ" not in written

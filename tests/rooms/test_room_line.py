from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from livekit import api

from agent import events
from agent.frameworks import Job
from tests.agent.line_at_hand import of_kind
from tests.rooms.participants import SimulatedSip, listener, speaker
from tests.rooms.room_house import RoomHouse, agent_in, room_house, tone
from tests.rooms.servers import LiveKitServer

RATE = 16_000


@pytest.fixture
async def house(
    livekit_server: LiveKitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RoomHouse]:
    async with room_house(livekit_server, tmp_path, monkeypatch) as made:
        yield made


async def speak(job: Job, ms: int) -> None:
    for _ in range(ms // 20):
        await job.line.speak(tone(20, RATE).tobytes())


async def test_a_call_that_comes_in_is_answered_heard_and_told(house: RoomHouse) -> None:
    async with SimulatedSip(house.server, "in") as phone:
        await house.dispatch("in")
        job = await house.job()
        call = job.call
        state = house.agent.stream.calls[call]
        assert (state.direction, state.line, state.framework) == ("inbound", "livekit", "listener")
        assert (state.from_, state.to) == ("+15550100177", "+15550100000")
        assert (state.room.name, state.room.trunk, state.room.rule) == ("in", "ST_telnyx", "SDR_incoming")
        assert (state.room.caller, state.room.sip_status) == (phone.identity, "active")
        assert state.room.sip["telnyx.callLegID"] == phone.attributes["sip.telnyx.callLegID"]
        assert state.room.participants == {phone.identity: "sip", agent_in(phone): "agent"}

        await phone.say(tone(800, phone.rate))
        await house.hears(voice=True)
        for digit in ("<b>", "5"):
            await phone.room.local_participant.publish_dtmf(code=5, digit=digit)
        assert (await house.told(call, "call.dtmf")).digit == "5"
        await house.hears(keys="5")

        await speak(job, 1000)
        await phone.until(lambda: phone.voiced_ms(agent_in(phone)) >= 800)
        await phone.hang_up()
        ended = await house.told(call, "call.ended")
        assert (ended.cause, ended.source, ended.detail) == ("normal_clearing", "caller", "")
        assert (await house.told(call, "media.stopped")).reason == "stop"
        assert (
            await house.told(call, "room.participant", lambda event: not event.joined)
        ).identity == phone.identity
    started, stats = of_kind(house, events.MediaStarted)[0], of_kind(house, events.MediaStats)[-1]
    assert (started.encoding, started.sample_rate) == ("opus", RATE)
    assert stats.tx == 50
    assert stats.rx > 40
    assert not of_kind(house, events.Error)
    await house.ended("in")


async def test_a_phone_that_rings_on_is_not_answered_for_it(house: RoomHouse) -> None:
    async with SimulatedSip(house.server, "rings", outgoing=True) as phone:
        await house.dispatch("rings")
        sip = await house.told_any("room.sip", lambda event: event.status == "ringing")
        assert not house.agent.stream.calls[sip.call].answered_mono
        assert house.framework.jobs.empty()
        await phone.answer()
        assert (await house.job()).call == sip.call


async def test_what_was_not_played_is_dropped_by_a_clear(house: RoomHouse) -> None:
    async with SimulatedSip(house.server, "clear") as phone:
        await house.dispatch("clear")
        job = await house.job()
        await speak(job, 900)
        await job.line.clear()
        cleared = await house.told(job.call, "media.cleared")
        assert cleared.dropped_ms > 300
        await job.line.clear()
        await speak(job, 200)
        await phone.until(lambda: phone.voiced_ms(agent_in(phone)) >= 180)
        assert phone.voiced_ms(agent_in(phone)) < 1000 - cleared.dropped_ms + 400
        assert len(of_kind(house, events.MediaCleared)) == 1


async def test_a_held_line_drops_the_agent_and_lets_an_operator_speak(house: RoomHouse) -> None:
    async with SimulatedSip(house.server, "held") as phone:
        await house.dispatch("held")
        job = await house.job()
        job.line.held = True
        await speak(job, 500)
        assert job.line.mouth.sent_ms == 0
        for _ in range(25):
            await job.line.operator_speaks(tone(20, RATE).tobytes())
        await phone.until(lambda: phone.voiced_ms(agent_in(phone)) >= 400)
        assert job.line.mouth.sent_ms == 500


async def test_hanging_up_ends_the_room(house: RoomHouse) -> None:
    async with SimulatedSip(house.server, "hang-up") as phone:
        await house.dispatch("hang-up")
        job = await house.job()
        assert (await house.post(f"/calls/{job.call}/hangup", who="mia")).status_code == 200
        ended = await house.told(job.call, "call.ended")
        assert (ended.cause, ended.source) == ("normal_clearing", "operator")
        await phone.until(lambda: phone.reason)
        assert phone.reason == "room_deleted"
    await house.ended("hang-up")


async def test_a_room_that_somebody_ends_is_the_end_of_the_call(house: RoomHouse) -> None:
    async with SimulatedSip(house.server, "deleted"):
        await house.dispatch("deleted")
        job = await house.job()
        async with house.server.api() as server:
            await server.room.delete_room(api.DeleteRoomRequest(room="deleted"))
        assert (await house.told(job.call, "call.ended")).source == "carrier"
        assert (await house.told(job.call, "media.stopped")).reason == "stop"


async def test_an_agent_that_fails_ends_the_room(house: RoomHouse) -> None:
    house.listener.failure = ValueError("it broke")
    async with SimulatedSip(house.server, "fails") as phone:
        await house.dispatch("fails")
        job = await house.job()
        assert "it broke" in (await house.told(job.call, "error")).message
        ended = await house.told(job.call, "call.ended")
        assert (ended.source, ended.detail) == ("agent", "it failed.")
        await phone.until(lambda: phone.reason)


async def test_a_caller_without_a_telephone_is_marked(house: RoomHouse) -> None:
    async with speaker(house.server, "web", "alice") as alice:
        await house.dispatch("web")
        job = await house.job()
        assert house.agent.stream.calls[job.call].from_ == "web:alice"
        await alice.open_microphone()
        await alice.say_until(tone(600, alice.rate), lambda: house.voiced)


async def test_who_else_is_in_the_room_is_told_and_not_heard(house: RoomHouse) -> None:
    async with SimulatedSip(house.server, "others") as phone, speaker(house.server, "others", "bob") as bob:
        await house.dispatch("others")
        job = await house.job()
        bob_told = await house.told(job.call, "room.participant", lambda event: event.identity == "bob")
        assert (bob_told.kind, bob_told.joined) == ("other", True)
        await bob.open_microphone()
        await bob.say_until(tone(600, bob.rate), lambda: phone.voiced_ms("bob") >= 400)
        assert job.line.ear.last_voiced == 0


async def test_those_who_listen_hear_both_sides(house: RoomHouse) -> None:
    heard: dict[str, int] = {"caller": 0, "agent": 0}

    class Ear:
        def caller(self, now: int, samples: np.ndarray) -> None:
            heard["caller"] += int(np.abs(samples).max() > 2000)

        def agent(self, now: int, samples: np.ndarray, by_operator: bool) -> None:
            heard["agent"] += int(np.abs(samples).max() > 2000)

        def cleared(self, now: int) -> None:
            return None

    async with SimulatedSip(house.server, "listen") as phone:
        await house.dispatch("listen")
        job = await house.job()
        job.line.audio.add(Ear())
        await phone.say(tone(600, phone.rate))
        await speak(job, 200)
        async with asyncio.timeout(30):
            while heard["caller"] < 10:
                await asyncio.sleep(0.02)
        assert heard["agent"] == 10


async def test_a_hidden_listener_is_told_of_by_nobody(house: RoomHouse) -> None:
    async with SimulatedSip(house.server, "hidden") as phone, listener(house.server, "hidden") as ear:
        await house.dispatch("hidden")
        job = await house.job()
        await ear.until(lambda: ear.heard_ms(agent_in(phone)))
        await speak(job, 500)
        await ear.until(lambda: ear.voiced_ms(agent_in(phone)) >= 300)
        assert set(house.agent.stream.calls[job.call].room.participants) == {phone.identity, agent_in(phone)}

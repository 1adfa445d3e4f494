from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from livekit import rtc
from livekit.rtc import SimulateScenarioKind

from agent import events
from tests.agent.line_at_hand import of_kind
from tests.rooms.participants import SimulatedSip
from tests.rooms.room_house import RoomHouse, agent_in, room_house, tone
from tests.rooms.servers import LiveKitServer


def rtc_room(house: RoomHouse, room: str) -> rtc.Room:
    """The agent's own client."""
    assert house.agent.rooms is not None
    return house.agent.rooms._up[room]._room


@pytest.mark.parametrize("how", ["SIMULATE_SIGNAL_RECONNECT", "SIMULATE_FULL_RECONNECT"])
async def test_a_call_outlives_a_broken_connection_to_its_room(
    livekit_server: LiveKitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    name = how.lower()
    async with (
        room_house(livekit_server, tmp_path, monkeypatch) as house,
        SimulatedSip(house.server, name) as phone,
    ):
        await house.dispatch(name)
        job = await house.job()
        await rtc_room(house, name).simulate_scenario(SimulateScenarioKind.Value(how))
        told = await house.told(job.call, "error")
        assert "interrupted" in told.message

        before = job.line.ear.last_voiced
        async with asyncio.timeout(90):
            while job.line.ear.last_voiced == before:
                await phone.say(tone(200, phone.rate))
            while not phone.others or phone.voiced_ms(agent_in(phone)) < 300:
                await job.line.speak(tone(100, 16_000).tobytes())
                await phone.say(tone(100, phone.rate))
        await phone.hang_up()
        ended = await house.told(job.call, "call.ended")
        assert (ended.cause, ended.source) == ("normal_clearing", "caller")
        assert len(of_kind(house, events.CallAnswered)) == 1


async def test_a_caller_who_is_missed_for_too_long_is_gone(
    livekit_server: LiveKitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.rooms.room_call._BACK_S", 0.05)
    # So that a departure counts as untold: nothing else tells the agent of one without a reason.
    monkeypatch.setattr("agent.rooms.room_call._UNTOLD", "client_initiated")
    async with (
        room_house(livekit_server, tmp_path, monkeypatch) as house,
        SimulatedSip(house.server, "missed") as phone,
    ):
        await house.dispatch("missed")
        job = await house.job()
        await phone.leave()
        ended = await house.told(job.call, "call.ended")
        assert ended.cause == "connection_timeout"
        assert "connection timeout" in ended.detail


async def test_a_call_in_a_room_is_recorded_on_both_sides(
    livekit_server: LiveKitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        room_house(livekit_server, tmp_path, monkeypatch, SIDETONE_RECORD="on") as house,
        SimulatedSip(house.server, "recorded") as phone,
    ):
        await house.dispatch("recorded")
        job = await house.job()
        await phone.say(tone(500, phone.rate))
        await house.hears(voice=True)
        await job.line.speak(tone(400, 16_000).tobytes())
        await phone.until(lambda: phone.voiced_ms(agent_in(phone)) >= 300)
        await phone.hang_up()
        await house.told(job.call, "call.recording", lambda event: event.state == "stopped")
        await house.told(job.call, "call.ended")
        wav = (await house.http.get(f"/calls/{job.call}/recording", headers=house.bearer)).content
    samples = np.frombuffer(wav[44 : len(wav) - len(wav) % 4], np.int16)[: (len(wav) - 44) // 4 * 2].reshape(-1, 2)
    assert (np.abs(samples[:, 0]) > 2000).sum() > 1000
    assert (np.abs(samples[:, 1]) > 2000).sum() > 1000

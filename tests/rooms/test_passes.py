from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from livekit import api, rtc

from agent.api import RoomPass
from agent.carriers import CarrierError
from agent.frameworks import Job
from tests.rooms.participants import Guest, SimulatedSip, speaker
from tests.rooms.room_house import RoomHouse, agent_in, room_house, tone
from tests.rooms.servers import LiveKitServer

RATE, TAKE_BACK_S = 16_000, 5


@pytest.fixture
async def house(
    livekit_server: LiveKitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RoomHouse]:
    async with room_house(
        livekit_server, tmp_path, monkeypatch, SIDETONE_TAKE_BACK_SECONDS=str(TAKE_BACK_S), SIDETONE_MAX_CALLS="20"
    ) as made:
        yield made


async def in_room(house: RoomHouse, phone: SimulatedSip, room: str) -> Job:
    await phone.join()
    await house.dispatch(room)
    return await house.job()


async def given(house: RoomHouse, call: str, to: str, who: str) -> RoomPass:
    answer = await house.post(f"/calls/{call}/room", to=to, who=who)
    assert answer.status_code == 200, answer.text
    return RoomPass(**answer.json())


async def step(house: RoomHouse, call: str, action: str, who: str) -> None:
    answer = await house.post(f"/calls/{call}/operator", action=action, who=who)
    assert answer.status_code == 200, answer.text


async def in_the_room(house: RoomHouse, room: str, identity: str) -> Any:
    """What the server knows of somebody."""
    async with house.server.api() as server:
        return await server.room.get_participant(api.RoomParticipantIdentity(room=room, identity=identity))


def claims(token: str) -> Any:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


async def test_a_pass_to_listen_is_hidden_and_takes_nothing_in(house: RoomHouse) -> None:
    phone = SimulatedSip(house.server, "p-listen")
    job = await in_room(house, phone, "p-listen")
    found = await given(house, job.call, "listen", "mia")
    assert (found.url, found.room, found.caller) == (house.server.url, "p-listen", phone.identity)
    assert found.agent == agent_in(phone)
    token = claims(found.token)
    assert token["video"]["hidden"] is True
    assert [token["video"][key] for key in ("canPublish", "canPublishData", "canUpdateOwnMetadata")] == [False] * 3
    assert token["exp"] - token["nbf"] <= found.valid_s

    async with Guest(found.url, found.token) as ear:
        told = await house.told(job.call, "operator.listening")
        assert (told.who, told.listening, told.listeners) == ("mia", True, 1)
        await phone.say(tone(500, phone.rate))
        publishing = asyncio.create_task(ear.open_microphone())
        await phone.say_until(tone(500, phone.rate), lambda: ear.voiced_ms(phone.identity) >= 800)
        # The server does not even answer it.
        publishing.cancel()
        assert not (await in_the_room(house, "p-listen", found.identity)).tracks
        assert found.identity not in phone.others
    gone = await house.told(job.call, "operator.listening", lambda event: not event.listening)
    assert (gone.who, gone.listeners) == ("mia", 0)
    await phone.hang_up()


async def test_only_who_holds_the_call_may_speak(house: RoomHouse) -> None:
    phone = SimulatedSip(house.server, "p-refused")
    job = await in_room(house, phone, "p-refused")
    refused = await house.post(f"/calls/{job.call}/room", to="speak", who="mia")
    assert refused.status_code == 409
    assert "Take the call over first" in refused.json()["error"]
    await step(house, job.call, "take_over", "tom")
    assert (await house.post(f"/calls/{job.call}/room", to="speak", who="mia")).status_code == 409
    video = claims((await given(house, job.call, "speak", "tom")).token)["video"]
    assert video["canPublishSources"] == ["microphone"]
    assert (video["canPublishData"], video["canUpdateOwnMetadata"], video["hidden"]) == (False, False, False)
    await phone.hang_up()


async def test_an_operator_speaks_from_the_room_and_is_put_out_on_handing_back(house: RoomHouse) -> None:
    phone = SimulatedSip(house.server, "p-speak")
    job = await in_room(house, phone, "p-speak")
    kept: list[bool] = []

    class Ear:
        def caller(self, now: int, samples: Any) -> None:
            return None

        def agent(self, now: int, samples: Any, by_operator: bool) -> None:
            kept.append(by_operator)

        def cleared(self, now: int) -> None:
            return None

    job.line.audio.add(Ear())
    await step(house, job.call, "take_over", "mia")
    found = await given(house, job.call, "speak", "mia")
    async with Guest(found.url, found.token, RATE) as mia:
        told = await house.told(job.call, "room.participant", lambda event: event.kind == "operator")
        assert told.identity == found.identity
        await mia.open_microphone()
        assert phone.others[found.identity].attributes == {"sidetone.operator": "mia"}
        await mia.say_until(tone(800, RATE), lambda: phone.voiced_ms(found.identity) >= 500)
        # The caller hears her once: nothing of it goes out on the agent's track.
        assert job.line.mouth.sent_ms == 0
        assert kept
        assert all(kept)
        await step(house, job.call, "hand_back", "mia")
        await mia.until(lambda: mia.reason)
        assert mia.reason == "participant_removed"
    # Her pass is good for a while still, and she is put out at once.
    async with Guest(found.url, found.token, RATE) as again:
        await again.until(lambda: again.reason)
    await phone.hang_up()


async def test_the_agent_takes_the_call_back_from_an_operator_who_left_the_room(house: RoomHouse) -> None:
    phone = SimulatedSip(house.server, "p-lost")
    job = await in_room(house, phone, "p-lost")
    await step(house, job.call, "take_over", "mia")
    found = await given(house, job.call, "speak", "mia")
    async with Guest(found.url, found.token, RATE):
        came = await house.told(job.call, "room.participant", lambda event: event.kind == "operator")
        await house.told(job.call, "media.stats", lambda event: event.mono > came.mono + TAKE_BACK_S * 1e9)
    left = await house.told(
        job.call, "room.participant", lambda event: event.kind == "operator" and not event.joined
    )
    back = await house.told(job.call, "operator.handed_back")
    assert (back.who, back.reason) == ("mia", "lost")
    assert back.seq > left.seq
    await phone.hang_up()


async def test_it_is_fine_that_an_operator_leaves_before_they_are_put_out(
    house: RoomHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that has lost the operator already has nobody to pass the request to."""
    phone = SimulatedSip(house.server, "p-leaves")
    await in_room(house, phone, "p-leaves")
    assert house.agent.rooms is not None
    server = house.agent.rooms._server
    await server.remove("p-leaves", "operator-gone")

    async def unavailable(_wanted: object) -> None:
        raise api.ServerError("unavailable", "no response from servers", status=503)

    monkeypatch.setattr(server._api.room, "remove_participant", unavailable)
    await server.remove("p-leaves", "operator-gone")
    with pytest.raises(CarrierError, match="no response"):
        await server.remove("p-leaves", phone.identity)
    await phone.hang_up()


async def test_an_attribute_makes_nobody_an_operator(house: RoomHouse) -> None:
    phone = SimulatedSip(house.server, "p-fake")
    job = await in_room(house, phone, "p-fake")
    await step(house, job.call, "take_over", "mia")
    grants = api.VideoGrants(room_join=True, room="p-fake")
    token = (
        house.server.token("operator-mallory").with_attributes({"sidetone.operator": "mia"}).with_grants(grants)
    )
    async with Guest(house.server.url, token.to_jwt(), RATE) as mallory:
        told = await house.told(job.call, "room.participant", lambda event: event.identity == "operator-mallory")
        assert told.kind == "other"
        await mallory.open_microphone()
        await mallory.say(tone(400, RATE))
        back = await house.told(job.call, "operator.handed_back")
        assert back.reason == "lost"
    await phone.hang_up()


async def test_nobody_can_command_the_agent_in_the_room(house: RoomHouse) -> None:
    phone = SimulatedSip(house.server, "p-command")
    job = await in_room(house, phone, "p-command")
    agent = (await in_the_room(house, "p-command", agent_in(phone))).permission
    assert (agent.can_publish, agent.can_publish_data, agent.can_update_metadata) == (True, False, False)
    async with speaker(house.server, "p-command", "mallory") as mallory:
        me = mallory.room.local_participant
        command = asyncio.create_task(
            me.perform_rpc(destination_identity=agent_in(phone), method="lk.agent.say", payload="{}")
        )
        await me.send_text("say something else", topic="lk.chat")
        writer = await me.stream_bytes("request", topic="lk.agent.session")
        await writer.write(b"\x22\x04\x0a\x02r1")
        await writer.aclose()
        await phone.say(tone(300, phone.rate))
        await house.hears(voice=True)
        # The agent may not even answer that it knows no such method.
        assert not command.done() or isinstance(command.exception(), rtc.RpcError)
        command.cancel()
    assert house.framework.asked == []
    assert job.line.mouth.sent_ms == 0
    await phone.hang_up()


async def test_two_operators_are_in_one_room(house: RoomHouse) -> None:
    phone = SimulatedSip(house.server, "p-two")
    job = await in_room(house, phone, "p-two")
    first, second = [await given(house, job.call, "listen", who) for who in ("mia", "tom")]
    async with Guest(first.url, first.token), Guest(second.url, second.token) as tom:
        await house.told(job.call, "operator.listening", lambda event: event.listeners == 2)
        await step(house, job.call, "take_over", "mia")
        speaking = await given(house, job.call, "speak", "mia")
        async with Guest(speaking.url, speaking.token, RATE) as mia:
            await mia.open_microphone()
            await mia.say_until(tone(600, RATE), lambda: tom.voiced_ms(speaking.identity) >= 300)
            assert speaking.identity in tom.others
    await phone.hang_up()


async def test_too_many_passes_are_refused(house: RoomHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = SimulatedSip(house.server, "p-many")
    job = await in_room(house, phone, "p-many")
    for number in range(16):
        await given(house, job.call, "listen", f"mia{number}")
    assert (await house.post(f"/calls/{job.call}/room", to="listen", who="mia")).status_code == 429
    monkeypatch.setattr("agent.rooms.passes._MOST_KEPT", 16)
    await step(house, job.call, "take_over", "mia")
    assert (await house.post(f"/calls/{job.call}/room", to="speak", who="mia")).status_code == 429
    await phone.hang_up()


async def test_a_pass_is_for_who_has_the_token_and_for_calls_that_are_up(house: RoomHouse) -> None:
    assert (await house.post("/calls/c_none/room", to="listen", who="mia")).status_code == 404
    bare = await house.http.post("/calls/c_none/room", json={"to": "listen"})
    assert bare.status_code == 401
    phone = SimulatedSip(house.server, "p-over")
    job = await in_room(house, phone, "p-over")
    assert (await house.post(f"/calls/{job.call}/room", to="shout", who="mia")).status_code == 400
    await phone.hang_up()
    await house.told(job.call, "call.ended")
    assert (await house.post(f"/calls/{job.call}/room", to="listen", who="mia")).status_code == 409
    journal = b"".join(house.agent._journal.read_from(0))
    assert house.server.secret.encode() not in journal

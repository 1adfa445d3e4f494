from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from livekit.protocol import sip

from agent import events
from agent.limits import Refused
from agent.rooms.room_call import CannotEnter, RoomCall
from tests.agent.line_at_hand import of_kind
from tests.rooms.room_house import RoomHouse, agent_in, room_house, tone
from tests.rooms.servers import LiveKitServer
from tests.rooms.sip_service import SipService

CALLEE = "+15550100123"


@pytest.fixture
async def trunk(livekit_server: LiveKitServer) -> AsyncIterator[SipService]:
    async with SipService(livekit_server).running() as service:
        yield service


@pytest.fixture
async def house(
    trunk: SipService, livekit_server: LiveKitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RoomHouse]:
    async with room_house(
        livekit_server, tmp_path, monkeypatch, LIVEKIT_URL=trunk.url, SIDETONE_RING_SECONDS="30"
    ) as made:
        yield made


async def dialled(house: RoomHouse, **more: Any) -> str:
    answer = await house.dial(**more)
    assert answer.status_code == 201, answer.text
    return answer.json()["call"]


async def trunk_asked(trunk: SipService) -> None:
    async with asyncio.timeout(60):
        while not trunk.asked:
            await asyncio.sleep(0.02)


async def test_a_call_rings_is_answered_and_talks(house: RoomHouse, trunk: SipService) -> None:
    trunk.ringing.clear()
    call = await dialled(house, time_limit_s=60, parameters={"order": "7"})
    await house.told(call, "call.ringing")
    assert house.framework.jobs.empty()
    trunk.ringing.set()
    job = await house.job()
    assert job.call == call
    (asked,) = trunk.asked
    assert (asked.sip_call_to, asked.sip_number, asked.sip_trunk_id) == (CALLEE, "+15550100000", "ST_out")
    assert (asked.participant_identity, asked.wait_until_answered, asked.krisp_enabled) == ("callee", True, False)
    assert (asked.ringing_timeout.seconds, asked.max_call_duration.seconds) == (30, 60)
    state = house.agent.stream.calls[call]
    assert (state.direction, state.line, state.from_, state.to) == ("outbound", "livekit", "+15550100000", CALLEE)
    assert state.room.trunk == "ST_out"
    assert state.room.caller == "callee"

    phone = trunk.phones[0]
    for _ in range(40):
        await job.line.speak(tone(20, 16_000).tobytes())
    await phone.until(lambda: phone.voiced_ms(agent_in(phone)) >= 500)
    await phone.say(tone(500, phone.rate))
    await house.hears(voice=True)
    await phone.hang_up()
    ended = await house.told(call, "call.ended")
    assert (ended.cause, ended.source) == ("normal_clearing", "callee")
    await house.ended(state.room.name)
    kinds = [events.type_of(event) for event in of_kind(house, events.Event) if event.call == call]
    assert kinds.index("call.ringing") < kinds.index("call.answered") < kinds.index("media.started")
    assert kinds[-1] == "call.ended"


@pytest.mark.parametrize(
    ("status", "reason", "cause", "source", "words"),
    [
        (486, "Busy Here", "user_busy", "callee", "busy"),
        (603, "Decline", "call_rejected", "callee", "declined"),
        (404, "Not Found", "not_found", "carrier", "does not exist"),
        (403, "Caller Origination Number is Invalid D35", "call_rejected", "carrier", "caller id"),
        (503, "Service Unavailable", "carrier_error", "carrier", "could not complete"),
    ],
)
async def test_a_call_that_is_not_answered_says_why(
    house: RoomHouse, trunk: SipService, status: int, reason: str, cause: str, source: str, words: str
) -> None:
    trunk.answers = (status, reason)
    call = await dialled(house)
    ended = await house.told(call, "call.ended")
    assert (ended.cause, ended.source, ended.sip) == (cause, source, f"{status} {reason}")
    assert words in ended.detail
    assert words in (await house.told(call, "error")).message
    await house.ended(house.agent.stream.calls[call].room.name)
    assert len(trunk.asked) == 1
    assert house.framework.jobs.empty()


async def test_a_trunk_that_the_server_refuses_is_told(house: RoomHouse, trunk: SipService) -> None:
    trunk.answers = "failed_precondition"
    ended = await house.told(await dialled(house), "call.ended")
    assert (ended.cause, ended.sip) == ("dial_failed", "")
    assert "no trunk of that kind" in ended.detail
    assert len(trunk.asked) == 1


async def test_nobody_answers(
    livekit_server: LiveKitServer, trunk: SipService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trunk.ringing.clear()
    async with room_house(
        livekit_server, tmp_path, monkeypatch, LIVEKIT_URL=trunk.url, SIDETONE_RING_SECONDS="5"
    ) as house:
        call = await dialled(house)
        ended = await house.told(call, "call.ended")
        assert (ended.cause, ended.duration_ms) == ("no_answer", 0)
        assert "5 s" in ended.detail
        await house.ended(house.agent.stream.calls[call].room.name)


async def test_hanging_up_while_it_rings_ends_the_room(house: RoomHouse, trunk: SipService) -> None:
    trunk.ringing.clear()
    call = await dialled(house)
    await house.told(call, "call.ringing")
    assert (await house.post(f"/calls/{call}/hangup", who="mia")).status_code == 200
    ended = await house.told(call, "call.ended")
    assert (ended.cause, ended.source) == ("originator_cancel", "operator")
    await trunk.phones[0].until(lambda: trunk.phones[0].reason)
    await house.ended(house.agent.stream.calls[call].room.name)
    assert not [event for event in of_kind(house, events.Error) if event.call == call]


async def test_hanging_up_before_the_agent_is_in_the_room_dials_nobody(
    house: RoomHouse, trunk: SipService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_calls: object, _room: str, _metadata: str) -> bool:
        raise Refused("Not now.")

    monkeypatch.setattr("agent.rooms.room_calls.RoomCalls._check", refuse)
    dialling = asyncio.create_task(house.dial())
    opened = await house.told_any("room.opened")
    assert (await house.post(f"/calls/{opened.call}/hangup", who="mia")).status_code == 200
    answer = await dialling
    assert answer.status_code == 409
    assert "before it was dialled" in answer.json()["error"]
    ended = await house.told(opened.call, "call.ended")
    assert (ended.cause, ended.source) == ("originator_cancel", "operator")
    await house.ended(opened.room)
    assert not trunk.asked
    assert not of_kind(house, events.Error)


async def test_hanging_up_as_the_agent_comes_into_the_room_dials_nobody(
    house: RoomHouse, trunk: SipService, monkeypatch: pytest.MonkeyPatch
) -> None:
    join = RoomCall.join

    async def hung_up(room: RoomCall, url: str, token: str) -> None:
        await join(room, url, token)
        for call in house.agent.calls:
            call.ended_by = "operator"

    monkeypatch.setattr(RoomCall, "join", hung_up)
    ended = await house.told(await dialled(house), "call.ended")
    assert (ended.cause, ended.source) == ("originator_cancel", "operator")
    await house.ended(house.agent.stream.calls[ended.call].room.name)
    assert not trunk.asked


async def test_who_answers_a_call_that_is_over_is_not_left_alone(
    house: RoomHouse, trunk: SipService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.rooms.room_calls._GONE_S", 0.1)
    trunk.taken.clear()
    call = await dialled(house)
    await trunk_asked(trunk)
    assert (await house.post(f"/calls/{call}/hangup", who="mia")).status_code == 200
    ended = await house.told(call, "call.ended")
    assert (ended.cause, ended.source) == ("originator_cancel", "operator")
    trunk.taken.set()
    async with asyncio.timeout(60):
        while not trunk.phones:
            await asyncio.sleep(0.02)
    await trunk.phones[0].until(lambda: trunk.phones[0].reason)
    assert trunk.phones[0].reason == "room_deleted"
    await house.ended(house.agent.stream.calls[call].room.name)
    assert not of_kind(house, events.CallAnswered)
    assert not of_kind(house, events.CallPlaced)


async def test_an_agent_that_cannot_enter_the_room_says_so(
    house: RoomHouse, trunk: SipService, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cannot(_room: RoomCall, _url: str, _token: str) -> None:
        raise CannotEnter("There is no way in.")

    monkeypatch.setattr(RoomCall, "join", cannot)
    answer = await house.dial()
    assert (answer.status_code, answer.json()["error"]) == (502, "There is no way in.")
    (ended,) = of_kind(house, events.CallEnded)
    assert (ended.cause, ended.source, ended.detail) == ("dial_failed", "carrier", "There is no way in.")
    (told,) = of_kind(house, events.Error)
    assert "media ports" in told.fix
    await house.ended(house.agent.stream.calls[ended.call].room.name)
    assert not trunk.asked


async def test_two_calls_are_dialled_at_once(house: RoomHouse, trunk: SipService) -> None:
    calls = set(await asyncio.gather(dialled(house), dialled(house)))
    assert {(await house.job()).call, (await house.job()).call} == calls
    assert len({asked.room_name for asked in trunk.asked}) == len(trunk.asked) == 2


async def test_who_answers_and_hangs_up_at_once_has_answered(house: RoomHouse, trunk: SipService) -> None:
    trunk.hangs_up = True
    ended = await house.told(await dialled(house), "call.ended")
    assert (ended.cause, ended.source) == ("normal_clearing", "callee")
    assert len(of_kind(house, events.CallAnswered)) == 1


async def test_the_time_limit_is_told_as_such(house: RoomHouse, trunk: SipService) -> None:
    call = await dialled(house)
    await house.job()
    registered = house.agent.calls.get(call)
    assert registered is not None
    house.agent.calls._too_long(registered)
    ended = await house.told(call, "call.ended")
    assert (ended.cause, ended.source) == ("time_limit", "agent")
    await house.ended(house.agent.stream.calls[call].room.name)


@pytest.mark.parametrize(
    ("trunks", "words"),
    [
        ([], "no outbound SIP trunk"),
        ([("ST_1", "one", "+1555"), ("ST_2", "two", "+1555")], "2 outbound SIP trunks"),
        ([("ST_1", "one", "")], "no number to call from"),
    ],
)
async def test_without_a_clear_trunk_nothing_is_dialled(
    house: RoomHouse, trunk: SipService, trunks: list[tuple[str, str, str]], words: str
) -> None:
    trunk.trunks = [
        sip.SIPOutboundTrunkInfo(sip_trunk_id=one, name=name, numbers=[number] if number else [])
        for one, name, number in trunks
    ]
    answer = await house.dial()
    assert answer.status_code == 502
    assert words in answer.json()["error"]
    assert not trunk.asked
    assert not len(house.agent.calls)


async def test_the_trunk_is_found_by_its_name(
    livekit_server: LiveKitServer, trunk: SipService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trunk.trunks.append(sip.SIPOutboundTrunkInfo(sip_trunk_id="ST_2", name="the other", numbers=["+15550100009"]))
    async with room_house(
        livekit_server, tmp_path, monkeypatch, LIVEKIT_URL=trunk.url, SIDETONE_OUTBOUND_TRUNK="the other"
    ) as house:
        call = await dialled(house)
        await house.job()
        assert trunk.asked[0].sip_trunk_id == "ST_2"
        assert house.agent.stream.calls[call].from_ == "+15550100009"


async def test_a_number_that_may_not_be_dialled_is_refused(house: RoomHouse, trunk: SipService) -> None:
    assert (await house.dial(to="+447700900123")).status_code == 422
    assert (await house.dial(to="hello")).status_code == 422
    assert not trunk.asked


async def test_a_call_that_an_earlier_run_left_is_ended(house: RoomHouse, trunk: SipService) -> None:
    call = await dialled(house)
    await house.job()
    room = house.agent.stream.calls[call].room.name
    assert house.agent.rooms is not None
    await house.agent.rooms.end_orphan(room)
    await house.ended(room)
    await house.agent.rooms.end_orphan(room)


async def test_the_other_line_is_asked_for_by_name(house: RoomHouse) -> None:
    answer = await house.dial(line="telnyx")
    assert answer.status_code == 503
    assert "TELNYX_API_KEY" in answer.json()["error"]

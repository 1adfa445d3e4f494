"""Which events calls of certain shapes send, in which order and where to; each verified by Telnyx's own client."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import httpx
import pytest

from simulator.caller.presets import PRESETS
from simulator.server import Simulator
from tests.simulator.call_house import NOBODY_TALKS, Line, unwrap
from tests.simulator.conftest import Bot, Posted

STATE = base64.b64encode(b"state").decode()


async def ended(line: Line, call_id: str, last: str = "call.hangup") -> list[Posted]:
    """The webhooks of a call, once the last one is there."""
    await line.event(last, call_id)
    return line.posted(call_id)


def verified(simulator: Simulator, posted: list[Posted]) -> list[Any]:
    return [unwrap(simulator, each).data for each in posted]


async def application_with(line: Line, **more: Any) -> str:
    made = await line.client.call_control_applications.create(
        application_name="Another", webhook_api_version="2", **more
    )
    assert made.data is not None
    assert made.data.id is not None
    return made.data.id


async def test_a_dialled_call_that_streams_records_detects_and_costs(
    line: Line, simulator: Simulator, bot: Bot
) -> None:
    line.application = await application_with(
        line, webhook_event_url=f"{bot.url}/webhooks", call_cost_in_webhooks=True
    )
    call_id = await line.place(
        PRESETS["residence"].number,
        stream_url=bot.stream_url,
        record="record-from-answer",
        answering_machine_detection="premium",
        client_state=STATE,
    )
    await line.event("call.machine.premium.detection.ended", call_id)
    await line.client.calls.actions.hangup(call_id)
    events = verified(simulator, await ended(line, call_id, "call.cost"))
    types = [event.event_type for event in events]
    assert types[:2] == ["call.initiated", "call.answered"]
    assert sorted(types) == [
        "call.answered",
        "call.cost",
        "call.hangup",
        "call.initiated",
        "call.machine.premium.detection.ended",
        "call.recording.saved",
        "streaming.started",
        "streaming.stopped",
    ]
    order = {event_type: at for at, event_type in enumerate(types)}
    assert order["streaming.started"] < order["streaming.stopped"] < order["call.hangup"]
    assert order["call.machine.premium.detection.ended"] < order["call.hangup"]
    assert order["call.hangup"] < order["call.recording.saved"] < order["call.cost"]
    assert len({event.id for event in events}) == len(events)
    assert {event.payload.call_control_id for event in events} == {call_id}
    assert {event.payload.client_state for event in events} == {STATE}
    assert {event.payload.connection_id for event in events} == {line.application}
    times = [event.occurred_at for event in events]
    assert times == sorted(times)
    cost = events[order["call.cost"]].payload
    assert cost.billed_duration_secs == 60
    assert float(cost.total_cost) == pytest.approx(sum(float(part.cost) for part in cost.cost_parts))


async def test_no_cost_is_told_unless_asked_for(line: Line) -> None:
    call_id = await line.answered()
    await line.client.calls.actions.hangup(call_id)
    await line.report(call_id)
    assert [each.event["event_type"] for each in await ended(line, call_id)] == [
        "call.initiated",
        "call.answered",
        "call.hangup",
    ]


async def test_an_incoming_call_that_is_answered_by_command(line: Line, simulator: Simulator, bot: Bot) -> None:
    call_id = await line.dial_in()
    await line.event("call.initiated", call_id)
    await line.client.calls.actions.answer(call_id, stream_url=bot.stream_url, client_state=STATE)
    await line.event("streaming.started", call_id)
    await line.control.delete(f"/calls/{call_id}")
    events = verified(simulator, await ended(line, call_id))
    assert [event.event_type for event in events] == [
        "call.initiated",
        "call.answered",
        "streaming.started",
        "streaming.stopped",
        "call.hangup",
    ]
    assert (events[0].payload.direction, events[0].payload.state) == ("incoming", "parked")
    assert [event.payload.client_state for event in events] == [None, *[STATE] * 4]
    assert (events[-1].payload.hangup_cause, events[-1].payload.hangup_source) == ("normal_clearing", "caller")


async def test_a_busy_line(line: Line, simulator: Simulator) -> None:
    call_id = await line.place(PRESETS["busy"].number)
    events = verified(simulator, await ended(line, call_id))
    assert [event.event_type for event in events] == ["call.initiated", "call.hangup"]
    assert events[0].payload.state == "bridging"
    assert events[1].payload.sip_hangup_cause == "486"


async def test_a_transfer_tells_of_both_legs(line: Line, simulator: Simulator, bot: Bot) -> None:
    one = await line.answered()
    await line.at("+15550100778", NOBODY_TALKS)
    await line.client.calls.actions.transfer(one, to="+15550100778", target_leg_client_state=STATE)
    await line.event("call.bridged", one)
    (other,) = {each.event["payload"]["call_control_id"] for each in line.posted()} - {one}
    await line.event("call.bridged", other)
    await line.control.delete(f"/calls/{other}")
    first = verified(simulator, await ended(line, one))
    second = verified(simulator, await ended(line, other))
    assert [event.event_type for event in first] == [
        "call.initiated",
        "call.answered",
        "call.bridged",
        "call.hangup",
    ]
    assert [event.event_type for event in second] == [event.event_type for event in first]
    assert {event.payload.client_state for event in second} == {STATE}
    assert len({event.payload.call_session_id for event in (*first, *second)}) == 1
    assert len({event.payload.call_leg_id for event in (*first, *second)}) == 2
    assert second[-1].payload.hangup_source == "callee"


async def test_the_failover_address_is_told_when_the_first_one_fails(
    line: Line, simulator: Simulator, bot: Bot
) -> None:
    line.application = await application_with(
        line, webhook_event_url=f"{bot.url}/broken", webhook_event_failover_url=f"{bot.url}/webhooks"
    )
    bot.statuses["/broken"] = 404
    call_id = await line.answered()
    await line.client.calls.actions.hangup(call_id)
    events = [unwrap(simulator, each) for each in await ended(line, call_id)]
    types = ["call.initiated", "call.answered", "call.hangup"]
    assert [event.data.event_type for event in events] == types
    assert {event.meta["attempt"] for event in events} == {2}
    refused = [unwrap(simulator, each) for each in bot.to("/broken")]
    assert [event.data.id for event in refused] == [event.data.id for event in events]
    assert {event.meta["attempt"] for event in refused} == {1}


async def test_events_go_to_addresses_of_their_own(line: Line, simulator: Simulator, bot: Bot) -> None:
    ways = {"call.answered": [f"{bot.url}/one", f"{bot.url}/two"], "call.hangup": [f"{bot.url}/ended"]}
    call_id = await line.dial(webhook_url=f"{bot.url}/rest", webhook_urls=ways)
    await bot.until("/two", 1)
    await line.client.calls.actions.hangup(call_id)
    await bot.until("/ended", 1)
    told = {
        path: [unwrap(simulator, each).data.event_type for each in bot.to(path)]
        for path in ("/rest", "/one", "/two", "/ended", "/webhooks")
    }
    assert told == {
        "/rest": ["call.initiated"],
        "/one": ["call.answered"],
        "/two": ["call.answered"],
        "/ended": ["call.hangup"],
        "/webhooks": [],
    }


async def test_disorder_on_request_is_repeatable(
    line: Line, simulator: Simulator, control: httpx.AsyncClient
) -> None:
    async def answer_and_hang_up(call_id: str) -> None:
        leg = simulator.exchange.find(call_id)
        assert leg is not None
        await line.client.calls.actions.answer(call_id)
        await leg.answered.wait()
        await line.client.calls.actions.hangup(call_id)
        await line.report(call_id)

    async def shapes(disorder: dict[str, Any]) -> list[list[str]]:
        (await control.put("/webhooks/disorder", json=disorder)).raise_for_status()
        calls = [await line.dial_in() for _ in range(6)]
        await asyncio.gather(*map(answer_and_hang_up, calls))
        if simulator.webhooks._channels:
            await asyncio.wait(simulator.webhooks._channels)
        return [line.events(call_id) for call_id in calls]

    straight = ["call.initiated", "call.answered", "call.hangup"]
    assert await shapes({}) == [straight] * 6
    doubled = await shapes({"duplicate": 1})
    assert doubled == [[each for each in straight for _ in range(2)]] * 6
    assert await shapes({"lose": 1}) == [[]] * 6
    mixed = {"seed": 3, "reorder": 0.5, "duplicate": 0.3, "lose": 0.2}
    once = await shapes(mixed)
    assert once == await shapes(mixed)
    assert any(sorted(each, key=straight.index) != each for each in once)
    for posted in line.posted():
        unwrap(simulator, posted)
    assert (await control.delete("/webhooks/disorder")).status_code == 204
    assert await shapes({}) == [straight] * 6

"""The histories of events and deliveries by REST, read by Telnyx's own client in strict mode."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from telnyx import AsyncTelnyx, NotFoundError

from simulator.telnyx import happenings as h
from simulator.telnyx.facts import CallFacts
from simulator.telnyx.router import Router
from simulator.telnyx.routing import Callback, Routing
from simulator.telnyx.webhooks.announce import ControlAnnouncer, TexmlAnnouncer
from simulator.telnyx.webhooks.delivery import Webhooks
from simulator.telnyx.webhooks.history import History
from simulator.telnyx.webhooks.routes import routes
from tests.simulator.webhook_house import STARTED, Answer, facts, scene


def belongs(connection_id: str, what: str, asked: str) -> bool:
    return (what, asked.lower()) in (("application_name", "my app"), ("outbound_voice_profile_id", "profile"))


@asynccontextmanager
async def reading(history: History) -> AsyncIterator[AsyncTelnyx]:
    transport = httpx.ASGITransport(Starlette(routes=routes(Router(None), history, belongs)))
    async with AsyncTelnyx(
        api_key="simulated",
        base_url="http://simulator/v2",
        max_retries=0,
        http_client=httpx.AsyncClient(transport=transport, trust_env=False),
        _strict_response_validation=True,
    ) as client:
        yield client


async def told(webhooks: Webhooks, call: CallFacts, routing: Routing, *happenings: h.Happening) -> None:
    announcer = ControlAnnouncer(webhooks, routing)
    for happening in happenings:
        announcer.tell(call, happening)
    announcer.close()
    await webhooks.close(5)


async def names(events: Any) -> list[str]:
    return [event.name async for event in events]


async def test_a_delivery_is_listed_with_every_attempt():
    async with scene() as s:
        s.house.answers["/hook"] = [Answer(503, {"x-why": "busy"}, b"later"), Answer(body=b"\xff" + b"x" * 20_000)]
        await told(s.webhooks, facts(), Routing(f"{s.house.url}/hook"), h.Dtmf("1"))
        async with reading(s.webhooks.history) as telnyx:
            page = await telnyx.webhook_deliveries.list()
            (delivery,) = page.data
            by_id = await telnyx.webhook_deliveries.retrieve(delivery.id)
            by_event = await telnyx.webhook_deliveries.retrieve(delivery.webhook.id)
    assert by_id.data == by_event.data == delivery
    assert (delivery.status, delivery.record_type) == ("delivered", "webhook_delivery")
    assert delivery.webhook.event_type == "call.dtmf.received"
    assert delivery.webhook.payload["digit"] == "1"
    assert delivery.started_at <= delivery.finished_at
    last, first = delivery.attempts
    assert (first.status, first.errors, first.http.response.status) == ("failed", [75499], 503)
    assert first.http.response.body == "later"
    assert ["x-why", "busy"] in first.http.response.headers
    assert first.http.request.url == f"{s.house.url}/hook"
    assert {name for name, _ in first.http.request.headers} >= {"Telnyx-Signature-Ed25519", "Content-Type"}
    assert (last.status, last.errors, last.http.response.status) == ("delivered", None, 200)
    assert len(last.http.response.body) == 10_000


async def test_a_delivery_that_nobody_answers_has_no_response():
    async with scene() as s:
        await told(s.webhooks, facts(), Routing(s.holding(times=9), timeout_seconds=0.02), h.Initiated())
        async with reading(s.webhooks.history) as telnyx:
            (delivery,) = (await telnyx.webhook_deliveries.list(filter={"status": {"eq": "failed"}})).data
    assert delivery.status == "failed"
    assert [attempt.http.response for attempt in delivery.attempts] == [None] * 3


async def test_events_and_commands_are_listed_in_their_order():
    call = facts()
    async with scene() as s:
        history = s.webhooks.history
        history.command(call, "dial", {"to": "+12025550131"})
        await told(s.webhooks, call, Routing(s.answering(500)), h.Initiated())
        async with reading(history) as telnyx:
            page = await telnyx.call_events.list()
    command, first, second = page.data
    assert (command.type, command.name, command.metadata) == ("command", "dial", {"to": "+12025550131"})
    assert (first.type, first.name, first.record_type) == ("webhook", "call.initiated", "call_event")
    assert first.call_leg_id == call.ids.call_leg_id
    assert first.call_session_id == call.ids.call_session_id
    assert (first.metadata["attempt"], first.metadata["status"]) == (1, "failed")
    assert (second.metadata["attempt"], second.metadata["status"]) == (2, "delivered")
    assert second.metadata["delivered_to"] == f"{s.house.url}/hook"
    assert second.metadata["event"]["payload"]["state"] == "bridging"


async def test_lists_are_paged():
    history = History()
    for number in range(45):
        history.command(facts(), f"command {number}", {})
    async with reading(history) as telnyx:
        page = await telnyx.call_events.list(page_number=2, page_size=20)
        assert (page.data[0].name, len(page.data)) == ("command 20", 20)
        assert page.meta.total_pages == 3
        assert len(await names(telnyx.call_events.list())) == 45


EVENT_FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"type": "command"}, ["dial"]),
    ({"name": "call.answered"}, ["call.answered"]),
    ({"product": "texml"}, ["completed"]),
    ({"from": "+12025550100"}, ["completed"]),
    ({"to": "+12025550131", "type": "webhook"}, ["call.initiated", "call.answered", "completed"]),
    ({"connection_id": "2"}, ["completed"]),
    ({"failed": True}, ["call.initiated"]),
    ({"failed": False}, ["call.answered", "completed"]),
    ({"leg_id": "nobody"}, []),
    ({"application_session_id": "nobody"}, []),
    ({"application_name": {"contains": "MY APP"}, "type": "command"}, ["dial"]),
    ({"application_name": {"contains": "other"}}, []),
    ({"outbound_outbound_voice_profile_id": "profile", "type": "command"}, ["dial"]),
    ({"occurred_at": {"lt": "2026-01-01T00:00:00Z"}}, []),
    ({"occurred_at": {"gte": "2026-01-01T00:00:00Z"}, "type": "command"}, ["dial"]),
    ({"occurred_at": {"gt": "2026-01-01", "lte": "9998-01-01T00:00:00+02:00"}, "type": "command"}, ["dial"]),
    ({"occurred_at": {"eq": "2026-01-01T00:00:00Z"}}, []),
    ({"status": "completed", "type": "command"}, ["dial"]),
]


async def test_events_can_be_filtered():
    texml_call = facts(connection_id="2", from_number="+12025550100")
    async with scene() as s:
        s.webhooks.history.command(facts(), "dial", {})
        announcer = TexmlAnnouncer(s.webhooks, Callback(f"{s.house.url}/status"))
        ended = h.HungUp(h.Hangup("timeout", "caller"), None, STARTED)
        routing = Routing(s.answering(404))
        control = ControlAnnouncer(s.webhooks, routing)
        control.tell(facts(), h.Initiated())
        control.tell(facts(), h.Answered())
        control.close()
        await s.house.until(2)
        announcer.tell(texml_call, ended)
        announcer.close()
        await s.webhooks.close(5)
        async with reading(s.webhooks.history) as telnyx:
            for filters, expected in EVENT_FILTERS:
                found = await names(telnyx.call_events.list(filter=filters))  # type: ignore[arg-type]
                assert found == expected, filters


async def test_deliveries_can_be_filtered():
    async with scene() as s:
        await told(s.webhooks, facts(), Routing(s.answering(404)), h.Dtmf("7"), h.Dtmf("8"), h.Initiated())
        async with reading(s.webhooks.history) as telnyx:
            for filters, count in [
                ({}, 3),
                ({"status": {"eq": "failed"}}, 1),
                ({"status": {"eq": "delivered"}}, 2),
                ({"event_type": "call.dtmf.received"}, 2),
                ({"event_type": "call.dtmf.received,call.initiated"}, 3),
                ({"webhook": {"contains": '"digit":"8"'}}, 1),
                ({"attempts": {"contains": "/hook"}}, 3),
                ({"started_at": {"gte": "2026-01-01T00:00:00Z", "lte": "9000-01-01T00:00:00Z"}}, 3),
                ({"finished_at": {"lte": "2026-01-01T00:00:00Z"}}, 0),
            ]:
                page = await telnyx.webhook_deliveries.list(filter=filters)
                assert len(page.data) == count, filters


@pytest.mark.parametrize(
    ("path", "parameter", "value"),
    [
        ("call_events", "filter[type]", "other"),
        ("call_events", "filter[product]", ""),
        ("call_events", "filter[failed]", "maybe"),
        ("call_events", "filter[status]", "delivered"),
        ("call_events", "filter[occurred_at][gt]", "yesterday"),
        ("call_events", "filter[occurred_at]", "0001-01-01T00:00:00+20:00"),
        ("call_events", "filter[application_name][contains]", "ab"),
        ("call_events", "filter[odd]", "1"),
        ("webhook_deliveries", "filter[status]", "init"),
        ("webhook_deliveries", "filter[started_at][gte]", ""),
    ],
)
async def test_an_impossible_filter_is_refused(path: str, parameter: str, value: str):
    history = History()
    history.command(facts(), "dial", {})
    transport = httpx.ASGITransport(Starlette(routes=routes(Router(None), history)))
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        answer = await client.get(
            f"http://simulator/v2/{path}", params={parameter: value}, headers={"Authorization": "Bearer x"}
        )
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["source"] == {"parameter": parameter}
    assert error["code"] == "10031"


async def test_an_unknown_delivery_is_not_found():
    async with reading(History()) as telnyx:
        with pytest.raises(NotFoundError):
            await telnyx.webhook_deliveries.retrieve("C9C0797E-901D-4349-A33C-C2C8F31A92C2")


def test_the_history_is_bounded_and_a_day_long():
    now = STARTED
    history = History(now=lambda: now)
    for number in range(6000):
        history.command(facts(), str(number), {})
    assert [event.body["name"] for event in history.events()][::4999] == ["1000", "5999"]
    now += timedelta(hours=24, seconds=1)
    assert history.events() == []

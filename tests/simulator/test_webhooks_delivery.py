"""How deliveries are tried, timed, repeated, redirected and given up."""

from __future__ import annotations

import asyncio
import re
import socket
from urllib.parse import parse_qsl

import pytest
from telnyx.lib.webhook_verification import verify_webhook_signature

from simulator.telnyx import happenings as h
from simulator.telnyx.findings import Findings, Rule
from simulator.telnyx.routing import Routing, Target
from simulator.telnyx.webhooks.announce import ControlAnnouncer
from simulator.telnyx.webhooks.client import RequestFailed
from simulator.telnyx.webhooks.conformance import noting
from simulator.telnyx.webhooks.envelope import Event, FormBody
from simulator.telnyx.webhooks.message import Delivered, Delivery
from tests.simulator.webhook_house import SIGNER, STARTED, Answer, Scene, facts, scene, sdk


def delivery(url: str, **more) -> Delivery:
    event = Event("call.dtmf.received", {"digit": "1"}, STARTED)
    return Delivery("call.dtmf.received", Target(url, more.pop("method", "POST")), event, facts(), **more)


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return f"http://127.0.0.1:{unused.getsockname()[1]}/"


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_some_statuses_are_tried_again_with_growing_pauses(status):
    async with scene() as s:
        assert await s.webhooks.deliver(delivery(s.answering(status, status)))
    assert [posted.attempt for posted in s.house.received] == [1, 2, 3]
    assert s.pauses == [0.5, 1.0]
    assert len({posted.event["data"]["id"] for posted in s.house.received}) == 1


async def test_three_attempts_are_enough():
    async with scene() as s:
        assert not await s.webhooks.deliver(delivery(s.answering(500, 500, 500, 500)))
    assert len(s.house.received) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 410])
async def test_other_refusals_are_final(status):
    async with scene() as s:
        assert not await s.webhooks.deliver(delivery(s.answering(status)))
    assert len(s.house.received) == 1


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_any_2xx_is_a_success(status):
    async with scene() as s:
        assert await s.webhooks.deliver(delivery(s.answering(status)))
    assert len(s.house.received) == 1


async def test_an_answer_that_is_late_is_none():
    async with scene() as s:
        seen: list[Delivered] = []
        assert await s.webhooks.deliver(delivery(s.holding(times=2), timeout_seconds=0.05), seen.append)
    assert [posted.attempt for posted in s.house.received] == [1, 2, 3]
    assert [one.status for one in seen] == [None, None, 200]
    assert seen[0].elapsed_ms >= seen[0].deadline_ms == 50


async def test_the_deadline_is_two_seconds_unless_the_application_says_otherwise():
    assert delivery("http://127.0.0.1/").deadline_seconds == 2
    async with scene() as s:
        announcer = ControlAnnouncer(s.webhooks, Routing(s.holding(), timeout_seconds=0.05))
        announcer.tell(facts(), h.Dtmf("1"))
        announcer.close()
        received = await s.house.until(2)
    assert [posted.attempt for posted in received] == [1, 2]


async def test_an_application_that_is_down_is_tried_again():
    async with scene() as s:
        seen: list[Delivered] = []
        assert not await s.webhooks.deliver(delivery(closed_port()), seen.append)
    assert [one.attempt for one in seen] == [1, 2, 3]
    assert all(one.problem for one in seen)


async def test_every_attempt_is_signed_anew_over_what_it_says():
    async with scene() as s:
        await s.webhooks.deliver(delivery(s.answering(500)))
    first, second = s.house.received
    for posted in (first, second):
        sdk().webhooks.unwrap(posted.body.decode(), headers=posted.headers)
    assert first.headers["telnyx-signature-ed25519"] != second.headers["telnyx-signature-ed25519"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed_with_method_and_body(status):
    async with scene() as s:
        s.house.answers["/hook"] = [Answer(status, {"location": "/there?now=1"})]
        assert await s.webhooks.deliver(delivery(f"{s.house.url}/hook"))
    first, second = s.house.received
    assert (second.method, second.path, second.query) == ("POST", "/there", "now=1")
    assert second.body == first.body
    sdk().webhooks.unwrap(second.body.decode(), headers=second.headers)


async def test_three_redirects_are_followed_and_no_more():
    async with scene() as s:
        s.house.answers["/hook"] = [Answer(307, {"location": "/hook"})] * 3
        assert await s.webhooks.deliver(delivery(f"{s.house.url}/hook", retries_ms=()))
        assert len(s.house.received) == 4
        s.house.answers["/hook"] = [Answer(307, {"location": "/hook"})] * 4
        assert not await s.webhooks.deliver(delivery(f"{s.house.url}/hook", retries_ms=()))
    assert len(s.house.received) == 8


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/", "http://[", "http://127.0.0.1:99999/", "//:80/"])
async def test_a_redirect_to_nowhere_is_a_failed_attempt(location):
    async with scene() as s:
        s.house.answers["/hook"] = [Answer(302, {"location": location})]
        seen: list[Delivered] = []
        assert not await s.webhooks.deliver(delivery(f"{s.house.url}/hook", retries_ms=()), seen.append)
    assert [one.status for one in seen] == [None]
    assert seen[0].problem


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:99999/", "http://[", "nonsense", "http://a b/", "http://\u2100/"]
)
async def test_an_impossible_address_is_a_failed_request(url):
    async with scene() as s:
        with pytest.raises(RequestFailed):
            await s.webhooks.request(url, "POST", b"", "application/json")


async def test_the_failover_address_is_used_after_two_failed_attempts():
    async with scene() as s:
        spare = f"{s.house.url}/spare"
        assert await s.webhooks.deliver(delivery(s.answering(500, 500), failover_url=spare))
    assert [posted.path for posted in s.house.received] == ["/hook", "/hook", "/spare"]
    assert s.house.received[2].event["meta"] == {"attempt": 3, "delivered_to": spare}


async def test_the_failover_address_is_used_at_once_after_a_refusal():
    async with scene() as s:
        spare = s.answering(404, path="/spare")
        assert not await s.webhooks.deliver(delivery(s.answering(404), failover_url=spare))
    assert [(posted.path, posted.attempt) for posted in s.house.received] == [("/hook", 1), ("/spare", 2)]


async def test_a_policy_of_retries_says_when_and_how_often():
    async with scene() as s:
        routing = Routing(s.answering(500, 500, 500, 500), retries_ms={"call.initiated": (10, 200, 3000)})
        announcer = ControlAnnouncer(s.webhooks, routing)
        announcer.tell(facts(), h.Initiated())
        announcer.close()
        await s.house.until(4)
    assert [posted.attempt for posted in s.house.received] == [1, 2, 3, 4]
    assert s.pauses == [0.01, 0.2, 3.0]


async def test_a_get_carries_the_event_as_query_and_signs_nothing():
    async with scene() as s:
        assert await s.webhooks.deliver(delivery(f"{s.house.url}/hook?mine=1", method="GET"))
    (asked,) = s.house.received
    query = dict(parse_qsl(asked.query))
    assert asked.method == "GET"
    assert asked.body == b""
    assert query["mine"] == "1"
    assert query["data[event_type]"] == "call.dtmf.received"
    assert query["data[payload][digit]"] == "1"
    assert query["meta[attempt]"] == "1"


async def test_addresses_of_an_event_go_before_the_default_and_each_is_told():
    async with scene() as s:
        url = s.house.url
        routing = Routing(f"{url}/hook", event_urls={"call.dtmf.received": (f"{url}/a", f"{url}/b")})
        announcer = ControlAnnouncer(s.webhooks, routing)
        announcer.tell(facts(), h.Dtmf("1"))
        announcer.tell(facts(), h.Initiated())
        announcer.close()
        received = await s.house.until(3)
    assert [posted.path for posted in received] == ["/a", "/b", "/hook"]


async def test_a_command_may_bring_its_own_address():
    async with scene() as s:
        announcer = ControlAnnouncer(s.webhooks, Routing(f"{s.house.url}/app", "GET"))
        announcer.routing = announcer.routing.overridden(url=f"{s.house.url}/command")
        announcer.tell(facts(), h.Initiated())
        announcer.close()
        (posted,) = await s.house.until(1)
    assert (posted.method, posted.path) == ("POST", "/command")


def test_overriding_leaves_alone_what_a_command_does_not_name():
    routing = Routing("http://a/", "GET", {"call.cost": ("http://b/",)}, "GET", "http://c/", 5, {"x": (1,)}, "1")
    assert routing.overridden() == routing
    changed = routing.overridden(event_urls={}, retries_ms={})
    assert (changed.targets("call.cost"), changed.failover_url) == ((Target("http://a/", "GET"),), "http://c/")


async def test_nobody_is_told_without_an_address():
    async with scene() as s:
        announcer = ControlAnnouncer(s.webhooks, Routing())
        announcer.tell(facts(), h.Initiated())
        announcer.close()
        await s.webhooks.close(5)
        assert s.webhooks.history.events() == []
    assert s.house.received == []


async def test_events_of_a_call_arrive_in_their_order():
    async with scene() as s:
        announcer = ControlAnnouncer(s.webhooks, Routing(s.answering(500, 200, 503)))
        for digit in "0123456789":
            announcer.tell(facts(), h.Dtmf(digit))
        announcer.close()
        received = await s.house.until(12)
    arrived = [(posted.event["data"]["payload"]["digit"], posted.attempt) for posted in received]
    assert arrived == [("0", 1), ("0", 2), ("1", 1), ("1", 2), *((digit, 1) for digit in "23456789")]


async def test_a_silent_application_holds_up_no_event_for_longer_than_the_deadline():
    async with scene() as s:
        announcer = ControlAnnouncer(s.webhooks, Routing(s.holding(times=6), timeout_seconds=0.05))
        announcer.tell(facts(), h.Dtmf("0"))
        announcer.tell(facts(), h.Dtmf("1"))
        announcer.close()
        received = await s.house.until(6)
    digits = [posted.event["data"]["payload"]["digit"] for posted in received]
    assert digits[0] == "0"
    assert digits.index("1") <= 2


async def test_too_many_events_are_dropped_and_said(caplog):
    async with scene() as s:
        announcer = ControlAnnouncer(s.webhooks, Routing(f"{s.house.url}/hook"))
        for _ in range(501):
            announcer.tell(facts(), h.Dtmf("1"))
        assert "was dropped: 500 messages" in caplog.text
        announcer.close()
        await s.webhooks.close(0)


async def test_nothing_is_told_after_the_end(caplog):
    async with scene() as s:
        announcer = ControlAnnouncer(s.webhooks, Routing(f"{s.house.url}/hook"))
        announcer.close()
        announcer.close()
        announcer.tell(facts(), h.Dtmf("1"))
        await s.webhooks.close(5)
    assert s.house.received == []
    assert "was dropped" in caplog.text


async def test_closing_gives_up_on_what_does_not_arrive():
    async with scene() as s:
        before = asyncio.all_tasks()
        announcer = ControlAnnouncer(s.webhooks, Routing(s.holding()))
        announcer.tell(facts(), h.Initiated())
        await s.house.until(1)
        await s.webhooks.close(grace_seconds=0)
        left = [task for task in asyncio.all_tasks() - before if "uvicorn" not in repr(task)]
        assert left == []


async def test_a_form_is_delivered_like_an_event():
    async with scene() as s:
        url = s.answering(500)
        form = Delivery("completed", Target(url), FormBody("completed", {"CallSid": "v3:a b"}), facts())
        assert await s.webhooks.deliver(form)
    assert [posted.form for posted in s.house.received] == [{"CallSid": "v3:a b"}] * 2


async def findings_of(s: Scene, url: str, **more) -> dict[str, str]:
    findings = Findings()
    await s.webhooks.deliver(delivery(url, retries_ms=(), **more), noting(findings))
    return {finding["rule"]: finding["details"][0] for finding in findings.report()}


async def test_what_an_application_does_wrong_is_noted():
    async with scene() as s:
        assert await findings_of(s, s.answering(200)) == {}
        refused = await findings_of(s, s.answering(404))
        said = refused["webhook-refused"]
        assert re.fullmatch(r"call\.dtmf\.received at http://.*/hook, attempt 1: HTTP 404", said)
        late = await findings_of(s, s.holding(), timeout_seconds=0.05)
        assert "none within 50 ms" in late["late-webhook-answer"]
        down = await findings_of(s, closed_port())
        assert list(down) == ["webhook-unreachable"]


def test_an_answer_that_takes_half_of_the_time_is_slow():
    findings = Findings()
    observer = noting(findings)
    observer(Delivered("call.initiated", "http://127.0.0.1/", 1, 200, 900.0))
    assert Rule.SLOW_WEBHOOK_ANSWER not in findings
    observer(Delivered("call.initiated", "http://127.0.0.1/", 1, 200, 1000.0))
    assert Rule.SLOW_WEBHOOK_ANSWER in findings


async def test_an_answer_is_read_up_to_64_kib():
    async with scene() as s:
        s.house.answers["/texml"] = [Answer(body=b"x" * 70_000)]
        answer = await s.webhooks.request(f"{s.house.url}/texml", "GET", b"CallSid=1", "")
    assert len(answer.body) == 65_537
    assert s.house.received[0].query == "CallSid=1"
    verify_webhook_signature("", s.house.received[0].headers, SIGNER.public_key)

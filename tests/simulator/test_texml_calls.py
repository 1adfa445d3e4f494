"""Calls that dial in and follow TeXML."""

from __future__ import annotations

from typing import Any

import pytest
from telnyx.lib.webhook_verification import verify_webhook_signature

CALLER, CLINIC = "+15550100011", "+15550100012"
LISTENER: dict[str, Any] = {"turns": [], "answer_timeout_ms": 60_000}


def order(bot: Any, **more: Any) -> dict[str, Any]:
    return {"from": CALLER, "to": CLINIC, "texml_url": f"{bot.url}/texml", "script": LISTENER, **more}


def texml(body: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Response>{body}</Response>'


async def ended(control: Any, call_control_id: str) -> dict[str, Any]:
    return (await control.get(f"/calls/{call_control_id}", params={"wait_ms": 20_000})).json()


async def test_telnyx_fetches_texml_and_streams(simulator, control, bot):
    bot.texml = texml(
        f'<Connect><Stream url="{bot.stream_url}?a=1&amp;b=2" bidirectionalMode="rtp" name="line" '
        f'statusCallback="{bot.url}/stream"><Parameter name="customer" value="12345"/></Stream></Connect>'
    )
    called = await control.post("/calls", json=order(bot, status_callback=f"{bot.url}/status"))
    assert called.status_code == 201
    stream = await bot.streams.get()
    start = (await stream.until("start"))[0]["start"]
    assert start["custom_parameters"] == {"customer": "12345"}
    assert start["call_control_id"] == called.json()["call_control_id"]
    assert dict(stream.socket.query_params) == {"a": "1", "b": "2"}

    fetched = bot.to("/texml")[0]
    assert fetched.method == "POST"
    assert fetched.headers["user-agent"] == "telnyx-webhooks"
    verify_webhook_signature(fetched.body, fetched.headers, simulator.environment["TELNYX_PUBLIC_KEY"])
    assert fetched.form["CallSid"] == called.json()["call_control_id"]
    assert (fetched.form["From"], fetched.form["To"]) == (CALLER, CLINIC)

    await stream.socket.close()
    report = await ended(control, called.json()["call_control_id"])
    assert report["ended"] == {"cause": "normal_clearing", "source": "callee", "sip": "200"}
    events = [posted.form["StreamEvent"] for posted in await bot.until("/stream", 2)]
    assert events == ["stream-started", "stream-stopped"]
    statuses = await bot.until("/status", 3)
    assert [posted.form["CallStatus"] for posted in statuses] == ["initiated", "in-progress", "completed"]
    verify_webhook_signature(statuses[2].body, statuses[2].headers, simulator.environment["TELNYX_PUBLIC_KEY"])
    assert statuses[2].form["HangupCause"] == "normal_clearing"


async def test_the_next_verb_runs_when_the_stream_ends(simulator, control, bot):
    bot.texml = texml(
        f'<Say>hello</Say><Connect><Stream url="{bot.stream_url}" bidirectionalMode="rtp"/></Connect>'
        f'<Connect><Stream url="{bot.stream_url}?second" bidirectionalMode="rtp"/></Connect><Hangup/>'
    )
    called = await control.post("/calls", json=order(bot, texml_method="GET"))
    first = await bot.streams.get()
    await first.until("media")
    await first.socket.close()
    second = await bot.streams.get()
    assert second.socket.url.query == "second"
    await second.until("media")
    await second.socket.close()
    report = await ended(control, called.json()["call_control_id"])
    assert report["heard_ms"] > 0
    assert bot.to("/texml")[0].method == "GET"
    assert bot.to("/texml")[0].form["To"] == CLINIC


async def test_a_stream_that_does_not_open_runs_the_next_verb(simulator, control, bot):
    bot.texml = texml(f'<Connect><Stream url="ws://127.0.0.1:{bot.port}/nowhere"/></Connect>')
    called = await control.post("/calls", json=order(bot))
    report = await ended(control, called.json()["call_control_id"])
    assert report["state"] == "ended"
    assert "could not be opened" in report["warnings"][0]


async def test_redirect_fetches_again(simulator, control, bot):
    bot.texml = texml("<Redirect>/texml/again</Redirect>")
    called = await control.post("/calls", json=order(bot))
    await bot.until("/texml/again", 2)
    report = await ended(control, called.json()["call_control_id"])
    assert "redirected more than 20 times" in report["warnings"][0]


@pytest.mark.parametrize(("reason", "cause"), [("rejected", "call_rejected"), ("busy", "user_busy")])
async def test_reject_ends_the_call_unanswered(simulator, control, bot, reason, cause):
    bot.texml = texml(f'<Reject reason="{reason}"/>')
    called = await control.post("/calls", json=order(bot, status_callback=f"{bot.url}/status"))
    report = await ended(control, called.json()["call_control_id"])
    assert (report["ended"]["cause"], report["ended"]["source"]) == (cause, "callee")
    statuses = [posted.form["CallStatus"] for posted in await bot.until("/status", 2)]
    assert statuses == ["initiated", "busy" if reason == "busy" else "failed"]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("<Response", "not well-formed"),
        ("<Answer/>", "must be <Response>"),
        ('<!DOCTYPE r [<!ENTITY e "x">]><Response>&e;</Response>', "DOCTYPE"),
        ('<Response><Connect><Stream url="http://x"/></Connect></Response>', "ws(s) address"),
        ('<Response><Pause length="999"/></Response>', "from 1 to 180"),
    ],
)
async def test_texml_that_cannot_be_run_ends_the_call_and_says_why(simulator, control, bot, document, why):
    bot.texml = document
    called = await control.post("/calls", json=order(bot))
    report = await ended(control, called.json()["call_control_id"])
    assert report["ended"]["cause"] == "unspecified"
    assert why in report["warnings"][0]


async def test_the_caller_hears_when_texml_cannot_be_fetched(simulator, control, bot):
    called = await control.post("/calls", json=order(bot, texml_url="http://127.0.0.1:1/texml"))
    report = await ended(control, called.json()["call_control_id"])
    assert "could not be fetched" in report["warnings"][0]

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent import api, events
from agent.carriers import telnyx
from tests.agent.server_house import NUMBER, TOKEN, House, following

START = {
    "event": "start",
    "stream_id": "s1",
    "start": {"call_control_id": "v3:1", "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1}},
}
MEDIA = json.dumps(
    {"event": "media", "media": {"payload": base64.b64encode(b"\xff" * 160).decode(), "chunk": "1"}}
)


async def begin(line: Any, **start: Any) -> None:
    await line.send('{"event":"connected","version":"1.0.0"}')
    await line.send(json.dumps({**START, "start": {**START["start"], **start}}))  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/health"),
        ("GET", "/calls"),
        ("POST", "/calls"),
        ("POST", "/calls/c_1/hangup"),
        ("GET", "/calls/c_1"),
    ],
)
@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Authorization": "Bearer x y"}]
)
async def test_nobody_without_the_token_gets_in(
    house: House, method: str, path: str, header: dict[str, str]
) -> None:
    answer = await house.http.request(method, path, headers=header)

    assert answer.status_code == 401
    assert "agent.json" in answer.json()["error"]


async def test_events_need_the_token_too(house: House) -> None:
    with pytest.raises(InvalidStatus):
        await house.ws("/events", Authorization="Bearer wrong").__aenter__()


async def test_who_follows_an_agent_that_stops_is_told_so_and_let_go(house: House) -> None:
    async with house.ws("/events", **house.bearer) as stream:
        told = following(stream)
        assert isinstance(await anext(told), api.Snapshot)
        await house.agent.stop("the test is over")
        last = [item async for item in told][-1]
        code = stream.close_code

    assert isinstance(last, events.AgentStopped)
    assert last.reason == "the test is over"
    assert code == 1001


async def test_health_says_what_runs(house: House) -> None:
    health = (await house.http.get("/health", headers=house.bearer)).json()

    assert health["services"] == {"line": "SIM", "stt": "LIVE", "llm": "LIVE", "tts": "LIVE"}
    assert (health["status"], health["definition"], health["problems"]) == ("ok", "front-desk", [])


async def test_the_agents_file_leads_to_it_and_is_private(house: House, tmp_path: Path) -> None:
    found = api.AgentFile.read(tmp_path / "agent.json")

    assert found is not None
    assert (found.port, found.token) == (house.port, TOKEN)
    assert (tmp_path / "agent.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("path", ["/", "/nothing", "/calls/c_1/fly"])
async def test_a_path_that_is_not_there(house: House, path: str) -> None:
    answer = await house.http.get(path, headers=house.bearer)
    assert (answer.status_code, answer.json()) == (404, {"error": f"There is no {path} here."})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"to":5}', 400),
        (b'{"to":"+1","speed":3}', 400),
        (b'{"to":"12"}', 422),
        (b'{"to":"+36 1 555 0123"}', 422),
        (b"x" * 300_000, 413),
    ],
)
async def test_a_bad_dial_is_refused_in_one_sentence_and_nothing_is_dialled(
    house: House, body: bytes, status: int
) -> None:
    answer = await house.http.post("/calls", content=body, headers=house.bearer)

    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")
    assert house.carrier.dials == []


async def test_a_refusing_carrier_is_reported_and_the_call_is_over(house: House) -> None:
    house.carrier.error = telnyx.CarrierError("Telnyx could not place the call: D13 (HTTP 403, 10010).", "10010")
    answer = await house.dial()
    house.carrier.error = None

    assert (answer.status_code, answer.json()["error"]) == (
        502,
        "Telnyx could not place the call: D13 (HTTP 403, 10010).",
    )
    (call,) = (await house.http.get("/calls", headers=house.bearer)).json()
    assert (call["phase"], call["cause"]) == ("ended", "dial_failed")


async def test_a_dialled_call_from_ring_to_hang_up(house: House) -> None:
    call = (await house.dial(parameters={"name": "Reyes"}, who="test")).json()["call"]
    dial = house.carrier.dials[0]
    assert (dial.to, dial.command_id, dial.client_state) == (NUMBER, call, call)
    assert dial.webhook_url == f"http://127.0.0.1:{house.port}/webhooks/telnyx"
    await house.webhook("call.initiated", call_control_id="v3:1")
    await house.webhook("call.answered", call_control_id="v3:1")
    async with house.media() as line:
        await begin(line)
        job = await asyncio.wait_for(house.framework.jobs.get(), 30)
        assert "Reyes" in job.instructions
        await line.send(MEDIA)
        await line.send(json.dumps({"event": "dtmf", "dtmf": {"digit": "5"}}))
        await house.told(call, "call.dtmf")
        assert (await house.http.post(f"/calls/{call}/hangup", headers=house.bearer)).status_code == 200
        assert house.carrier.hung_up == ["v3:1"]
        await house.webhook(
            "call.hangup",
            call_control_id="v3:1",
            hangup_cause="normal_clearing",
            hangup_source="caller",
            sip_hangup_cause="200",
        )
        await line.send('{"event":"stop"}')
    ended = await house.told(call, "call.ended")

    assert isinstance(ended, events.CallEnded)
    assert (ended.cause, ended.source, ended.sip) == ("normal_clearing", "operator", "200")
    state = (await house.http.get(f"/calls/{call}", headers=house.bearer)).json()
    assert (state["phase"], state["media"]["encoding"], state["last_seq"]) == ("ended", "PCMU", ended.seq)
    again = await house.http.post(f"/calls/{call}/hangup", headers=house.bearer)
    assert (again.status_code, again.json()["error"]) == (409, f"The call {call} has ended already.")


async def test_a_call_that_is_hung_up_while_the_carrier_takes_it_does_not_ring_on(house: House) -> None:
    house.carrier.free.clear()
    dialling = asyncio.create_task(house.dial())
    await asyncio.wait_for(house.carrier.asked.wait(), 10)
    call = house.carrier.dials[0].command_id
    assert (await house.http.post(f"/calls/{call}/hangup", headers=house.bearer)).status_code == 200
    assert not house.carrier.hung_up
    house.carrier.free.set()
    await dialling

    assert house.carrier.hung_up == ["v3:1"]


async def test_webhooks_in_disorder_and_twice_tell_the_same_story(house: House) -> None:
    call = (await house.dial()).json()["call"]
    await house.webhook("call.answered", "e2", call_control_id="v3:1")
    await house.webhook("call.initiated", "e1", call_control_id="v3:1")
    await house.webhook("call.answered", "e2", call_control_id="v3:1")
    await house.webhook(
        "call.hangup", "e3", call_control_id="v3:1", hangup_cause="user_busy", hangup_source="callee"
    )
    await house.webhook("call.answered", "e4", call_control_id="v3:1")
    ended = await house.told(call, "call.ended")

    assert isinstance(ended, events.CallEnded)
    assert (ended.cause, ended.source) == ("user_busy", "callee")
    stored = [events.decode(data) for data in house.agent._journal.read_from(0)]
    assert [events.type_of(event) for event in stored if event.call == call].count("call.answered") == 1
    assert [event.duplicate for event in stored if isinstance(event, events.WebhookReceived)] == [
        False,
        False,
        True,
        False,
        False,
    ]


async def test_a_webhook_before_the_dials_answer_finds_its_call_by_the_client_state(house: House) -> None:
    call = (await house.dial()).json()["call"]
    house.agent.calls._live[call].call_control_id = ""
    await house.webhook("call.answered", call_control_id="v3:1", client_state=telnyx.encode_state(call))

    assert isinstance(await house.told(call, "call.answered"), events.CallAnswered)


@pytest.mark.parametrize("path", ["/webhooks/telnyx", "/texml", "/texml/status"])
async def test_an_unsigned_request_is_refused_and_told(house: House, path: str) -> None:
    answer = await house.http.post(path, content=b'{"data":{"event_type":"call.hangup","id":"x","payload":{}}}')

    assert answer.status_code == 403
    rejected = await house.told("", "webhook.rejected")
    assert isinstance(rejected, events.WebhookRejected)
    assert rejected.route == path


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b"[]"])
async def test_a_signed_body_that_is_no_webhook_is_refused(house: House, body: bytes) -> None:
    assert (await house.signed("/webhooks/telnyx", body)).status_code == 400


async def test_an_incoming_call_gets_texml_and_ends_when_its_line_stops(house: House) -> None:
    form = urlencode({"CallSid": "v3:in", "From": "+15550100177", "To": "+15550100000"}).encode()
    answer = await house.signed("/texml", form)
    assert answer.headers["content-type"].startswith("application/xml")
    assert "<Hangup/>" in answer.text
    token = answer.text.partition("/media/")[2].partition('"')[0]
    (call,) = (await house.http.get("/calls", headers=house.bearer)).json()
    async with house.ws(f"/media/{token}") as line:
        await begin(line, call_control_id="v3:in")
        job = await asyncio.wait_for(house.framework.jobs.get(), 30)
        assert "inbound call from +15550100177" in job.instructions
        await line.send('{"event":"stop"}')
    ended = await house.told(call["id"], "call.ended")

    assert isinstance(ended, events.CallEnded)
    assert (call["direction"], ended.cause, ended.source) == ("inbound", "normal_clearing", "caller")


async def test_one_call_too_many_is_busy(house: House) -> None:
    for _ in range(3):
        assert (await house.dial()).status_code == 201
    refused = await house.dial()
    texml = await house.signed("/texml", urlencode({"CallSid": "v3:in"}).encode())

    assert refused.status_code == 429
    assert "SIDETONE_MAX_CALLS=3" in refused.json()["error"]
    assert '<Reject reason="busy"/>' in texml.text


async def test_a_media_address_is_good_once(house: House) -> None:
    await house.dial()
    async with house.media() as line:
        await begin(line)
        await asyncio.wait_for(house.framework.jobs.get(), 30)
        with pytest.raises(InvalidStatus) as refused:
            await house.media().__aenter__()
    assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus):
        await house.ws("/media/guess").__aenter__()
    with pytest.raises(InvalidStatus):
        await house.ws("/assemblyai/guess/v3/ws").__aenter__()


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        (["hello"], "does not speak Telnyx's protocol"),
        (['{"event":"connected"}', '{"event":"stop"}'], "no start message"),
        (
            [json.dumps({**START, "start": {**START["start"], "call_control_id": "v3:other"}})],
            "belongs to another call",
        ),
        (
            [
                json.dumps(
                    {
                        **START,
                        "start": {
                            "call_control_id": "v3:1",
                            "media_format": {"encoding": "OPUS", "sample_rate": 16000},
                        },
                    }
                )
            ],
            "OPUS",
        ),
        ([], "closed before its start"),
    ],
)
async def test_a_media_socket_that_is_none_ends_the_call_with_a_sentence(
    house: House, messages: list[str], told: str
) -> None:
    call = (await house.dial()).json()["call"]
    async with house.media() as line:
        for message in messages:
            await line.send(message)
        if messages:
            with contextlib.suppress(ConnectionClosed):
                await asyncio.wait_for(line.recv(), 10)
    error = await house.told(call, "error")
    ended = await house.told(call, "call.ended")

    assert isinstance(error, events.Error)
    assert isinstance(ended, events.CallEnded)
    assert told in error.message
    assert ended.cause == "media_lost"
    assert house.carrier.hung_up == ["v3:1"]


async def test_bad_media_messages_are_dropped_counted_and_told_and_the_call_goes_on(house: House) -> None:
    call = (await house.dial()).json()["call"]
    async with house.media() as line:
        await begin(line)
        for message in [
            "{",
            '{"event":"media","media":{"payload":"%%%"}}',
            b"\x00\x01",
            '{"event":"fax"}',
            "x" * 70_000,
            "[]",
            "7",
        ]:
            await line.send(message)
        await line.send(MEDIA)
        await line.send(json.dumps({"event": "dtmf", "dtmf": {"digit": "9"}}))
        await house.told(call, "call.dtmf")
        await line.send('{"event":"stop"}')
    await house.webhook(
        "call.hangup", call_control_id="v3:1", hangup_cause="normal_clearing", hangup_source="callee"
    )
    await house.told(call, "call.ended")

    stored = [events.decode(data) for data in house.agent._journal.read_from(0)]
    errors = [event for event in stored if isinstance(event, events.Error)]
    stats = [event for event in stored if isinstance(event, events.MediaStats)]
    assert len(errors) == 5
    assert errors[-1].fix == "Later ones are only counted."
    assert (stats[-1].refused, stats[-1].rx) == (7, 1)


async def test_a_media_message_beyond_all_bounds_closes_the_socket_and_ends_the_call(house: House) -> None:
    call = (await house.dial()).json()["call"]
    async with house.media() as line:
        await begin(line)
        with contextlib.suppress(ConnectionClosed):
            await line.send("x" * 1_100_000)
            await asyncio.wait_for(line.recv(), 10)
        assert line.close_code == 1009
    ended = await house.told(call, "call.ended")

    assert isinstance(ended, events.CallEnded)
    assert ended.cause == "media_lost"
    assert house.carrier.hung_up == ["v3:1"]


async def test_a_line_that_is_cut_is_hung_up_at_the_carrier(house: House) -> None:
    call = (await house.dial()).json()["call"]
    async with house.media() as line:
        await begin(line)
        await asyncio.wait_for(house.framework.jobs.get(), 30)
        line.transport.abort()
    error = await house.told(call, "error")
    await house.webhook(
        "call.hangup", call_control_id="v3:1", hangup_cause="normal_clearing", hangup_source="caller"
    )

    assert isinstance(error, events.Error)
    assert "media socket was lost" in error.message
    assert house.carrier.hung_up == ["v3:1"]
    assert isinstance(await house.told(call, "call.ended"), events.CallEnded)


async def test_an_unknown_call_cannot_be_hung_up(house: House) -> None:
    answer = await house.http.post("/calls/c_none/hangup", headers=house.bearer)
    assert (answer.status_code, answer.json()) == (404, {"error": "There is no call c_none."})


async def test_stopping_hangs_up_what_is_live(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.calls._STOP_WAIT_S", 10)
    call = (await house.dial()).json()["call"]
    async with house.media() as line:
        await begin(line)
        await asyncio.wait_for(house.framework.jobs.get(), 30)
        stopping = asyncio.create_task(house.agent.calls.close())
        while not house.carrier.hung_up:
            await asyncio.sleep(0.01)
        await house.webhook(
            "call.hangup", call_control_id="v3:1", hangup_cause="normal_clearing", hangup_source="caller"
        )
        await line.send('{"event":"stop"}')
        await asyncio.wait_for(stopping, 10)

    assert len(house.agent.calls) == 0
    assert house.agent.stream.calls[call].cause == "normal_clearing"

"""Whole calls by Call Control, with the Telnyx SDK in strict mode and a bot of our own."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import httpx
import pytest
from telnyx import AsyncTelnyx, NotFoundError, Telnyx, UnprocessableEntityError

from simulator.server import Simulator
from simulator.telnyx.calls.outgoing import Originator
from simulator.telnyx.requests.dial import parse_dial

FROM, TO = "+15550100001", "+15550100002"
LISTENER = {"turns": [], "wait_for_greeting": True, "answer_timeout_ms": 60_000}
"""A party who says nothing and waits."""


@pytest.fixture
async def telnyx(simulator: Simulator):
    env = simulator.environment
    async with AsyncTelnyx(
        api_key=env["TELNYX_API_KEY"],
        public_key=env["TELNYX_PUBLIC_KEY"],
        base_url=env["TELNYX_BASE_URL"],
        max_retries=0,
        http_client=httpx.AsyncClient(trust_env=False),
        _strict_response_validation=True,
    ) as client:
        yield client


def unwrap(simulator: Simulator, webhook: Any) -> Any:
    """The webhook as the SDK's typed event, its signature checked."""
    client = Telnyx(
        api_key="simulated",
        public_key=simulator.environment["TELNYX_PUBLIC_KEY"],
        http_client=httpx.Client(trust_env=False),
        _strict_response_validation=True,
    )
    return client.webhooks.unwrap(webhook.body.decode(), headers=webhook.headers)


def dial(bot: Any, **more: Any) -> dict[str, Any]:
    return {
        "connection_id": "2811200000000000000",
        "from_": FROM,
        "to": TO,
        "webhook_url": f"{bot.url}/webhooks",
        "stream_url": bot.stream_url,
        "stream_bidirectional_mode": "rtp",
        "stream_bidirectional_target_legs": "self",
        "client_state": base64.b64encode(b"state").decode(),
        **more,
    }


async def test_a_call_from_dial_to_hang_up(simulator, control, bot, telnyx):
    await control.put(f"/numbers/{TO}", json=LISTENER)
    dialled = (await telnyx.calls.dial(**dial(bot))).data
    assert dialled is not None
    assert dialled.is_alive is False
    assert len(dialled.call_control_id) == 57
    assert dialled.call_control_id.startswith("v3:")

    stream = await bot.streams.get()
    await stream.until("media", 3)
    status = (await telnyx.calls.retrieve_status(dialled.call_control_id)).data
    assert status is not None
    assert status.is_alive is True
    hung_up = (await telnyx.calls.actions.hangup(dialled.call_control_id)).data
    assert hung_up is not None
    assert hung_up.result == "ok"

    await stream.closed.wait()
    assert [frame["event"] for frame in stream.frames[:2]] == ["connected", "start"]
    assert stream.frames[-1]["event"] == "stop"
    posted = await bot.until_event("call.hangup")
    events = [unwrap(simulator, webhook) for webhook in posted]
    assert [event.data.event_type for event in events] == [
        "call.initiated",
        "call.answered",
        "streaming.started",
        "streaming.stopped",
        "call.hangup",
    ]
    assert {event.data.payload.call_control_id for event in events} == {dialled.call_control_id}
    hangup = events[-1].data.payload
    assert (hangup.hangup_cause, hangup.hangup_source) == ("normal_clearing", "caller")
    ended = (await telnyx.calls.retrieve_status(dialled.call_control_id)).data
    assert ended is not None
    assert ended.is_alive is False
    assert ended.end_time is not None
    with pytest.raises(UnprocessableEntityError) as refused:
        await telnyx.calls.actions.hangup(dialled.call_control_id)
    assert refused.value.body["errors"][0]["code"] == "90018"
    with pytest.raises(NotFoundError):
        await telnyx.calls.retrieve_status("v3:" + "x" * 54)


async def test_the_start_frame_says_what_telnyx_says(simulator, control, bot, telnyx):
    await control.put(f"/numbers/{TO}", json=LISTENER | {"codec": "PCMA"})
    dialled = (await telnyx.calls.dial(**dial(bot, stream_auth_token="secret"))).data
    stream = await bot.streams.get()
    start, media = (await stream.until("start"))[0], (await stream.until("media", 2))[1]

    assert stream.headers["x-telnyx-streaming-auth-token"] == "secret"
    assert stream.frames[0]["connected"] == {"x-telnyx-streaming-auth-token": "secret"}
    assert start["sequence_number"] == "1"
    assert start["start"]["call_control_id"] == dialled.call_control_id
    assert (start["start"]["from"], start["start"]["to"]) == (FROM, TO)
    assert base64.b64decode(start["start"]["client_state"]) == b"state"
    assert start["start"]["custom_parameters"] == {}
    assert start["start"]["media_format"] == {"encoding": "PCMA", "sample_rate": 8000, "channels": 1}
    assert media["stream_id"] == start["stream_id"]
    assert media["sequence_number"] == "3"
    assert media["media"]["track"] == "inbound"
    assert (media["media"]["chunk"], media["media"]["timestamp"]) == ("2", "20")
    assert base64.b64decode(media["media"]["payload"]) == b"\xd5" * 160


async def test_marks_come_back_when_the_audio_before_them_was_heard(simulator, control, bot, telnyx):
    await control.put(f"/numbers/{TO}", json=LISTENER)
    dialled = (await telnyx.calls.dial(**dial(bot, stream_track="both_tracks"))).data
    stream = await bot.streams.get()
    await stream.send({"event": "mark", "mark": {"name": "nothing queued"}})
    assert (await stream.until("mark"))[0]["mark"] == {"name": "nothing queued"}

    tone = bytes([0x10]) * 250
    await stream.play(tone)
    await stream.send({"event": "mark", "mark": {"name": "after the tone"}})
    await stream.until("mark", 2)
    heard = b"".join(
        base64.b64decode(frame["media"]["payload"])
        for frame in stream.of("media")
        if frame["media"]["track"] == "outbound"
    )
    assert heard.strip(b"\xff") == tone
    report = (await control.get(f"/calls/{dialled.call_control_id}")).json()
    assert report["frames_received"] == 1
    assert report["state"] == "answered"


async def test_clear_stops_the_audio_and_returns_the_marks(simulator, control, bot, telnyx):
    await control.put(f"/numbers/{TO}", json=LISTENER)
    dialled = (await telnyx.calls.dial(**dial(bot))).data
    stream = await bot.streams.get()
    await stream.play(bytes([0x10]) * 8000 * 20)
    await stream.send({"event": "mark", "mark": {"name": "one"}})
    await stream.send({"event": "mark", "mark": {"name": "two"}})
    await stream.send({"event": "clear"})
    assert [frame["mark"]["name"] for frame in await stream.until("mark", 2)] == ["one", "two"]
    await stream.send({"event": "mark", "mark": {"name": "empty now"}})
    assert (await stream.until("mark", 3))[2]["mark"]["name"] == "empty now"
    report = (await control.get(f"/calls/{dialled.call_control_id}")).json()
    assert report["queued_ms"] == 0
    assert 15_000 < report["cleared_ms"][0] <= 20_000


@pytest.mark.parametrize(
    ("frame", "code", "title"),
    [
        ("not json", 100003, "malformed_frame"),
        ('{"event":"dance"}', 100003, "malformed_frame"),
        ('{"event":"media","media":{}}', 100003, "malformed_frame"),
        ('{"event":"media","media":{"payload":"%%%"}}', 100004, "invalid_media"),
        (
            {"event": "media", "media": {"payload": base64.b64encode(b"x" * 240_001).decode()}},
            100004,
            "invalid_media",
        ),
    ],
)
async def test_frames_telnyx_would_not_take_are_answered_with_an_error(
    simulator, control, bot, telnyx, frame, code, title
):
    await control.put(f"/numbers/{TO}", json=LISTENER)
    await telnyx.calls.dial(**dial(bot))
    stream = await bot.streams.get()
    await stream.send(frame)
    error = (await stream.until("error"))[0]["payload"]
    assert (error["code"], error["title"]) == (code, title)
    seen = len(stream.of("media"))
    await stream.until("media", seen + 2)


@pytest.mark.parametrize(
    ("more", "fix"),
    [
        ({"stream_bidirectional_mode": "mp3"}, '"rtp"'),
        ({"stream_bidirectional_target_legs": "opposite"}, '"self"'),
    ],
)
async def test_a_stream_the_caller_cannot_hear_is_named(simulator, control, bot, telnyx, more, fix):
    await control.put(f"/numbers/{TO}", json=LISTENER)
    dialled = (await telnyx.calls.dial(**dial(bot, stream_track="both_tracks", **more))).data
    stream = await bot.streams.get()
    await stream.play(bytes([0x10]) * 1600)
    await stream.play(bytes([0x10]) * 1600)
    await stream.send({"event": "mark", "mark": {"name": "read"}})
    await stream.until("mark")
    seen = len(stream.of("media"))
    frames = await stream.until("media", seen + 20)
    payloads = {frame["media"]["payload"] for frame in frames if frame["media"]["track"] == "outbound"}
    assert payloads == {base64.b64encode(b"\xff" * 160).decode()}
    errors = [frame["payload"]["code"] for frame in stream.of("error")]
    assert errors == ([100004, 100004] if "stream_bidirectional_mode" in more else [])
    report = (await control.get(f"/calls/{dialled.call_control_id}")).json()
    assert report["heard_ms"] == 0
    assert any(fix in finding["fix"] for finding in report["findings"])


async def test_keys_arrive_as_dtmf_and_the_party_hangs_up(simulator, control, bot, telnyx):
    script = {"turns": [{"dtmf": "1#"}], "wait_for_greeting": False, "answer_timeout_ms": 500}
    await control.put(f"/numbers/{TO}", json=script)
    dialled = (await telnyx.calls.dial(**dial(bot))).data
    stream = await bot.streams.get()
    keys = await stream.until("dtmf", 2)
    assert [key["dtmf"]["digit"] for key in keys] == ["1", "#"]
    report = (await control.get(f"/calls/{dialled.call_control_id}", params={"wait_ms": 20_000})).json()
    assert report["ended"] == {"cause": "normal_clearing", "source": "callee", "sip": "200"}
    assert report["lines"][0]["dtmf"] == "1#"
    assert report["lines"][0]["answered"] is False
    await stream.closed.wait()


async def test_a_call_goes_on_without_media_when_the_bot_closes_the_socket(simulator, control, bot, telnyx):
    await control.put(f"/numbers/{TO}", json=LISTENER)
    dialled = (await telnyx.calls.dial(**dial(bot))).data
    stream = await bot.streams.get()
    await stream.until("media")
    await stream.socket.close()
    await bot.until_event("streaming.stopped")
    status = (await telnyx.calls.retrieve_status(dialled.call_control_id)).data
    assert status.is_alive is True
    await telnyx.calls.actions.hangup(dialled.call_control_id)
    await bot.until_event("call.hangup")


async def test_a_socket_that_does_not_open_is_reported_and_the_call_stays_up(simulator, control, bot, telnyx):
    await control.put(f"/numbers/{TO}", json=LISTENER)
    dialled = (await telnyx.calls.dial(**dial(bot, stream_url=f"ws://127.0.0.1:{bot.port}/nowhere"))).data
    posted = await bot.until_event("streaming.failed")
    failed = unwrap(simulator, posted[-1]).data
    assert failed.payload.failure_reason == "connection_failed"
    assert failed.payload.stream_params.track == "inbound_track"
    report = (await control.get(f"/calls/{dialled.call_control_id}")).json()
    assert report["state"] == "answered"
    assert any("could not be opened" in warning for warning in report["warnings"])


async def test_webhooks_are_tried_again_in_order_and_at_most_three_times(simulator, control, bot, telnyx):
    bot.answers = [500, 503, 500, 404]
    await control.put(f"/numbers/{TO}", json=LISTENER)
    await telnyx.calls.dial(**dial(bot, stream_url=None))
    posted = await bot.until("/webhooks", 4)
    assert [webhook.event["event_type"] for webhook in posted] == ["call.initiated"] * 3 + ["call.answered"]
    assert len({webhook.event["id"] for webhook in posted[:3]}) == 1
    bodies = [unwrap(simulator, webhook) for webhook in posted]
    assert [body.meta["attempt"] for body in bodies] == [1, 2, 3, 1]


async def test_a_call_hung_up_while_it_rings_is_cancelled(simulator, control, bot, telnyx):
    await control.put(f"/numbers/{TO}", json=LISTENER | {"answer_after_ms": 60_000})
    dialled = (await telnyx.calls.dial(**dial(bot))).data
    assert (await control.get(f"/calls/{dialled.call_control_id}")).json()["state"] == "ringing"
    await telnyx.calls.actions.hangup(dialled.call_control_id)
    posted = await bot.until_event("call.hangup")
    assert posted[-1].event["payload"]["hangup_cause"] == "originator_cancel"
    assert [webhook.event["event_type"] for webhook in posted] == ["call.initiated", "call.hangup"]


@pytest.mark.parametrize(
    ("limits", "answer_after_ms", "cause"),
    [({"timeout_secs": 0}, 1, "timeout"), ({"time_limit_secs": 0}, 0, "time_limit")],
)
async def test_limits_of_a_dial(simulator, control, limits, answer_after_ms, cause):
    await control.put(f"/numbers/{TO}", json=LISTENER | {"answer_after_ms": answer_after_ms})
    request = parse_dial({"connection_id": "2811200000000000000", "from": FROM, "to": TO})
    call = Originator(simulator.exchange).dial(replace(request, **limits))
    await call.over.wait()
    assert call.hangup.cause == cause


async def test_the_same_command_dials_once(simulator, control, bot, telnyx):
    first = (await telnyx.calls.dial(**dial(bot, command_id="once"))).data
    again = (await telnyx.calls.dial(**dial(bot, command_id="once"))).data
    assert first.call_control_id == again.call_control_id
    assert simulator.exchange.live == 1


REFUSED_DIALS = [
    ({"to": "12345"}, "10016", "/to"),
    ({"from_": "sip:me@example.com"}, "10016", "/from"),
    ({"connection_id": ""}, "10004", "/connection_id"),
    ({"client_state": "%"}, "90017", "/client_state"),
    ({"timeout_secs": 4}, "10033", "/timeout_secs"),
    ({"timeout_secs": "30"}, "10026", "/timeout_secs"),
    ({"stream_track": "all"}, "10032", "/stream_track"),
    ({"stream_codec": "pcmu"}, "10032", "/stream_codec"),
    ({"stream_codec": "AMR-WB"}, "10015", "/stream_codec"),
    ({"stream_bidirectional_mode": "RTP"}, "10032", "/stream_bidirectional_mode"),
    ({"stream_url": "http://127.0.0.1/"}, "10015", "/stream_url"),
]


async def test_dials_that_telnyx_refuses(simulator, bot, telnyx):
    for more, code, pointer in REFUSED_DIALS:
        with pytest.raises(UnprocessableEntityError) as refused:
            await telnyx.calls.dial(**dial(bot, **more))
        error = refused.value.body["errors"][0]
        assert (more, error["code"], error["source"]["pointer"]) == (more, code, pointer)
    assert simulator.exchange.live == 0


async def test_requests_without_a_key_or_for_nothing_are_refused(simulator):
    async with httpx.AsyncClient(base_url=simulator.environment["TELNYX_BASE_URL"], trust_env=False) as anybody:
        refused = await anybody.post("/calls", json={})
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (401, "10009")
        anybody.headers["Authorization"] = "Bearer key"
        statuses = {}
        for method, path, body in [
            ("GET", "/nothing", b""),
            ("GET", "/calls", b""),
            ("POST", "/calls", b"{"),
            ("POST", "/calls", b"[]"),
            ("POST", "/calls/nonsense/actions/hangup", b""),
            ("POST", f"/calls/v3:{'x' * 54}/actions/answer", b""),
        ]:
            answer = await anybody.request(method, path, content=body)
            statuses[f"{method} {path} {body.decode()}"] = answer.status_code, answer.json()["errors"][0]["code"]
        assert list(statuses.values()) == [
            (404, "10005"),
            (405, "10030"),
            (400, "10023"),
            (400, "10015"),
            (422, "90015"),
            (404, "10005"),
        ]

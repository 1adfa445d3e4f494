"""Who may open a session, how long it lasts, what it bears, and how it fails on demand."""

from __future__ import annotations

import asyncio
import json
import re
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import websockets

from simulator.assemblyai import connection, session
from simulator.assemblyai.errors import SessionRefused
from simulator.assemblyai.limits import Intake, Limits
from simulator.assemblyai.tokens import Tokens
from simulator.faults import Fault
from tests.simulator.assemblyai_house import Client, Running, finals, hearing

SAID = "That is all."
DOCUMENTED = {
    1008: "Unauthorized Connection: Invalid API key",
    3005: "Session Cancelled: An error occurred",
    3006: "User Input Validation Error: Invalid 'speech_model'",
    3007: "Input Duration Error: Input Duration Violation: 20.0 ms. Expected between 50 and 1000 ms",
    3008: "Session Expired: Maximum session duration exceeded",
    3009: "Unauthorized Connection: Too many concurrent sessions",
}


async def refusal(stand_in: Running, query: str = "", key: str | None = "any") -> str:
    """The Error with which a session ends before it begins; the close says the same code and nothing more."""
    async with stand_in.session(query, key) as client:
        (error,) = await client.rest()
    assert error["type"] == "Error"
    assert client.socket.close_code == error["error_code"]
    assert client.socket.close_reason == "See Error message for details"
    return f"{error['error_code']} {error['error']}"


async def without_end(client: Client) -> None:
    while True:
        await client.say(np.zeros(400, np.int16))


async def test_a_token_opens_sessions_until_it_expires_and_caps_them():
    async with hearing() as (stand_in, _, _):
        answer = await stand_in.token(expires_in_seconds=60, max_session_duration_seconds=90)
        assert answer.status_code == 200
        assert answer.json()["expires_in_seconds"] == 60
        token = answer.json()["token"]
        for query, key in ((f"token={token}", None), (f"token={token}", None), ("", token)):
            async with stand_in.session(query, key) as client:
                begin = await client.receive()
            assert begin["expires_at"] - time.time() == pytest.approx(90, abs=10)


async def test_without_a_cap_a_session_may_last_three_hours():
    async with hearing() as (stand_in, _, _), stand_in.session() as client:
        assert (await client.receive())["expires_at"] - time.time() == pytest.approx(10_800, abs=10)


async def test_a_token_that_expired_and_one_that_never_was(monkeypatch):
    tokens = Tokens()
    token = tokens.issue(1, 60)
    assert tokens.session_seconds(token) == 60
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 2)
    with pytest.raises(SessionRefused, match="Unauthorized Connection: Signature has expired"):
        tokens.session_seconds(token)
    with pytest.raises(SessionRefused, match="Invalid API key"):
        Tokens().session_seconds(token)
    async with hearing() as (stand_in, _, _):
        assert await refusal(stand_in, "token=never-issued", None) == f"1008 {DOCUMENTED[1008]}"


@pytest.mark.parametrize("key", ["Bearer any", "bearer any", "None"])
async def test_keys_that_the_service_would_not_know(key):
    async with hearing() as (stand_in, _, _):
        assert await refusal(stand_in, key=key) == f"1008 {DOCUMENTED[1008]}"
        assert await refusal(stand_in, key=None) == "1008 Unauthorized Connection: Missing Authorization header"


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({}, {"type": "missing", "loc": ["query", "expires_in_seconds"], "msg": "Field required", "input": None}),
        (
            {"expires_in_seconds": 0},
            {
                "type": "greater_than_equal",
                "loc": ["query", "expires_in_seconds"],
                "msg": "Input should be greater than or equal to 1",
                "input": "0",
                "ctx": {"ge": 1},
            },
        ),
        (
            {"expires_in_seconds": 601},
            {
                "type": "less_than_equal",
                "loc": ["query", "expires_in_seconds"],
                "msg": "Input should be less than or equal to 600",
                "input": "601",
                "ctx": {"le": 600},
            },
        ),
        (
            {"expires_in_seconds": "soon"},
            {
                "type": "int_parsing",
                "loc": ["query", "expires_in_seconds"],
                "msg": "Input should be a valid integer, unable to parse string as an integer",
                "input": "soon",
            },
        ),
        (
            {"expires_in_seconds": 60, "max_session_duration_seconds": 59},
            {
                "type": "greater_than_equal",
                "loc": ["query", "max_session_duration_seconds"],
                "msg": "Input should be greater than or equal to 60",
                "input": "59",
                "ctx": {"ge": 60},
            },
        ),
    ],
)
async def test_a_token_is_refused_in_the_shape_of_the_service(asked, problem):
    async with hearing() as (stand_in, _, _):
        answer = await stand_in.token(**asked)
        without_key = await stand_in.token(None, expires_in_seconds=60)
    assert (answer.status_code, answer.json()) == (422, {"detail": [problem]})
    assert without_key.json()["detail"][0]["loc"] == ["header", "authorization"]


async def test_the_retired_endpoint_is_gone():
    async with hearing() as (stand_in, _, _):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(f"{stand_in.host}/v2/realtime/ws?sample_rate=16000", proxy=None)
    assert refused.value.response.status_code == 410
    assert "/v3/ws" in json.loads(refused.value.response.body)["error"]


async def test_no_more_sessions_at_once_than_the_limit():
    async with hearing(limits=Limits(sessions=1)) as (stand_in, _, _):
        async with stand_in.session() as client:
            await client.receive()
            assert await refusal(stand_in) == f"3009 {DOCUMENTED[3009]}"
            await client.send(type="Terminate")
            await client.rest()
        async with stand_in.session() as client:
            assert (await client.receive())["type"] == "Begin"


def test_the_limit_of_sessions_is_a_setting(monkeypatch):
    monkeypatch.setenv("SIDETONE_STT_SESSIONS", "3")
    assert Limits.from_environment().sessions == 3
    monkeypatch.setenv("SIDETONE_STT_SESSIONS", "many")
    with pytest.raises(ValueError, match="SIDETONE_STT_SESSIONS must be a number"):
        Limits.from_environment()


async def test_a_session_expires_also_while_audio_comes_in():
    async with hearing(limits=Limits(session_seconds=0.05)) as (stand_in, _, _):
        async with stand_in.session() as idle:
            assert (await idle.rest())[-1]["error"] == DOCUMENTED[3008]
        async with stand_in.session() as busy:
            talking = asyncio.create_task(without_end(busy))
            assert (await busy.rest())[-1]["error"] == DOCUMENTED[3008]
            with pytest.raises(websockets.ConnectionClosed):
                await talking
        assert busy.socket.close_code == 3008


@pytest.fixture
def deadlines(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How many seconds the server would have waited for a message, which it does for 10 ms."""
    waits: list[float] = []

    def soon(when: float) -> Any:
        now = asyncio.get_running_loop().time()
        waits.append(when - now)
        return asyncio.timeout_at(now + 0.01)

    monkeypatch.setattr(connection, "asyncio", SimpleNamespace(**vars(asyncio) | {"timeout_at": soon}))
    return waits


async def test_inactivity_ends_a_session_in_the_words_of_the_service(deadlines):
    async with hearing() as (stand_in, _, _), stand_in.session("inactivity_timeout=5") as client:
        _, error = await client.rest()
    assert error["error"] == "Session terminated due to inactivity: No messages received for 5 seconds"
    assert error["error_code"] == 3006
    assert deadlines[0] == pytest.approx(5, abs=0.5)


@pytest.mark.parametrize("message", [bytes(128 * 1024 + 1), "x" * (128 * 1024 + 1)])
async def test_a_message_that_is_too_big_closes_without_a_word(message):
    async with hearing() as (stand_in, _, _), stand_in.session() as client:
        await client.receive()
        await client.socket.send(message)
        assert await client.rest() == []
    assert client.socket.close_code == 1009


async def test_audio_may_be_ahead_of_the_clock_by_so_much():
    async with hearing(limits=Limits(ahead_seconds=2)) as (stand_in, _, _), stand_in.session() as client:
        await client.say(np.zeros(8 * 60_000, np.int16), 1000)
        _, error = await client.rest()
    assert error["error"].startswith("Audio Transmission Rate Exceeded: Received ")
    assert error["error_code"] == client.socket.close_code == 3007


def test_audio_in_time_is_never_too_fast_and_codecs_choose_their_own_lengths():
    intake = Intake(Limits(), timed=False)
    for message in range(1000):
        intake.check(20, message / 50)
    with pytest.raises(SessionRefused, match=re.escape("Received 320.5 sec. audio in 20.0 sec")):
        intake.check(300_500, 20)


async def test_heartbeats_for_those_who_ask():
    often = Limits(heartbeat_seconds=0.02)
    async with (
        hearing(SAID, limits=often) as (stand_in, _, samples),
        stand_in.session("session_heartbeat=true") as client,
    ):
        await client.receive()
        quiet = await client.until("Heartbeat")
        await client.say(samples)
        loud = await client.until("Heartbeat")
        while not loud["max_speech_probability"]:
            loud = await client.until("Heartbeat")
    assert (quiet["total_audio_received_ms"], quiet["realtime_factor"]) == (0, 0.0)
    assert quiet["max_speech_probability"] == 0.0
    assert 0 < loud["total_audio_received_ms"] <= 900
    assert all(type(beat["total_duration_ms"]) is int for beat in (quiet, loud))


async def test_no_heartbeats_for_others_and_from_an_update_on():
    often = Limits(heartbeat_seconds=0.01)
    async with hearing(limits=often) as (stand_in, _, _), stand_in.session() as client:
        await client.receive()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.receive(), 0.05)
        await client.send(type="UpdateConfiguration", session_heartbeat=True)
        beat = await client.receive()
    assert beat["type"] == "Heartbeat"
    assert beat["total_duration_ms"] >= 50


@pytest.mark.parametrize("where", ["connect", "after_ms"])
@pytest.mark.parametrize("code", [1000, 1008, 1009, 1011, 3005, 3006, 3007, 3008, 3009])
async def test_every_documented_end_can_be_asked_for(where, code):
    async with hearing() as (stand_in, _, _):
        stand_in.faults.set("assemblyai", Fault(where, code=code))
        async with stand_in.session() as client:
            if where == "after_ms":
                assert (await client.receive())["type"] == "Begin"
                await client.send(type="KeepAlive")
            told = await client.rest()
    assert client.socket.close_code == code
    assert [message["error_code"] for message in told] == ([code] if code in DOCUMENTED else [])
    assert all(message["error"].startswith(DOCUMENTED[code]) for message in told)


async def test_every_connection_of_a_while_can_fail():
    async with hearing() as (stand_in, _, _):
        stand_in.faults.set("assemblyai", Fault("connect", code=3005, times=3))
        for _ in range(3):
            assert await refusal(stand_in) == f"3005 {DOCUMENTED[3005]}"
        async with stand_in.session() as client:
            assert (await client.receive())["type"] == "Begin"


async def test_a_service_that_falls_silent_sends_no_heartbeats_either():
    async with hearing(limits=Limits(heartbeat_seconds=0.01)) as (stand_in, _, _):
        stand_in.faults.set("assemblyai", Fault("after_ms"))
        async with stand_in.session() as client:
            assert (await client.receive())["type"] == "Begin"
            await client.send(type="UpdateConfiguration", session_heartbeat=True)
            await client.send(type="Terminate")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.receive(), 0.05)


async def test_slow_finals_keep_their_order(monkeypatch):
    waits: list[float] = []

    async def noted(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(session, "asyncio", SimpleNamespace(sleep=noted))
    async with hearing(200, SAID, 800, SAID, 800, SAID, 800) as (stand_in, _, samples):
        stand_in.faults.set("assemblyai", Fault("final", after_ms=2500, times=2))
        messages = await stand_in.hear(samples)
    assert [seconds for seconds in waits if seconds] == [2.5, 2.5]
    assert [final["turn_order"] for final in finals(messages)] == [0, 1, 2]


@pytest.mark.parametrize("model", ["u3-rt-agent", "universal-3-7-preview"])
async def test_models_that_are_not_for_everybody_begin_and_are_cancelled(model, deadlines):
    async with hearing() as (stand_in, _, _), stand_in.session(f"speech_model={model}") as client:
        begin, error = await client.rest()
    assert begin["configuration"]["model"] == model
    assert (error["error_code"], error["error"]) == (3005, DOCUMENTED[3005])
    assert deadlines[0] == pytest.approx(5, abs=0.5)

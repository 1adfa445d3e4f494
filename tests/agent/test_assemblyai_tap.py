from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidStatus

from agent import events
from tests.agent.tap_house import (
    BEGIN,
    QUERY,
    SPEECH_STARTED,
    TERMINATION,
    Rig,
    Service,
    audio,
    client,
    closed,
    loud,
    refuse,
    text,
    turn,
    until_terminated,
)


@pytest.fixture
def rig(told: Any, serve: Any) -> Rig:
    return Rig(told, serve)


async def test_everything_passes_and_is_journaled_and_the_key_is_added_here(rig: Rig) -> None:
    last = turn("Hi.", last=True)

    async def act(connection: ServerConnection) -> None:
        await connection.send(BEGIN)
        assert await connection.recv() == loud(100)
        await connection.send(SPEECH_STARTED)
        await connection.send(last)
        assert await connection.recv() == '{"type":"Terminate"}'
        await connection.send(TERMINATION)
        await connection.close(1000, "Session Ended")

    service = Service(act)
    async with rig.between(service) as connection:
        assert await connection.recv() == BEGIN
        await connection.send(loud(100))
        assert await connection.recv() == SPEECH_STARTED
        assert await connection.recv() == last
        await connection.send('{"type":"Terminate"}')
        assert await connection.recv() == TERMINATION
        assert await closed(connection) == (1000, "Session Ended")

    assert service.paths == [f"/v3/ws?{QUERY}&session_heartbeat=true"]
    assert service.headers[0]["Authorization"] == "the-real-key"
    assert rig.told.types == [
        "stt.opened",
        "stt.begin",
        "stt.speech_started",
        "stt.turn",
        "stt.sent",
        "stt.termination",
        "stt.closed",
    ]
    assert rig.told.events[0].parameters["keyterms_prompt"] == '["Telnyx"]'
    assert rig.told.events[3].message == json.loads(last)
    assert rig.told.events[3].audio_ms == 100
    assert rig.tap.final_confidence == 1
    assert rig.tap.model == "universal-3-6-pro"
    assert rig.deaf == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1008, "Unauthorized Connection: Invalid API key"),
        (3006, "User Input Validation Error: Invalid JSON"),
        (3007, "Input Duration Error: Input Duration Violation: 20.0 ms. Expected between 50 and 1000 ms"),
    ],
)
async def test_an_error_that_no_retry_can_mend_is_passed_on_and_makes_the_call_deaf(
    rig: Rig, code: int, words: str
) -> None:
    async def act(connection: ServerConnection) -> None:
        await refuse(connection, code, words)

    service = Service(act)
    async with rig.between(service) as connection:
        assert json.loads(await connection.recv())["error"] == words
        assert await closed(connection) == (code, "See Error message for details")

    (error,) = rig.of(events.SttError)
    assert (error.code, error.text, error.final) == (code, words, True)
    assert len(service.paths) == len(rig.deaf) == 1
    assert words in rig.deaf[0]


@pytest.mark.parametrize(("status", "tries"), [(HTTPStatus.UNAUTHORIZED, 1), (HTTPStatus.SERVICE_UNAVAILABLE, 3)])
async def test_a_refused_upgrade_is_passed_on_as_such(rig: Rig, status: HTTPStatus, tries: int) -> None:
    async with Service(refuse=status).on() as upstream, rig.on(upstream) as url:
        with pytest.raises(InvalidStatus) as refused:
            await client(url).__aenter__()

    assert refused.value.response.status_code == status
    assert [error.code for error in rig.of(events.SttError)] == [status] * tries
    assert [error.final for error in rig.of(events.SttError)] == [False] * (tries - 1) + [True]


async def test_a_refusal_that_passes_does_not_reach_the_framework(rig: Rig) -> None:
    service = Service(until_terminated, refuse={1: HTTPStatus.SERVICE_UNAVAILABLE})
    async with service.on() as upstream, rig.on(upstream) as url, client(url) as framework:
        await framework.send('{"type":"Terminate"}')
        await framework.wait_closed()

    assert [(error.session, error.final) for error in rig.of(events.SttError)] == [(1, False)]
    assert [opened.session for opened in rig.of(events.SttOpened)] == [2]
    assert not rig.deaf


async def test_a_service_that_refuses_again_and_again_is_given_up_and_not_asked_any_more(rig: Rig) -> None:
    async with Service(refuse=HTTPStatus.SERVICE_UNAVAILABLE).on() as upstream, rig.on(upstream) as url:
        for _ in range(5):
            with pytest.raises(InvalidStatus):
                await client(url).__aenter__()

    assert [(error.session, error.final) for error in rig.of(events.SttError)] == [
        (1, False),
        (2, False),
        (3, True),
    ]
    assert len(rig.deaf) == 1


async def test_a_service_that_is_not_there_is_named(rig: Rig) -> None:
    async with rig.on("ws://127.0.0.1:9/v3/ws") as url:
        with pytest.raises(InvalidStatus):
            await client(url).__aenter__()

    assert "127.0.0.1:9 cannot be reached" in rig.of(events.SttError)[0].text


async def test_text_that_is_no_json_passes_and_is_kept(rig: Rig) -> None:
    async def act(connection: ServerConnection) -> None:
        await connection.send("hello")
        await connection.send("[1]")
        await connection.send(b"\x00")
        assert await connection.recv() == "[2]"
        await refuse(connection, 3006, "User Input Validation Error: Invalid JSON")

    async with rig.between(Service(act)) as connection:
        assert await connection.recv() == "hello"
        assert await connection.recv() == "[1]"
        assert await connection.recv() == b"\x00"
        await connection.send("[2]")
        await closed(connection)

    assert [event.message for event in rig.of(events.SttOther)] == [{"text": "hello"}, {"value": [1]}]
    assert [event.message for event in rig.of(events.SttSent)] == [{"value": [2]}]


async def test_the_operator_retunes_the_session_and_ends_a_turn(rig: Rig) -> None:
    got: list[dict[str, Any]] = []

    async def act(connection: ServerConnection) -> None:
        await connection.send(BEGIN)
        got.extend([await text(connection), await text(connection)])
        await until_terminated(connection)

    forced: list[bool] = []
    fields, ignored = {"min_turn_silence": 600, "mode": "balanced"}, {"mode": "because"}
    async with rig.between(Service(act)) as connection:
        rig.tap.on_forced = lambda: forced.append(True)
        await connection.recv()
        assert await rig.tap.configure(fields, "console", ignored)
        assert await rig.tap.end_turn("console")
        await connection.send('{"type":"Terminate"}')
        await closed(connection)
        assert not await rig.tap.configure({"min_turn_silence": 1}, "console", {})
        assert not await rig.tap.end_turn("console")

    assert got == [{"type": "UpdateConfiguration", **fields}, {"type": "ForceEndpoint"}]
    tuned, ended = rig.of(events.SttTuned)
    assert (tuned.session, tuned.who, tuned.fields, tuned.ignored) == (1, "console", fields, ignored)
    assert (ended.who, ended.end_turn, ended.fields) == ("console", True, {})
    assert rig.tap.tuned == fields
    assert forced == [True]


async def test_parameters_that_change_nothing_are_told_once_with_the_reason(rig: Rig) -> None:
    begin = {
        "type": "Begin",
        "simulator": {"unknown": ["formatted_finals"], "ignored": {"keyterms_prompt": "no words to bias"}},
    }

    async def act(connection: ServerConnection) -> None:
        await connection.send(json.dumps(begin))
        await until_terminated(connection)

    async with rig.between(Service(act), f"{QUERY}&formatted_finals=true&format_turns=true") as connection:
        await connection.send('{"type":"Terminate"}')
        await closed(connection)

    (told,) = rig.of(events.SttIgnored)
    assert told.parameters == {
        "formatted_finals": "AssemblyAI's v3 has no such parameter.",
        "format_turns": "Universal-3 models have no use for it.",
        "keyterms_prompt": "no words to bias",
    }


@pytest.mark.parametrize("said", [None, 5, {"ignored": [1]}, {"ignored": {"x" * 900: 7}}])
async def test_a_begin_that_says_nonsense_of_parameters_does_no_harm(rig: Rig, said: object) -> None:
    async def act(connection: ServerConnection) -> None:
        await connection.send(json.dumps({"type": "Begin", "simulator": said}))
        await until_terminated(connection)

    async with rig.between(Service(act)) as connection:
        await connection.send('{"type":"Terminate"}')
        await closed(connection)

    for told in rig.of(events.SttIgnored):
        assert told.parameters == {"x" * 60: "7"}


async def test_a_token_of_the_framework_is_used_and_not_told(rig: Rig) -> None:
    service = Service(until_terminated)
    async with rig.between(service, f"{QUERY}&token=a-secret") as connection:
        await connection.send('{"type":"Terminate"}')
        await closed(connection)

    assert "&token=a-secret" in service.paths[0]
    assert rig.of(events.SttOpened)[0].parameters["token"] == "…"


@pytest.mark.parametrize("asked", [False, True])
async def test_heartbeats_are_journaled_and_shown_to_those_who_asked_for_them(rig: Rig, asked: bool) -> None:
    beat = '{"type":"Heartbeat","total_audio_received_ms":5000}'

    async def act(connection: ServerConnection) -> None:
        await connection.send(beat)
        await connection.send(BEGIN)
        await until_terminated(connection)

    service = Service(act)
    async with rig.between(service, f"{QUERY}&session_heartbeat=true" if asked else QUERY) as connection:
        assert await connection.recv() == (beat if asked else BEGIN)
        await connection.send('{"type":"Terminate"}')
        await closed(connection)

    assert service.paths[0].count("session_heartbeat=true") == 1
    assert len(rig.of(events.SttOther)) == 1
    assert ("session_heartbeat" in rig.of(events.SttOpened)[0].parameters) == asked


async def test_the_sdks_version_header_reaches_the_service(rig: Rig) -> None:
    service = Service(until_terminated)
    headers = {"AssemblyAI-Version": "2025-05-12", "User-Agent": "AssemblyAI/1.0", "X-Other": "no"}
    async with service.on() as upstream, rig.on(upstream) as url, client(url, headers) as connection:
        await connection.send('{"type":"Terminate"}')
        await closed(connection)

    got = {name.lower(): value for name, value in service.headers[0].items()}
    assert (got["assemblyai-version"], got["user-agent"]) == ("2025-05-12", "AssemblyAI/1.0")
    assert "x-other" not in got


async def test_audio_is_counted_for_each_session(rig: Rig) -> None:
    async def act(connection: ServerConnection) -> None:
        await audio(connection, 700)
        await connection.send(turn("one"))
        await audio(connection, 300)
        await until_terminated(connection, turn("one two", last=True))

    async with rig.between(Service(act)) as connection:
        for _ in range(14):
            await connection.send(loud(50))
        assert "one" in str(await connection.recv())
        for _ in range(6):
            await connection.send(loud(50))
        await connection.send('{"type":"Terminate"}')
        await closed(connection)

    assert [event.audio_ms for event in rig.of(events.SttTurn)] == [700, 1_000]

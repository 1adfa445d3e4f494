from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.assemblyai_tap import Tap

QUERY = "sample_rate=8000&encoding=pcm_s16le&keyterms_prompt=%5B%22Telnyx%22%5D"
TURN = '{"turn_order":0,"end_of_turn":true,"transcript":"Hi.","end_of_turn_confidence":1,"words":[],"type":"Turn"}'


class Service:
    """An AssemblyAI that does what a test says."""

    def __init__(
        self, act: Callable[[ServerConnection], Awaitable[None]], refuse: HTTPStatus | None = None
    ) -> None:
        self._act, self._refuse = act, refuse
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.received: list[str | bytes] = []

    async def __call__(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.paths.append(connection.request.path)
        self.headers.append(dict(connection.request.headers.raw_items()))
        await self._act(connection)

    @contextlib.asynccontextmanager
    async def on(self) -> AsyncIterator[str]:
        refuse = self._refuse

        def answer(connection: ServerConnection, _request: Any) -> Any:
            return connection.respond(refuse, "no") if refuse else None

        async with serve(self, "127.0.0.1", 0, process_request=answer) as server:
            port = server.sockets[0].getsockname()[1]
            yield f"ws://127.0.0.1:{port}/v3/ws"


class Rig:
    """A tap between a client of the test and a service of the test."""

    def __init__(self, told: Any, serve: Any) -> None:
        self.told, self._serve = told, serve
        self.deaf: list[str] = []

    @contextlib.asynccontextmanager
    async def on(self, upstream: str) -> AsyncIterator[str]:
        self.tap = Tap(upstream, "the-real-key", self.told, self.deaf.append)
        app = Starlette(routes=[WebSocketRoute("/v3/ws", self.tap.serve)])
        async with self._serve(app) as port:
            yield f"ws://127.0.0.1:{port}/v3/ws?{QUERY}"


@pytest.fixture
def rig(told: Any, serve: Any) -> Rig:
    return Rig(told, serve)


def client(url: str) -> connect:
    return connect(url, proxy=None, compression=None, additional_headers={"Authorization": "held by the tap"})


async def closed(connection: ClientConnection) -> tuple[int | None, str | None]:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await connection.recv()
    return connection.close_code, connection.close_reason


async def test_everything_passes_and_is_journaled_and_the_key_is_added_here(rig: Rig) -> None:
    got: list[str | bytes] = []

    async def act(connection: ServerConnection) -> None:
        await connection.send('{"type":"Begin","id":"x","expires_at":1}')
        async for message in connection:
            got.append(message)
            if isinstance(message, bytes):
                await connection.send('{"type":"SpeechStarted","timestamp":0,"confidence":0.9}')
                await connection.send(TURN)
            elif "Terminate" in message:
                await connection.send(
                    '{"type":"Termination","audio_duration_seconds":5,"session_duration_seconds":5}'
                )
                await connection.close(1000, "Session Ended")

    service = Service(act)
    async with service.on() as upstream, rig.on(upstream) as url, client(url) as connection:
        assert json.loads(await connection.recv())["type"] == "Begin"
        await connection.send(b"\x01\x02" * 400)
        await connection.recv()
        assert await connection.recv() == TURN
        await connection.send('{"type":"Terminate"}')
        assert json.loads(await connection.recv())["type"] == "Termination"
        assert await closed(connection) == (1000, "Session Ended")

    assert service.paths == [f"/v3/ws?{QUERY}"]
    assert service.headers[0]["Authorization"] == "the-real-key"
    assert got == [b"\x01\x02" * 400, '{"type":"Terminate"}']
    await rig.told.until("stt.closed")
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
    assert rig.told.events[3].message == json.loads(TURN)
    assert rig.tap.final_confidence == 1
    assert rig.deaf == []


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (1008, "Unauthorized Connection: Invalid API key"),
        (3006, "User Input Validation Error: Invalid JSON"),
        (3007, "Input Duration Error: Input Duration Violation: 20.0 ms. Expected between 50 and 1000 ms"),
    ],
)
async def test_an_error_that_no_retry_can_mend_makes_the_call_deaf_at_once(rig: Rig, code: int, text: str) -> None:
    async def act(connection: ServerConnection) -> None:
        await connection.send(json.dumps({"type": "Error", "error_code": code, "error": text}))
        await connection.close(code, "See Error message for details")

    async with Service(act).on() as upstream, rig.on(upstream) as url, client(url) as connection:
        assert json.loads(await connection.recv())["error"] == text
        assert await closed(connection) == (code, "See Error message for details")
        error = await rig.told.until("stt.error")

    assert (error.code, error.text, error.final) == (code, text, True)
    assert len(rig.deaf) == 1
    assert text in rig.deaf[0]


@pytest.mark.parametrize("code", [3005, 3008, 3009, 1011])
async def test_an_error_that_may_pass_is_final_only_when_it_comes_back(rig: Rig, code: int) -> None:
    async def act(connection: ServerConnection) -> None:
        await connection.send(json.dumps({"type": "Error", "error_code": code, "error": "try later"}))
        await connection.close(code, "See Error message for details")

    async with Service(act).on() as upstream, rig.on(upstream) as url:
        for _ in range(3):
            assert rig.deaf == []
            async with client(url) as connection:
                assert (await closed(connection))[0] == code

    errors = [event for event in rig.told.events if event.__class__.__name__ == "SttError"]
    assert [(event.session, event.final) for event in errors] == [(1, False), (2, False), (3, True)]
    assert len(rig.deaf) == 1


async def test_words_in_between_forgive_earlier_failures(rig: Rig) -> None:
    async def act(connection: ServerConnection) -> None:
        await connection.send(TURN)
        await connection.close(1011)

    async with Service(act).on() as upstream, rig.on(upstream) as url:
        for _ in range(5):
            async with client(url) as connection:
                assert (await closed(connection))[0] == 1011

    assert rig.deaf == []


@pytest.mark.parametrize(
    ("status", "final"), [(HTTPStatus.UNAUTHORIZED, True), (HTTPStatus.SERVICE_UNAVAILABLE, False)]
)
async def test_a_refused_upgrade_is_passed_on_as_such(rig: Rig, status: HTTPStatus, final: bool) -> None:
    async def act(_connection: ServerConnection) -> None:
        raise AssertionError("never connected")

    async with Service(act, refuse=status).on() as upstream, rig.on(upstream) as url:
        with pytest.raises(InvalidStatus) as refused:
            await client(url).__aenter__()
        error = await rig.told.until("stt.error")

    assert refused.value.response.status_code == status
    assert (error.code, error.final) == (status, final)


async def test_a_service_that_is_not_there_is_named(rig: Rig) -> None:
    async with rig.on("ws://127.0.0.1:9/v3/ws") as url:
        with pytest.raises(InvalidStatus):
            await client(url).__aenter__()
        error = await rig.told.until("stt.error")

    assert "127.0.0.1:9 cannot be reached" in error.text


async def test_a_socket_cut_without_a_word_is_an_error(rig: Rig) -> None:
    async def act(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with Service(act).on() as upstream, rig.on(upstream) as url, client(url) as connection:
        await closed(connection)
        error = await rig.told.until("stt.error")

    assert error.code == 1006
    assert "without a word" in error.text


async def test_text_that_is_no_json_passes_and_is_kept(rig: Rig) -> None:
    async def act(connection: ServerConnection) -> None:
        await connection.send("hello")
        await connection.send("[1]")
        await connection.close(1000)

    async with Service(act).on() as upstream, rig.on(upstream) as url, client(url) as connection:
        assert await connection.recv() == "hello"
        assert await connection.recv() == "[1]"
        await closed(connection)
        await rig.told.until("stt.closed")

    others = [event.message for event in rig.told.events if event.__class__.__name__ == "SttOther"]
    assert others == [{"text": "hello"}, {"value": [1]}]


async def test_the_operator_can_send_into_the_session(rig: Rig) -> None:
    got: asyncio.Queue[str | bytes] = asyncio.Queue()

    async def act(connection: ServerConnection) -> None:
        async for message in connection:
            got.put_nowait(message)

    async with Service(act).on() as upstream, rig.on(upstream) as url:
        async with client(url):
            await rig.told.until("stt.opened")
            assert await rig.tap.send({"type": "ForceEndpoint"})
            assert json.loads(await asyncio.wait_for(got.get(), 5)) == {"type": "ForceEndpoint"}
        await rig.told.until("stt.closed")
        rig.tap.close()

    assert not await rig.tap.send({"type": "ForceEndpoint"})
    assert (await rig.told.until("stt.sent")).message == {"type": "ForceEndpoint"}

"""One recording through one session, against a service that does what it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Request, Response, Server, ServerConnection, serve

from console.command_line.tune_session import Listened, Service, listen

Act = Callable[["Wire"], Awaitable[None]]
QUERY = "speech_model=universal-3-6-pro&sample_rate=8000"
BLOCK = bytes(1600)


@dataclass
class Wire:
    """The service's end: what came in, and what to say."""

    socket: ServerConnection
    audio: int = 0
    texts: list[dict[str, Any]] = field(default_factory=list)

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def turn(self, order: int, transcript: str, start: int, end: int, **more: Any) -> None:
        words = [{"text": transcript, "start": start, "end": end, "confidence": 0.9, "word_is_final": True}]
        await self.say(
            **{
                "type": "Turn", "turn_order": order, "turn_is_formatted": True, "end_of_turn": True,
                "transcript": transcript, "end_of_turn_confidence": 1, "words": words, **more,
            }
        )  # fmt: skip

    async def until_terminate(self) -> None:
        async for data in self.socket:
            if isinstance(data, bytes):
                self.audio += len(data)
                continue
            self.texts.append(json.loads(data))
            if self.texts[-1]["type"] == "Terminate":
                return

    async def fail(self, code: int, text: str) -> None:
        await self.say(type="Error", error_code=code, error=text)
        await self.socket.close(code, "See Error message for details")

    async def terminate(self) -> None:
        await self.say(type="Termination", audio_duration_seconds=1, session_duration_seconds=1)
        await self.socket.close(1000, "Session Ended")


@asynccontextmanager
async def _service(act: Act, status: HTTPStatus | None = None) -> AsyncIterator[tuple[Service, list[Request]]]:
    asked: list[Request] = []

    async def handle(socket: ServerConnection) -> None:
        await act(Wire(socket))

    def look(connection: ServerConnection, request: Request) -> Response | None:
        asked.append(request)
        return connection.respond(status, "") if status else None

    server: Server
    async with serve(handle, "127.0.0.1", 0, process_request=look) as server:
        port = server.sockets[0].getsockname()[1]
        yield Service("SIM", f"ws://127.0.0.1:{port}/v3/ws", "a key", lead_ms=60_000), asked


async def _heard(act: Act, blocks: int = 5, status: HTTPStatus | None = None) -> Listened:
    async with asyncio.timeout(20), _service(act, status) as (service, _):
        return await listen(service, QUERY, [BLOCK] * blocks, lambda _: None)


async def test_a_session_is_opened_fed_and_ended() -> None:
    wires: list[Wire] = []
    sent: list[int] = []

    async def act(wire: Wire) -> None:
        wires.append(wire)
        await wire.say(
            type="Begin",
            configuration={"model": "universal-3-6-pro", "mode": "balanced"},
            simulator={"engine": "an ear", "ignored": {"prompt": "nobody reads it"}},
        )
        await wire.until_terminate()
        await wire.say(type="SpeechStarted", timestamp=100, confidence=1)
        await wire.turn(0, "Hello", 100, 200, simulator={"audio_ms": 480, "ended_by": "confidence"})
        await wire.terminate()

    async with asyncio.timeout(20), _service(act) as (service, asked):
        found = await listen(service, QUERY, [BLOCK] * 5, sent.append)

    assert (asked[0].path, asked[0].headers["Authorization"]) == (f"/v3/ws?{QUERY}", "a key")
    assert (wires[0].audio, sum(sent)) == (5 * len(BLOCK), 500)
    assert wires[0].texts == [{"type": "Terminate"}]
    assert (found.problem, found.warnings) == ("", [])
    assert (found.listening.engine, found.listening.ignored) == ("an ear", {"prompt": "nobody reads it"})
    (turn,) = found.heard
    assert (turn.transcript, turn.ended_by, turn.ended_at_ms, turn.silence_ms) == ("Hello", "confidence", 480, 280)


async def test_a_turn_is_one_however_often_it_is_told() -> None:
    async def act(wire: Wire) -> None:
        for order in range(400):
            for end_of_turn, text in ((False, "so"), (True, "so far"), (True, "So far.")):
                at = order * 1000
                played = {"audio_ms": at + 500, "ended_by": "max_silence" if end_of_turn else ""}
                await wire.turn(order, text, at, at + 200, end_of_turn=end_of_turn, simulator=played)
        await wire.until_terminate()
        await wire.terminate()

    found = await _heard(act)

    assert [turn.order for turn in found.heard] == list(range(400))
    assert {(turn.transcript, turn.ended_by) for turn in found.heard} == {("So far.", "max_silence")}


async def test_live_audio_goes_out_at_its_own_pace() -> None:
    loop = asyncio.get_running_loop()
    came: list[float] = []

    async def act(wire: Wire) -> None:
        async for data in wire.socket:
            came.append(loop.time())
            if isinstance(data, str):
                await wire.terminate()

    async with asyncio.timeout(20), _service(act) as (service, _):
        live = Service("LIVE", service.url, service.key)
        began = loop.time()
        found = await listen(live, QUERY, [BLOCK] * 4, lambda _: None)

    assert found.problem == ""
    # A slow machine may be late; being early is what a caller cannot be.
    assert all(at - began >= 0.1 * number for number, at in enumerate(came[:4], 1))


async def test_the_services_own_words_are_the_problem() -> None:
    async def act(wire: Wire) -> None:
        await wire.fail(3006, "User Input Validation Error: Invalid 'speech_model'")

    found = await _heard(act, 50)

    assert found.problem == "User Input Validation Error: Invalid 'speech_model' (code 3006)."
    assert not found.hopeless


async def test_a_refused_key_is_hopeless_and_a_busy_account_is_not() -> None:
    async def refuse(wire: Wire) -> None:
        await wire.fail(1008, "Unauthorized Connection: Invalid API key")

    async def busy(wire: Wire) -> None:
        await wire.fail(1008, "Too many concurrent sessions")

    assert (await _heard(refuse)).hopeless
    assert not (await _heard(busy)).hopeless
    refused = await _heard(refuse, status=HTTPStatus.UNAUTHORIZED)
    assert (refused.problem, refused.hopeless) == (
        "AssemblyAI refused the key: check ASSEMBLYAI_API_KEY.",
        True,
    )
    down = await _heard(refuse, status=HTTPStatus.SERVICE_UNAVAILABLE)
    assert (down.problem, down.hopeless) == ("The connection was refused with HTTP 503.", False)


async def test_nobody_there_is_told_with_the_address_and_without_the_key() -> None:
    async with _service(lambda wire: wire.terminate()) as (service, _):
        pass
    found = await listen(service, QUERY, [BLOCK], lambda _: None)

    assert found.problem.startswith("127.0.0.1:")
    assert "cannot be reached" in found.problem
    assert found.hopeless
    assert "a key" not in f"{found} {service}"


async def test_a_connection_that_breaks_is_a_problem_of_this_session() -> None:
    async def act(wire: Wire) -> None:
        await wire.socket.recv()
        wire.socket.transport.abort()

    found = await _heard(act, 2000)

    assert (found.problem, found.hopeless) == ("The connection closed in the middle (code 1006).", False)


async def test_nonsense_from_the_wire_does_no_harm() -> None:
    async def act(wire: Wire) -> None:
        for text in ("[1]", "{", "null", '{"type":5}', '{"type":"Turn","words":7,"turn_order":"x"}'):
            await wire.socket.send(text)
        await wire.socket.send(b"\xff\x00")
        await wire.say(type="Begin", simulator={"ignored": [1]}, configuration=3)
        for _ in range(50):
            await wire.say(type="Warning", warning_code=1, warning="slow\x1b[2J")
        await wire.until_terminate()
        await wire.terminate()

    found = await _heard(act)

    assert (found.problem, found.heard) == ("", [])
    assert len(found.warnings) == 1

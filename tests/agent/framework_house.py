"""A framework's own agent on a line of the test; its recogniser, its model and its voice do what the test says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Response as Answer

from agent import api, definition, events, settings
from agent.agent import Agent
from agent.server import routes
from agent.tools import Result
from tests.agent.server_house import TOKEN, Carrier, Framework, House
from tests.agent.step_in_house import START
from tests.agent.tap_house import BEGIN, SPEECH_STARTED, TERMINATION, turn

App = Callable[[Any], AbstractAsyncContextManager[int]]


async def look() -> Result:
    """A tool that is never done."""
    await asyncio.Event().wait()
    raise AssertionError("never")


async def glance() -> Result:
    """A tool that is done at once."""
    return Result({"seen": True}, "seen")


class Recogniser:
    """AssemblyAI: the caller is heard to say what :meth:`says` is given, operators ``operator_says``."""

    def __init__(self) -> None:
        self.operator_says: list[str] = []
        self.operator_listens = asyncio.Event()
        self._caller: ServerConnection | None = None
        self._there = asyncio.Event()
        self._order = 0

    async def serve(self, session: ServerConnection) -> None:
        assert session.request is not None
        # The tap asks for heartbeats, an operator's ear does not.
        caller = "session_heartbeat" in parse_qs(urlsplit(session.request.path).query)
        await session.send(BEGIN)
        if caller:
            self._caller = session
            self._there.set()
        else:
            self.operator_listens.set()
        async for message in session:
            if isinstance(message, str) and "Terminate" in message:
                for order, text in enumerate([] if caller else self.operator_says):
                    await session.send(turn(text, end=0, order=order, last=True))
                await session.send(TERMINATION)
                return

    async def starts(self, text: str) -> None:
        """The caller is in the middle of saying it."""
        await asyncio.wait_for(self._there.wait(), 30)
        assert self._caller is not None
        await self._caller.send(SPEECH_STARTED)
        await self._caller.send(turn(text, order=self._order))

    async def says(self, text: str) -> None:
        """The caller has said it."""
        await self.starts(text)
        assert self._caller is not None
        await self._caller.send(turn(text, order=self._order, last=True))
        self._order += 1

    async def refuses(self) -> None:
        assert self._caller is not None
        await self._caller.send('{"type":"Error","error_code":1008,"error":"Invalid API key"}')
        await self._caller.close(1008)


class Model:
    """OpenAI: ``asked`` holds the messages of each request; an answer waits until ``free`` is set."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[list[dict[str, Any]]] = asyncio.Queue()
        self.answers: list[str | dict[str, Any]] = []
        self._tool_calls = 0
        self.free = asyncio.Event()
        self.free.set()

    def app(self) -> Starlette:
        async def models(_request: Request) -> Response:
            return JSONResponse({"object": "list", "data": []})

        async def chat(request: Request) -> Response:
            body = await request.json()
            self.asked.put_nowait(body["messages"])
            answer = self.answers.pop(0) if self.answers else "Certainly."
            return StreamingResponse(self._chunks(answer), media_type="text/event-stream")

        return Starlette(
            routes=[Route("/v1/models", models), Route("/v1/chat/completions", chat, methods=["POST"])]
        )

    async def _chunks(self, answer: str | dict[str, Any]) -> AsyncIterator[str]:
        await self.free.wait()
        delta: dict[str, Any] = {"role": "assistant", "content": answer}
        if isinstance(answer, dict):
            self._tool_calls += 1
            call = {"index": 0, "id": f"call_{self._tool_calls}", "type": "function", "function": answer}
            delta = {"role": "assistant", "content": None, "tool_calls": [call]}
        for part, finish in ((delta, None), ({}, "stop" if isinstance(answer, str) else "tool_calls")):
            chunk = {
                "id": "c",
                "object": "chat.completion.chunk",
                "created": int(time.time()),
                "model": "m",
                "choices": [{"index": 0, "delta": part, "finish_reason": finish}],
            }
            yield f"data: {json.dumps(chunk)}\n\n"
        yield "data: [DONE]\n\n"

    async def request(self) -> list[tuple[str, str]]:
        """Role and text of each message of the next request, the instructions left out."""
        messages = await asyncio.wait_for(self.asked.get(), 30)
        assert messages[0]["role"] == "system"
        return [(message["role"], message.get("content") or "") for message in messages[1:]]


class Voice:
    """Deepgram: each flush gives ``audio_ms`` of sound."""

    def __init__(self) -> None:
        self.audio_ms = 200
        self._session: ServerConnection | None = None
        self._dead = False

    def admit(self, session: ServerConnection, _request: object) -> Answer | None:
        return session.respond(401, "no") if self._dead else None

    def dies(self) -> None:
        self._dead = True
        assert self._session is not None
        # LiveKit answers no close while it has nothing to say.
        self._session.transport.abort()

    async def serve(self, session: ServerConnection) -> None:
        assert session.request is not None
        self._session = session
        rate = int(parse_qs(urlsplit(session.request.path).query)["sample_rate"][0])
        async for message in session:
            match json.loads(message)["type"]:
                case "Flush":
                    await session.send(b"\x10\x27" * (rate * self.audio_ms // 1000))
                    await session.send('{"type":"Flushed","sequence_id":0}')
                case "Clear":
                    await session.send('{"type":"Cleared","sequence_id":0}')
                case "Close":
                    return
                case _:
                    pass


class Stage:
    """One call, answered."""

    def __init__(
        self, house: House, call: str, telephone: ClientConnection, caller: Recogniser, model: Model, voice: Voice
    ) -> None:
        self.house, self.call, self.telephone = house, call, telephone
        self.caller, self.model, self.voice = caller, model, voice
        self.told: list[events.Event] = []
        self._changed = asyncio.Condition()

    @property
    def hung_up(self) -> bool:
        return bool(self.house.carrier.hung_up)

    async def do(self, action: str, text: str = "") -> int:
        """Have an operator do it; gives the answer's status."""
        body = {"action": action, "text": text, "who": "ann"}
        path = f"/calls/{self.call}/operator"
        return (await self.house.http.post(path, json=body, headers=self.house.bearer)).status_code

    async def until(self, kind: type[Any], nth: int = 1, **fields: Any) -> Any:
        """The call's first or nth event of this type with such fields, once it is there."""

        def found() -> Any:
            of_kind = (event for event in self.told if isinstance(event, kind))
            fitting = [e for e in of_kind if all(getattr(e, name) == it for name, it in fields.items())]
            return fitting[nth - 1] if len(fitting) >= nth else None

        async with asyncio.timeout(30), self._changed:
            return await self._changed.wait_for(found)

    def count(self, kind: type[Any]) -> int:
        return sum(isinstance(event, kind) for event in self.told)

    async def follow(self) -> None:
        """Read the agent's events."""
        async with self.house.ws("/events?from=0", **self.house.bearer) as stream:
            async for message in stream:
                assert isinstance(message, str)
                found = [item for item, _ in api.decode_message(message) if isinstance(item, events.Event)]
                async with self._changed:
                    self.told += [event for event in found if event.call == self.call]
                    self._changed.notify_all()

    async def play(self) -> None:
        """Be a telephone: take what comes and return the marks."""
        async for message in self.telephone:
            if '"mark"' in str(message):
                await self.telephone.send(message)


@contextlib.asynccontextmanager
async def staged(
    folder: Path, patch: pytest.MonkeyPatch, app: App, persona: str, framework: str = "pipecat"
) -> AsyncIterator[Stage]:
    """A call that ``persona`` answers, with all its services on this machine."""
    patch.setenv("SIDETONE_DATA_DIR", str(folder))
    caller, model, voice = Recogniser(), Model(), Voice()
    async with (
        serve(caller.serve, "127.0.0.1", 0) as stt,
        serve(voice.serve, "127.0.0.1", 0, process_request=voice.admit) as tts,
        app(model.app()) as llm,
    ):
        chosen = settings.read(
            {
                "SIDETONE_TOKEN": TOKEN,
                "SIDETONE_FRAMEWORK": framework,
                "SIDETONE_RECORD": "off",
                "TELNYX_BASE_URL": "http://127.0.0.1:9/v2",
                "TELNYX_API_KEY": "simulated",
                "TELNYX_PUBLIC_KEY": "simulated",
                "TELNYX_CONNECTION_ID": "77",
                "TELNYX_PHONE_NUMBER": "+15550100000",
                "ASSEMBLYAI_BASE_URL": f"ws://127.0.0.1:{_port(stt)}",
                "ASSEMBLYAI_API_KEY": "simulated",
                "OPENAI_BASE_URL": f"http://127.0.0.1:{llm}/v1",
                "OPENAI_API_KEY": "simulated",
                "DEEPGRAM_BASE_URL": f"ws://127.0.0.1:{_port(tts)}",
                "DEEPGRAM_API_KEY": "simulated",
            }
        )
        agent, carrier = Agent(chosen, definition.parse(persona, folder)), Carrier()
        patch.setattr("agent.calls._STOP_WAIT_S", 0.2)
        patch.setattr("agent.calls._WEBHOOK_WAIT_S", 0.1)
        patch.setattr(agent, "_carrier", carrier)
        patch.setattr(agent.telnyx, "_carrier", carrier)
        async with app(routes(agent)) as port:
            await agent.start("127.0.0.1", port)
            house = House(agent, carrier, Framework(), port)
            try:
                async with _answered(house, caller, model, voice) as made:
                    yield made
            finally:
                await house.http.aclose()
                await agent.stop("test over")


@contextlib.asynccontextmanager
async def _answered(house: House, caller: Recogniser, model: Model, voice: Voice) -> AsyncIterator[Stage]:
    await house.agent.calls.opened()
    call = (await house.dial()).json()["call"]
    async with house.media() as telephone:
        stage = Stage(house, call, telephone, caller, model, voice)
        await telephone.send('{"event":"connected","version":"1.0.0"}')
        await telephone.send(json.dumps(START))
        tasks = [asyncio.create_task(stage.play()), asyncio.create_task(stage.follow())]
        try:
            yield stage
        finally:
            for task in tasks:
                task.cancel()


def _port(server: Server) -> int:
    return next(iter(server.sockets)).getsockname()[1]

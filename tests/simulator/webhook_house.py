"""An application that answers webhooks as it is told to, and what the simulator sends it, without any call."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import httpx
import uvicorn
from nacl.signing import SigningKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telnyx import Telnyx

from simulator.telnyx.facts import CallFacts
from simulator.telnyx.identifiers import CallIds
from simulator.telnyx.webhooks.delivery import Webhooks
from simulator.telnyx.webhooks.signing import Signer

STARTED = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
SIGNER = Signer(SigningKey(bytes(range(32))))


def facts(**more: Any) -> CallFacts:
    given = {
        "connection_id": "2811200000000000000",
        "direction": "outgoing",
        "from_number": "+12025550133",
        "to_number": "+12025550131",
        "client_state": None,
        "codec": "PCMU",
        "started_at": STARTED,
    }
    return CallFacts(**({"ids": CallIds()} if "ids" not in more else {}), **(given | more))


@cache
def sdk() -> Telnyx:
    """Telnyx's client with the public key that belongs to SIGNER, strict about types."""
    return Telnyx(
        api_key="simulated",
        public_key=SIGNER.public_key,
        http_client=httpx.Client(trust_env=False),
        _strict_response_validation=True,
    )


@dataclass
class Answer:
    """`held`: it is never given."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    held: bool = False


@dataclass
class Received:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def type(self) -> str:
        return self.event["data"]["event_type"]

    @property
    def attempt(self) -> int:
        return self.event["meta"]["attempt"]

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode() or self.query, keep_blank_values=True))


class House:
    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: defaultdict[str, list[Answer]] = defaultdict(list)
        """What each path answers next; 200 when there is nothing left."""
        self._arrived = asyncio.Condition()
        self._closing = asyncio.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        app = Starlette(routes=[Route("/{path:path}", self._take, methods=["GET", "POST"])])
        config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)

    async def until(self, count: int) -> list[Received]:
        """Everything that came, once it is `count` requests."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.received) >= count)
        return self.received

    @asynccontextmanager
    async def open(self) -> AsyncIterator[House]:
        serving = asyncio.create_task(self._server._serve(sockets=[self._listener]))
        try:
            yield self
        finally:
            self._closing.set()
            self._server.should_exit = self._server.force_exit = True
            await serving

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        received = Received(request.method, request.url.path, request.url.query, dict(request.headers), body)
        planned = self.answers[received.path]
        answer = planned.pop(0) if planned else Answer()
        async with self._arrived:
            self.received.append(received)
            self._arrived.notify_all()
        if answer.held:
            await self._closing.wait()
        return Response(answer.body, answer.status, answer.headers)


@dataclass
class Scene:
    """`pauses`: every pause that deliveries made, in seconds; none of them took any time."""

    house: House
    webhooks: Webhooks
    pauses: list[float]

    def answering(self, *statuses: int, path: str = "/hook") -> str:
        """The address of a path and what it answers first."""
        self.house.answers[path] += [Answer(status) for status in statuses]
        return self.house.url + path

    def holding(self, path: str = "/hook", times: int = 1) -> str:
        """The address of a path that does not answer for so many times."""
        self.house.answers[path] += [Answer(held=True)] * times
        return self.house.url + path


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    async with House().open() as house:
        webhooks = Webhooks(SIGNER, pause=pause)
        try:
            yield Scene(house, webhooks, pauses)
        finally:
            await webhooks.close(grace_seconds=5)

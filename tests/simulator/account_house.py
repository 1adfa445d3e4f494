"""A simulated account behind a real server, and Telnyx's own client to talk to it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from telnyx import AsyncTelnyx

from simulator.telnyx.account.rest.routes import routes
from simulator.telnyx.account.seed import fresh_account
from simulator.telnyx.account.store import Account
from simulator.telnyx.router import Router

KEY = "KEY-of-a-test"


@dataclass
class House:
    account: Account
    application: Starlette
    base_url: str = ""

    def client(self) -> AsyncTelnyx:
        return AsyncTelnyx(
            api_key=KEY, base_url=self.base_url, max_retries=0, _strict_response_validation=True, timeout=20
        )

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request without a socket, to `path` below `/v2`. An error of the server itself is raised."""
        transport = httpx.ASGITransport(self.application)
        headers = {"authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://simulator") as client:
            return await client.request(method, f"/v2{path}", headers=headers, **options)


def house() -> House:
    account = fresh_account()
    return House(account, Starlette(routes=[Mount("/v2", routes=routes(Router(None), account))]))


@asynccontextmanager
async def served() -> AsyncIterator[House]:
    """The same on a port of this machine."""
    made = house()
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(made.application, log_level="warning", lifespan="off"))
    started = asyncio.Event()
    original = server.startup

    async def startup(sockets: list[socket.socket] | None = None) -> None:
        await original(sockets)
        started.set()

    server.startup = startup  # type: ignore[method-assign]
    running = asyncio.create_task(server.serve(sockets=[listener]))
    await started.wait()
    made.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}/v2"
    try:
        yield made
    finally:
        server.should_exit = True
        await running
        listener.close()


def refusal(response: httpx.Response) -> dict[str, Any]:
    """The one error of a body of Telnyx's shape."""
    (error,) = response.json()["errors"]
    assert isinstance(error["code"], str)
    assert error["title"]
    assert error["detail"].endswith(".")
    return error

"""An agent on a real port with a carrier and a framework of the test."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
from nacl.signing import SigningKey
from websockets.asyncio.client import ClientConnection, connect

from agent import api, events
from agent.agent import Agent
from agent.carriers import telnyx
from agent.frameworks import Job

KEY = SigningKey.generate()
TOKEN = "a-token-of-the-test"
NUMBER = "+15550100123"


class Carrier:
    """Takes every call, or refuses as told."""

    def __init__(self) -> None:
        self.dials: list[telnyx.Dial] = []
        self.hung_up: list[str] = []
        self.error: telnyx.CarrierError | None = None
        self.asked, self.free = asyncio.Event(), asyncio.Event()
        """A call is placed once this is set."""
        self.free.set()

    async def dial(self, dial: telnyx.Dial) -> telnyx.Placed:
        self.dials.append(dial)
        self.asked.set()
        await self.free.wait()
        if self.error:
            raise self.error
        return telnyx.Placed(f"v3:{len(self.dials)}", "leg", "session")

    async def hang_up(self, call_control_id: str) -> bool:
        if self.error:
            raise self.error
        self.hung_up.append(call_control_id)
        return True

    def connect(self) -> None:
        return None

    async def close(self) -> None:
        return None


class Framework:
    """A framework whose agent only listens until the line is over."""

    name = "listener"

    def __init__(self) -> None:
        self.jobs: asyncio.Queue[Job] = asyncio.Queue()
        self.asked: list[tuple[str, ...]] = []
        """What operators had it do, in order."""
        self.leaving = False

    def load(self) -> None:
        return None

    async def warm(self) -> None:
        return None

    def session(self, job: Job) -> Framework:
        self.jobs.put_nowait(job)
        self._job = job
        return self

    async def run(self) -> None:
        while await self._job.line.hear() is not None:
            pass

    async def trouble(self, reason: str) -> None:
        await self._job.hang_up(reason)

    async def stop(self) -> None:
        await self._job.line.finish()

    async def hush(self) -> None:
        assert self._job.line.held
        self.asked.append(("hush",))

    async def say(self, text: str) -> None:
        self.asked.append(("say", text))

    def whisper(self, text: str) -> None:
        self.asked.append(("whisper", text))

    async def hold(self) -> None:
        await self.hush()
        self.asked[-1] = ("hold",)

    async def release(self, words: str = "") -> None:
        assert not self._job.line.held
        self.asked.append(("release", words))

    def operator_spoke(self, text: str, at: int) -> None:
        self.asked.append(("operator_spoke", text))


class House:
    """Such an agent, and how its clients reach it."""

    def __init__(self, agent: Agent, carrier: Carrier, framework: Framework, port: int) -> None:
        self.agent, self.carrier, self.framework, self.port = agent, carrier, framework, port
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)
        self.bearer = {"Authorization": f"Bearer {TOKEN}"}

    async def dial(self, **body: Any) -> httpx.Response:
        return await self.http.post("/calls", json={"to": NUMBER, **body}, headers=self.bearer)

    async def signed(self, path: str, body: bytes) -> httpx.Response:
        stamp = str(int(time.time()))
        signature = base64.b64encode(KEY.sign(stamp.encode() + b"|" + body).signature).decode()
        headers = {"telnyx-timestamp": stamp, "telnyx-signature-ed25519": signature}
        return await self.http.post(path, content=body, headers=headers)

    async def webhook(self, event_type: str, event_id: str = "", **payload: Any) -> httpx.Response:
        data = {"event_type": event_type, "id": event_id or event_type, "payload": payload}
        return await self.signed("/webhooks/telnyx", json.dumps({"data": data, "meta": {"attempt": 1}}).encode())

    def ws(self, path: str, **headers: str) -> connect:
        return connect(
            f"ws://127.0.0.1:{self.port}{path}", proxy=None, compression=None, additional_headers=headers
        )

    def media(self, call: int = -1) -> connect:
        return self.ws("/media/" + self.carrier.dials[call].stream_url.rpartition("/")[2])

    async def told(self, call: str, kind: str, fits: Callable[[Any], bool] = lambda _event: True) -> Any:
        """The call's first event of this type that fits, once it is there."""
        async with self.ws("/events?from=0", **self.bearer) as stream:
            async for event in following(stream):
                if not isinstance(event, events.Event) or event.call != call:
                    continue
                if events.type_of(event) == kind and fits(event):
                    return event
        raise AssertionError(f"no {kind}")


async def following(stream: ClientConnection) -> AsyncIterator[api.Item]:
    """What is told on an event stream until it ends; not for longer than half a minute."""
    async with asyncio.timeout(30):
        async for message in stream:
            assert isinstance(message, str)
            for item, _ in api.decode_message(message):
                yield item

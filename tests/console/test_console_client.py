"""The client of the agent's API against a real server."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agent import api, events
from console.client import AgentClient, AgentError, Endpoint
from console.http_client import Http


def _event(seq: int, kind: str = "call.ringing", **fields: Any) -> str:
    return json.dumps(
        {"type": kind, "seq": seq, "at": "2026-11-21T17:04:31.123Z", "mono": 1, "call": "c_1", **fields}
    )


class Reader:
    """Follows a stream; ``until`` waits for so many messages."""

    def __init__(self, client: AgentClient) -> None:
        self.messages: list[api.Item] = []
        self.texts: list[str] = []
        self.lost: list[str] = []
        self._changed = asyncio.Event()
        self._client = client

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[Reader]:
        task = asyncio.create_task(self._client.follow(self._deliver, self._lose, self._seq))
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until(self, messages: int = 0, losses: int = 0) -> None:
        async with asyncio.timeout(10):
            while len(self.messages) < messages or len(self.lost) < losses:
                self._changed.clear()
                await self._changed.wait()

    def _deliver(self, message: api.Item, text: str) -> None:
        self.messages.append(message)
        self.texts.append(text)
        self._changed.set()

    def _lose(self, reason: str) -> None:
        self.lost.append(reason)
        self._changed.set()

    def _seq(self) -> int | None:
        seen = [message.seq for message in self.messages if not isinstance(message, api.Resumed)]
        return seen[-1] if seen else None


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    made = Http()
    yield made
    await made.close()


@pytest.fixture
def client(house: Any, http: Http) -> AgentClient:
    async def endpoint() -> Endpoint:
        return Endpoint(house.url, "let me in")

    return AgentClient(endpoint, http)


async def test_a_snapshot_comes_first_and_then_events_as_they_are(house: Any, client: AgentClient) -> None:
    async with Reader(client).following() as reader:
        await reader.until(messages=1)
        sent = [_event(1), _event(2, "future.event", whatever=7)]
        await house.send(*sent)
        await reader.until(messages=3)

    assert isinstance(reader.messages[0], api.Snapshot)
    assert isinstance(reader.messages[1], events.CallRinging)
    assert isinstance(reader.messages[2], events.Unknown)
    assert reader.texts[1:] == sent


async def test_a_broken_stream_is_resumed_after_the_last_event(house: Any, client: AgentClient) -> None:
    async with Reader(client).following() as reader:
        await reader.until(messages=1)
        await house.send(_event(41))
        await reader.until(messages=2)
        await house.cut()
        await reader.until(messages=3)

    assert house.asked_from == [None, "41"]
    assert isinstance(reader.messages[2], api.Resumed)
    assert reader.lost == ["The connection to the agent broke off; trying again."]


async def test_nonsense_is_told_and_followed_by_a_new_try(house: Any, client: AgentClient) -> None:
    async with Reader(client).following() as reader:
        await reader.until(messages=1)
        await house.send('{"type": "call.dtmf", "seq": "one"}')
        await reader.until(messages=2, losses=1)

    assert reader.lost[0].startswith("The agent sent something that is no event: ")


async def test_a_refused_token_and_a_silent_agent_are_told_in_a_sentence(house: Any, http: Http) -> None:
    async def wrong_token() -> Endpoint:
        return Endpoint(house.url, "wrong")

    async with Reader(AgentClient(wrong_token, http)).following() as reader:
        await reader.until(losses=1)
    assert reader.lost[0] == "The agent refused the token."

    async def nobody() -> Endpoint:
        return Endpoint("http://127.0.0.1:1", "x")

    async with Reader(AgentClient(nobody, http)).following() as reader:
        await reader.until(losses=1)
    assert reader.lost[0] == "The agent at http://127.0.0.1:1 does not answer."


async def test_an_error_in_what_is_done_with_an_event_is_not_taken_for_a_broken_stream(
    house: Any, client: AgentClient
) -> None:
    def deliver(_message: api.Item, _text: str) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        await asyncio.wait_for(client.follow(deliver, lambda _: None), 10)


async def test_dial_hang_up_and_health(house: Any, client: AgentClient) -> None:
    assert await client.dial(api.DialRequest(to="+15550100123", who="console")) == "c_1"
    await client.hang_up("c_1", "console")

    assert (house.dialled[0]["to"], house.dialled[0]["who"]) == ("+15550100123", "console")
    assert house.hung_up == ["c_1"]
    assert (await client.health()).services["line"] == "SIM"


async def test_a_refusal_is_the_agents_own_sentence(house: Any, client: AgentClient) -> None:
    house.refusal = (409, "Too many calls: at most 20 at once.")

    with pytest.raises(AgentError, match=r"^Too many calls: at most 20 at once.$"):
        await client.dial(api.DialRequest(to="+15550100123"))


async def test_an_answer_of_somebody_else_is_told(http: Http, house: Any) -> None:
    async def elsewhere() -> Endpoint:
        return Endpoint(f"{house.url}/sim", "let me in")

    with pytest.raises(AgentError, match=r"answered 200 to GET /health with something else"):
        await AgentClient(elsewhere, http).health()

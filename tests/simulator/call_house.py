"""Whole calls by Call Control: Telnyx's own client, an application, and what is said of a call."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import httpx
from telnyx import AsyncTelnyx, Telnyx

from simulator.server import Simulator

if TYPE_CHECKING:
    from tests.simulator.conftest import Bot, Posted, Stream

FROM = "+15550100000"
NOBODY_TALKS = {"turns": [], "wait_for_greeting": False, "hang_up": False}


class Line:
    """A dialled call and what is said of it."""

    def __init__(self, client: AsyncTelnyx, bot: Bot, application: str, control: httpx.AsyncClient) -> None:
        self.client, self.bot, self.application, self.control = client, bot, application, control

    async def at(self, number: str, order: dict[str, Any]) -> None:
        """Who answers the next call to a number."""
        (await self.control.put(f"/numbers/{number}", json=order)).raise_for_status()

    async def dial(self, script: dict[str, Any] | None = None, to: str = "+15550100777", **more: Any) -> str:
        await self.at(to, script or NOBODY_TALKS)
        return await self.place(to, **more)

    async def place(self, to: str, **more: Any) -> str:
        """A call to whoever answers at a number already."""
        dialled = await self.client.calls.dial(connection_id=self.application, from_=FROM, to=to, **more)
        assert dialled.data is not None
        assert dialled.data.is_alive is False
        return dialled.data.call_control_id

    async def answered(self, script: dict[str, Any] | None = None, **more: Any) -> str:
        call_id = await self.dial(script, **more)
        await self.event("call.answered", call_id)
        return call_id

    async def dial_in(self, script: dict[str, Any] | None = None) -> str:
        return await self.order({"connection_id": self.application, "script": script or NOBODY_TALKS})

    async def order(self, order: dict[str, Any]) -> str:
        """A caller who dials in, as POST /sim/calls takes it."""
        placed = await self.control.post("/calls", json=order)
        placed.raise_for_status()
        return placed.json()["call_control_id"]

    async def event(self, event_type: str, call_id: str | None = None) -> dict[str, Any]:
        """The payload of the first event of a type, once it is there."""

        def found() -> list[dict[str, Any]]:
            return [
                posted.event["payload"]
                for posted in self.bot.to("/webhooks")
                if posted.event["event_type"] == event_type
                and call_id in (None, posted.event["payload"].get("call_control_id"))
            ]

        return (await self.bot.until_true(found))[0]

    def events(self, call_id: str | None = None) -> list[str]:
        """The types of the events so far, of one call or of all."""
        return [posted.event["event_type"] for posted in self.posted(call_id)]

    def posted(self, call_id: str | None = None) -> list[Posted]:
        """The webhooks so far, of one call or of all."""
        return [
            posted
            for posted in self.bot.to("/webhooks")
            if call_id in (None, posted.event["payload"].get("call_control_id"))
        ]

    async def report(self, call_id: str) -> dict[str, Any]:
        """What the telephone's side says of a call, once it is over."""
        return (await self.control.get(f"/calls/{call_id}?wait_ms=20000")).json()


async def streams_of(bot: Bot, count: int) -> dict[str, Stream]:
    """The next streams that are opened, by the id of their call."""
    found: dict[str, Stream] = {}
    for _ in range(count):
        stream = await bot.streams.get()
        found[(await stream.until("start"))[0]["start"]["call_control_id"]] = stream
    return found


def unwrap(simulator: Simulator, posted: Posted) -> Any:
    """A webhook as the SDK's typed event, its signature checked with the public key."""
    client = _verifier(simulator.environment["TELNYX_PUBLIC_KEY"])
    return client.webhooks.unwrap(posted.body.decode(), headers=posted.headers)


@cache
def _verifier(public_key: str) -> Telnyx:
    http = httpx.Client(trust_env=False)
    return Telnyx(api_key="any", public_key=public_key, http_client=http, _strict_response_validation=True)

"""Whole calls by TeXML: an application of the account, its documents, and what is said of a call."""

from __future__ import annotations

from typing import Any

import httpx
from telnyx import AsyncTelnyx
from telnyx.lib.webhook_verification import verify_webhook_signature

from simulator.server import Simulator
from simulator.telnyx.webhooks.texml_wire import ACCOUNT_SID
from tests.simulator.conftest import Bot, Posted

ACCOUNT = ACCOUNT_SID
CALLER, CALLEE, THIRD, FOURTH = "+15550100000", "+15550100777", "+15550100778", "+15550100779"
ALL = "initiated ringing answered completed"
SILENT: dict[str, Any] = {"turns": [], "wait_for_greeting": False, "hang_up": False}


def talker(text: str, pause_ms: int = 0) -> dict[str, Any]:
    return SILENT | {"turns": [{"user": text, "pause_ms": pause_ms}], "answer_timeout_ms": 2000}


def keys(digits: str, pause_ms: int = 300) -> dict[str, Any]:
    return SILENT | {"turns": [{"dtmf": digits, "pause_ms": pause_ms}]}


def texml(verbs: str) -> str:
    return f"<Response>{verbs}</Response>"


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


class TexmlHouse:
    def __init__(self, simulator: Simulator, client: AsyncTelnyx, bot: Bot, control: httpx.AsyncClient) -> None:
        self.simulator, self.client, self.bot, self.control = simulator, client, bot, control
        self.application = ""

    @property
    def base(self) -> str:
        return f"{self.simulator.url}/v2/texml/Accounts/{ACCOUNT}"

    async def open(self) -> None:
        made = await self.client.texml_applications.create(
            friendly_name="Test", voice_url=f"{self.bot.url}/texml", status_callback=f"{self.bot.url}/application"
        )
        assert made.data is not None
        assert made.data.id is not None
        self.application = made.data.id

    def serve(self, path: str, verbs: str) -> str:
        """A document at a path of the bot; its address."""
        self.bot.files[path] = texml(verbs).encode()
        return self.bot.url + path

    async def at(self, number: str, who: dict[str, Any]) -> None:
        """Who answers the next call to a number."""
        (await self.control.put(f"/numbers/{number}", json=who)).raise_for_status()

    async def call(self, who: dict[str, Any] | None = None, to: str = CALLEE, **parameters: Any) -> str:
        """Dial by Telnyx's own client; `parameters` in snake case, as it names them. The CallSid."""
        if who is not None:
            await self.at(to, who)
        parameters = {"application_sid": self.application, "from": CALLER, "to": to} | parameters
        # The client, 4.189, sends this body as it is, and Telnyx wants camel case.
        body = {_camel(name): value for name, value in parameters.items()}
        placed = await self.client.texml.accounts.calls.calls(ACCOUNT, body=body)  # pyright: ignore[reportArgumentType]
        assert (placed.from_, placed.to, placed.status) == (CALLER, to, "queued")
        return (placed.model_extra or {})["call_sid"]

    async def dial_in(self, verbs: str, who: dict[str, Any] | None = None, **more: Any) -> str:
        """Somebody calls the number of a document. The CallSid."""
        self.bot.texml = texml(verbs)
        order = {"from": THIRD, "to": CALLER, "texml_url": f"{self.bot.url}/texml", "script": who or SILENT}
        placed = await self.control.post("/calls", json=order | more)
        placed.raise_for_status()
        return placed.json()["call_control_id"]

    async def asked(self, path: str) -> dict[str, str]:
        """The form of the first request to a path, once it is there; its signature is checked."""
        return self.signed((await self.bot.until(path, 1))[0])

    async def told(self, path: str, count: int) -> list[dict[str, str]]:
        return [self.signed(posted) for posted in (await self.bot.until(path, count))[:count]]

    def signed(self, posted: Posted) -> dict[str, str]:
        key = self.simulator.environment["TELNYX_PUBLIC_KEY"]
        verify_webhook_signature(posted.body.decode(), posted.headers, key)
        return posted.form

    async def report(self, call_sid: str) -> dict[str, Any]:
        """What the telephone's side says of a call, once it is over."""
        return (await self.control.get(f"/calls/{call_sid}?wait_ms=20000")).json()

    async def so_far(self, call_sid: str) -> dict[str, Any]:
        return (await self.control.get(f"/calls/{call_sid}")).json()


WAIT = texml('<Pause length="60"/>')


async def hang_up(house: TexmlHouse, call_sid: str) -> None:
    await house.client.texml.accounts.calls.update(call_sid, account_sid=ACCOUNT, status="completed")


async def in_progress(house: TexmlHouse, **parameters: Any) -> str:
    """A call that runs a long pause."""
    who = parameters.pop("who", SILENT)
    sid = await house.call(
        who,
        texml=WAIT,
        status_callback=f"{house.bot.url}/status",
        status_callback_event=ALL,
        **parameters,
    )
    await house.bot.until_true(lambda: "in-progress" in statuses(house.bot, sid))
    return sid


def statuses(bot: Bot, sid: str, path: str = "/status") -> list[str]:
    return [posted.form["CallStatus"] for posted in bot.to(path) if posted.form["CallSid"] == sid]

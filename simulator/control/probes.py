"""After a call: does the application accept what Telnyx did not sign?"""

from __future__ import annotations

import asyncio
from typing import Final

from simulator.telnyx.account.store import Account
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.findings import Rule
from simulator.telnyx.webhooks.delivery import Webhooks
from simulator.telnyx.webhooks.probe import unsigned_acceptance

_MOST: Final = 200


class Probes:
    def __init__(self, webhooks: Webhooks, account: Account) -> None:
        self._webhooks = webhooks
        self._account = account
        self._running: dict[str, asyncio.Task[None]] = {}

    def start(self, leg: CallLeg, texml_url: str | None, connection_id: str | None) -> None:
        """Ask once `leg` is over; what comes out is among its findings."""
        while len(self._running) >= _MOST:
            self._running.pop(next(iter(self._running)))
        self._running[leg.id] = asyncio.create_task(self._probe(leg, texml_url, connection_id))

    async def finished(self, leg: CallLeg) -> None:
        task = self._running.get(leg.id)
        if task is not None:
            await asyncio.wait({task})

    async def close(self) -> None:
        for task in self._running.values():
            task.cancel()
        if self._running:
            await asyncio.wait(self._running.values())

    async def _probe(self, leg: CallLeg, texml_url: str | None, connection_id: str | None) -> None:
        await leg.over.wait()
        application = None if connection_id is None else self._account.application(connection_id)
        url = texml_url or (application and (application.webhook_event_url or application.voice_url))
        if url and await unsigned_acceptance(self._webhooks, url):
            leg.findings.note(Rule.UNSIGNED_ACCEPTED)

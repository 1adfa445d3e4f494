"""Whether an application takes webhooks that Telnyx did not sign."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from nacl.signing import SigningKey

from simulator.telnyx.facts import CallFacts
from simulator.telnyx.happenings import Charged
from simulator.telnyx.identifiers import CallIds
from simulator.telnyx.webhooks import cost
from simulator.telnyx.webhooks.client import USER_AGENT, RequestFailed, SignedClient
from simulator.telnyx.webhooks.delivery import Webhooks
from simulator.telnyx.webhooks.envelope import JSON, Event
from simulator.telnyx.webhooks.message import DEADLINE_SECONDS
from simulator.telnyx.webhooks.signing import Signer


async def unsigned_acceptance(webhooks: Webhooks, url: str) -> bool | None:
    """Whether the application answers 2xx to an event with no signature, or with that of another key.

    The event is the cost of a call that the application does not know. None when it did not answer both, within
    2 s each.
    """
    body = _harmless().body(1, url)
    plain = {"User-Agent": USER_AGENT, "Content-Type": JSON}
    another = Signer(SigningKey.generate()).headers(body, int(time.time()))
    answers = [await _taken(webhooks.client, url, body, headers) for headers in (plain | another, plain)]
    if True in answers:
        return True
    return None if None in answers else False


async def _taken(client: SignedClient, url: str, body: bytes, headers: Mapping[str, str]) -> bool | None:
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            answer = await client.send(url, "POST", body, headers)
    except (TimeoutError, RequestFailed):
        return None
    return 200 <= answer.status < 300


def _harmless() -> Event:
    now = datetime.now(UTC)
    nobody = CallFacts(
        ids=CallIds(),
        connection_id="0",
        direction="outgoing",
        from_number="+12025550100",
        to_number="+12025550101",
        client_state=None,
        codec="PCMU",
        started_at=now,
    )
    return Event("call.cost", cost.payload(nobody, Charged(0), now), now)

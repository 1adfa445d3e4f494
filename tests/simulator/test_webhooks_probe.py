"""Whether an application checks signatures."""

from __future__ import annotations

import pytest
from telnyx.lib.webhook_verification import WebhookVerificationError

from simulator.telnyx.webhooks.probe import unsigned_acceptance
from tests.simulator.webhook_house import scene, sdk

UNVERIFIED = (ValueError, WebhookVerificationError)


@pytest.mark.parametrize(
    ("answers", "accepts"),
    [((401, 401), False), ((200, 401), True), ((403, 200), True), ((200, 200), True), ((500, 400), False)],
)
async def test_the_answers_tell(answers, accepts):
    async with scene() as s:
        assert await unsigned_acceptance(s.webhooks, s.answering(*answers)) is accepts
        wrong, none = s.house.received
        with pytest.raises(UNVERIFIED, match="signature does not match"):
            sdk().webhooks.unwrap(wrong.body.decode(), headers=wrong.headers)
        with pytest.raises(UNVERIFIED, match="Missing required header"):
            sdk().webhooks.unwrap(none.body.decode(), headers=none.headers)
        assert wrong.body == none.body
        assert wrong.type == "call.cost"
        assert s.webhooks.history.events() == []


async def test_an_application_that_is_not_there_cannot_be_asked():
    async with scene() as s:
        assert await unsigned_acceptance(s.webhooks, "http://127.0.0.1:1/") is None

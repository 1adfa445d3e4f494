"""GET /v2/call_events, /v2/webhook_deliveries and /v2/webhook_deliveries/{id}."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.router import Router
from simulator.telnyx.webhooks import lists
from simulator.telnyx.webhooks.history import History
from simulator.telnyx.webhooks.lists import Belongs


def routes(
    router: Router, history: History, belongs: Belongs = lambda connection, what, value: False
) -> list[Route]:
    """`belongs` knows the account's applications, for the filters that name one."""

    async def call_events(request: Request) -> dict[str, Any]:
        return lists.call_events(history, request.query_params.multi_items(), belongs)

    async def webhook_deliveries(request: Request) -> dict[str, Any]:
        return lists.webhook_deliveries(history, request.query_params.multi_items())

    async def webhook_delivery(request: Request) -> dict[str, Any]:
        delivery = history.delivery(request.path_params["id"])
        if delivery is None:
            raise TelnyxError(Code.NOT_FOUND, "There is no webhook delivery with this id.")
        return {"data": delivery.body}

    return [
        router.route("/v2/call_events", GET=call_events),
        router.route("/v2/webhook_deliveries", GET=webhook_deliveries),
        router.route("/v2/webhook_deliveries/{id}", GET=webhook_delivery),
    ]

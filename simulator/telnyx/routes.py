"""All of Telnyx's REST interface, so that `TELNYX_BASE_URL=http://127.0.0.1:PORT/v2` is all a client needs."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.routing import BaseRoute, Mount

from simulator.recording.routes import download_routes
from simulator.recording.routes import routes as recording_routes
from simulator.telnyx.account.rest.routes import routes as account_routes
from simulator.telnyx.account.store import Account
from simulator.telnyx.calls.exchange import Exchange
from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.rest.calls import routes as call_routes
from simulator.telnyx.rest.texml import routes as texml_routes
from simulator.telnyx.router import METHODS, Router
from simulator.telnyx.webhooks.lists import Belongs
from simulator.telnyx.webhooks.routes import routes as history_routes


def routes(api_key: str | None, exchange: Exchange) -> list[BaseRoute]:
    """`api_key` None: any key will do, but there must be one."""
    router = Router(api_key)
    facilities = exchange.facilities
    below = [
        *call_routes(router, exchange),
        *texml_routes(router, exchange),
        *recording_routes(router, facilities.recordings),
        *account_routes(router, facilities.account),
        router.route("/{rest:path}", **dict.fromkeys(METHODS, _unknown)),
    ]
    history = history_routes(router, facilities.webhooks.history, _belongs(facilities.account))
    return [*history, Mount("/v2", routes=below), *download_routes(facilities.recordings)]


def _belongs(account: Account) -> Belongs:
    """Whether a connection is the one that a filter of the call events asks for."""

    def belongs(connection_id: str, what: str, asked: str) -> bool:
        application = account.application(connection_id)
        if application is None:
            return False
        if what == "application_name":
            return asked.lower() in application.name.lower()
        return application.outbound_voice_profile_id == asked

    return belongs


async def _unknown(request: Request) -> Any:
    raise TelnyxError(Code.NOT_FOUND, f"The simulator does not play {request.method} {request.url.path}.")

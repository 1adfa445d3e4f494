"""REST routes that show connections and applications of every kind together.

Source: Telnyx API reference, "Connections".
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Final

from starlette.requests import Request
from starlette.routing import Route

from simulator.telnyx.account.record import Resource
from simulator.telnyx.account.records.applications import CallControlApplication, TexmlApplication
from simulator.telnyx.account.refusals import not_found
from simulator.telnyx.account.rest.connections import filters
from simulator.telnyx.account.rest.filters import Filter, contains, filtered, ordered
from simulator.telnyx.account.store import Account, Connection
from simulator.telnyx.account.table import MAX_RESOURCES
from simulator.telnyx.account.views import view_of
from simulator.telnyx.paging import paged, read_page
from simulator.telnyx.router import Router

_NOT_SIMULATED: Final = (
    "external_connections",
    "fax_connections",
    "microsoft_teams_sbc_connections",
    "mobile_voice_connections",
    "operator_connect_connections",
    "third_party_provider_connections",
    "uac_connections",
    "zoom_sbc_connections",
)


def connections(account: Account, router: Router) -> list[Route]:
    known: dict[str, Filter[Any]] = {
        **filters(account),
        "connection_name": contains(_name),
        "connection_name[contains]": contains(_name),
    }
    orders: dict[str, Any] = {
        "created_at": attrgetter("created_at"),
        "connection_name": _name,
        "active": attrgetter("active"),
    }

    async def list_all(request: Request) -> dict[str, Any]:
        query = request.query_params.multi_items()
        page = read_page(query)
        answer = paged(ordered(filtered(account.connections(), query, known), query, orders), page)
        answer["data"] = [_shown(connection) for connection in answer["data"]]
        return answer

    async def retrieve(request: Request) -> dict[str, Any]:
        connection = account.connection(request.path_params["id"])
        if connection is None:
            raise not_found()
        return {"data": _shown(connection)}

    async def count(_request: Request) -> dict[str, Any]:
        counts = dict.fromkeys(_NOT_SIMULATED, 0) | {
            "call_control_applications": len(account.call_control_applications),
            "texml_applications": len(account.texml_applications),
            "credential_connections": len(account.credential_connections),
            "fqdn_connections": len(account.fqdn_connections),
            "ip_connections": len(account.ip_connections),
        }
        limits = {"global_limit": 5 * MAX_RESOURCES}
        return {"data": {"record_type": "connection_count", "counts": counts, "limits": limits}}

    return [
        router.route("/connections", GET=list_all),
        router.route("/connections/count", GET=count),
        router.route("/connections/{id}", GET=retrieve),
    ]


def _shown(connection: Connection) -> dict[str, Any]:
    view = view_of(connection)
    texml = view.webhook_api_version == "texml"
    return {
        "id": connection.id,
        "record_type": connection.record_type,
        "connection_name": view.name,
        "active": view.active,
        "anchorsite_override": _site(connection),
        "outbound_voice_profile_id": view.outbound_voice_profile_id,
        "tags": list(view.tags),
        "webhook_api_version": "2" if texml else view.webhook_api_version,
        "webhook_event_url": view.voice_url or view.webhook_event_url,
        "webhook_event_failover_url": view.voice_fallback_url or view.webhook_event_failover_url,
        "created_at": connection.created_at,
        "updated_at": connection.updated_at,
    }


def _site(connection: Connection) -> str:
    # A Call Control application may be in Chennai, which the shape of all connections does not know.
    return "Latency" if connection.anchorsite_override == "Chennai, IN" else connection.anchorsite_override


def _name(connection: Resource) -> str | None:
    match connection:
        case TexmlApplication():
            return connection.friendly_name
        case CallControlApplication():
            return connection.application_name
        case _:
            return getattr(connection, "connection_name", None)

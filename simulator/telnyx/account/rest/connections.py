"""REST routes of credential, FQDN and IP connections.

Source: Telnyx API reference, "Credential Connections", "FQDN Connections" and "IP Connections". A simulated
account is a new one, so it shows a password only in the answer to the request that set it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from simulator.telnyx.account.record import numeric_id, read_changes, shown
from simulator.telnyx.account.records.connections import (
    CredentialConnection,
    FqdnAuthentication,
    FqdnConnection,
    IpConnection,
)
from simulator.telnyx.account.refusals import invalid
from simulator.telnyx.account.rest.checks import (
    encryption_has_transport,
    has_no_numbers,
    profile_exists,
    subdomain_is_free,
    user_name_is_free,
)
from simulator.telnyx.account.rest.collection import Collection, Given
from simulator.telnyx.account.rest.filters import Filter, Order, contains, equals
from simulator.telnyx.account.store import Account, now
from simulator.telnyx.router import Router, json_body

HIDDEN: Final = "********"


def filters(account: Account) -> Mapping[str, Filter[Any]]:
    """The filters that every list of connections has."""

    def has_fqdn(connection: Any, value: str) -> bool:
        return any(entry.connection_id == connection.id and entry.fqdn == value for entry in account.fqdns)

    def profile(connection: Any) -> str | None:
        return connection.outbound.outbound_voice_profile_id

    return {
        "connection_name": contains(_name),
        "connection_name[contains]": contains(_name),
        "fqdn": Filter(has_fqdn),
        "outbound_voice_profile_id": equals(profile),
        "outbound.outbound_voice_profile_id": equals(profile),
    }


ORDERS: Final[Mapping[str, Order[Any]]] = {
    "connection_name": lambda connection: _name(connection),
    "active": lambda connection: connection.active,
}


def credential_connections(account: Account) -> Collection[CredentialConnection]:
    def settle(connection: CredentialConnection, _before: CredentialConnection | None) -> CredentialConnection:
        profile_exists(account, connection.outbound.outbound_voice_profile_id)
        user_name_is_free(account, connection.user_name, connection)
        if connection.webhook_api_version == "texml" and not connection.outbound.call_parking_enabled:
            detail = "webhook_api_version can only be texml when outbound.call_parking_enabled is true."
            raise invalid(detail, "/webhook_api_version")
        return connection

    def show(connection: CredentialConnection, given: Given) -> dict[str, Any]:
        data = shown(connection)
        if given.get("password") is None:
            data["password"] = HIDDEN
        if connection.webhook_api_version == "texml":
            # The API description lets a connection be made with texml, but not be shown with it.
            data["webhook_api_version"] = "2"
        return data

    return Collection(
        path="/credential_connections",
        record=CredentialConnection,
        table=account.credential_connections,
        filters=filters(account),
        orders=ORDERS,
        settle=settle,
        release=lambda connection: _release(account, connection.id),
        show=show,
    )


def fqdn_connections(account: Account) -> Collection[FqdnConnection]:
    def settle(connection: FqdnConnection, _before: FqdnConnection | None) -> FqdnConnection:
        _fits(account, connection)
        return connection

    def show(connection: FqdnConnection, _given: Given) -> dict[str, Any]:
        data = shown(connection)
        authentication = data.pop("authentication")
        data |= {name: authentication[name] for name in ("user_name", "txt_name", "txt_ttl", "txt_value")}
        data["password"] = None if authentication["password"] is None else HIDDEN
        return data

    return Collection(
        path="/fqdn_connections",
        record=FqdnConnection,
        table=account.fqdn_connections,
        filters=filters(account),
        orders=ORDERS,
        seed=lambda: {"authentication": FqdnAuthentication(id=numeric_id())},
        settle=settle,
        release=lambda connection: _release(account, connection.id),
        show=show,
    )


def ip_connections(account: Account) -> Collection[IpConnection]:
    def settle(connection: IpConnection, _before: IpConnection | None) -> IpConnection:
        _fits(account, connection)
        return connection

    return Collection(
        path="/ip_connections",
        record=IpConnection,
        table=account.ip_connections,
        filters=filters(account),
        orders=ORDERS,
        settle=settle,
        release=lambda connection: _release(account, connection.id),
    )


def fqdn_authentication(account: Account, connections: Collection[FqdnConnection], router: Router) -> Route:
    async def read(request: Request) -> dict[str, Any]:
        return {"data": show(connections.found(request), {})}

    async def change(request: Request) -> dict[str, Any]:
        given = await json_body(request)
        connection = connections.found(request)
        changes = read_changes(FqdnAuthentication, given, connection.authentication, ())
        authentication = msgspec.structs.replace(connection.authentication, **changes)
        user_name_is_free(account, authentication.user_name, connection)
        kept = msgspec.structs.replace(connection, authentication=authentication, updated_at=now())
        account.fqdn_connections.put(kept)
        return {"data": show(kept, given)}

    def show(connection: FqdnConnection, given: Given) -> dict[str, Any]:
        data = shown(connection.authentication) | {
            "record_type": "fqdn_authentication",
            "connection_id": connection.id,
            "microsoft_teams_sbc": connection.microsoft_teams_sbc,
        }
        if data["password"] is not None and given.get("password") is None:
            data["password"] = HIDDEN
        return data

    return router.route("/fqdn_connections/{id}/fqdn_authentication", GET=read, PATCH=change)


def registration_status(connections: Collection[CredentialConnection], router: Router) -> Route:
    async def check(request: Request) -> dict[str, Any]:
        """No SIP client registers with the simulator."""
        connection = connections.found(request)
        return {
            "data": {
                "record_type": "registration_status",
                "status": "Not Registered",
                "sip_username": connection.user_name,
                "ip_address": None,
                "port": None,
                "transport": None,
                "user_agent": None,
                "last_registration": None,
            }
        }

    return router.route("/credential_connections/{id}/actions/check_registration_status", POST=check)


def _fits(account: Account, connection: FqdnConnection | IpConnection) -> None:
    profile_exists(account, connection.outbound.outbound_voice_profile_id)
    subdomain_is_free(account, connection.inbound.sip_subdomain, connection)
    encryption_has_transport(connection.encrypted_media, connection.transport_protocol)


def _release(account: Account, connection_id: str) -> None:
    """A connection takes its addresses and its telephony credentials with it."""
    has_no_numbers(account, connection_id)
    for table in (account.fqdns, account.ips, account.telephony_credentials):
        for resource in table:
            if resource.connection_id == connection_id:
                table.remove(resource.id)


def _name(connection: Any) -> str | None:
    return connection.connection_name

"""What a connection, an application or a number may not do to the rest of the account. All raise TelnyxError."""

from __future__ import annotations

from simulator.telnyx.account.record import Resource
from simulator.telnyx.account.refusals import in_use, invalid, no_such, taken
from simulator.telnyx.account.store import Account, same


def profile_exists(account: Account, profile_id: str | None) -> None:
    if profile_id is not None and account.profiles.find(profile_id) is None:
        raise no_such("outbound voice profile", "/outbound/outbound_voice_profile_id")


def connection_exists(account: Account, connection_id: str | None) -> None:
    if connection_id is not None and account.connection(connection_id) is None:
        raise no_such("connection", "/connection_id")


def subdomain_is_free(account: Account, subdomain: str | None, owner: Resource) -> None:
    holder = None if subdomain is None else account.by_sip_subdomain(subdomain)
    if holder is not None and holder.id != owner.id:
        raise taken("The sip_subdomain is taken by another connection.", "/inbound/sip_subdomain")


def user_name_is_free(account: Account, user_name: str | None, owner: Resource) -> None:
    """User names are unique among credential connections and the authentication of FQDN connections."""
    if user_name is None:
        return
    wanted = user_name.lower()
    for connection in account.credential_connections:
        if connection.user_name.lower() == wanted and not same(connection, owner):
            raise taken("The user_name has already been taken.", "/user_name")
    for connection in account.fqdn_connections:
        if (connection.authentication.user_name or "").lower() == wanted and not same(connection, owner):
            raise taken("The user_name has already been taken.", "/user_name")


def encryption_has_transport(encrypted_media: str | None, transport: str) -> None:
    if encrypted_media is not None and transport != "TLS":
        detail = "encrypted_media can only be set when transport_protocol is TLS."
        raise invalid(detail, "/encrypted_media")


def has_no_numbers(account: Account, connection_id: str) -> None:
    numbers = account.numbers_of(connection_id)
    if numbers:
        raise in_use(
            f"The connection is used by {len(numbers)} phone numbers, such as {numbers[0].phone_number}: "
            "assign them to another connection first."
        )

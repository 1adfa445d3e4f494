"""What the simulated account owns. In memory only: it is gone when the simulator ends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from simulator.telnyx.account.record import Resource
from simulator.telnyx.account.records.applications import CallControlApplication, TexmlApplication
from simulator.telnyx.account.records.connections import (
    CredentialConnection,
    Fqdn,
    FqdnConnection,
    Ip,
    IpConnection,
)
from simulator.telnyx.account.records.credentials import TelephonyCredential
from simulator.telnyx.account.records.numbers import NumberOrder, PhoneNumber, VerifiedNumber
from simulator.telnyx.account.records.profiles import OutboundVoiceProfile
from simulator.telnyx.account.table import Table
from simulator.telnyx.account.views import Application, NumberView, ProfileView, view_of
from simulator.telnyx.identifiers import timestamp

USER_ID: Final = "a7f4a1a2-5d1c-4a5e-9b55-51de70e00001"
ORGANIZATION_ID: Final = "a7f4a1a2-5d1c-4a5e-9b55-51de70e00002"

Connection = CallControlApplication | TexmlApplication | CredentialConnection | FqdnConnection | IpConnection


class Account:
    """Everything REST creates is used by calls at once. `balance` and `credit_limit` are in dollars."""

    def __init__(self) -> None:
        self.user_id = USER_ID
        self.organization_id = ORGANIZATION_ID
        self.balance = 300.0
        self.credit_limit = 100.0
        self.profiles = Table[OutboundVoiceProfile]("outbound voice profiles")
        self.call_control_applications = Table[CallControlApplication]("Call Control applications")
        self.texml_applications = Table[TexmlApplication]("TeXML applications")
        self.credential_connections = Table[CredentialConnection]("credential connections")
        self.fqdn_connections = Table[FqdnConnection]("FQDN connections")
        self.ip_connections = Table[IpConnection]("IP connections")
        self.fqdns = Table[Fqdn]("FQDNs")
        self.ips = Table[Ip]("IPs")
        self.telephony_credentials = Table[TelephonyCredential]("telephony credentials")
        self.phone_numbers = Table[PhoneNumber]("phone numbers")
        self.number_orders = Table[NumberOrder]("number orders")
        self.verified_numbers = Table[VerifiedNumber]("verified numbers")

    def connections(self) -> list[Connection]:
        """Connections and applications of every kind, oldest first."""
        found: list[Connection] = [
            *self.call_control_applications,
            *self.texml_applications,
            *self.credential_connections,
            *self.fqdn_connections,
            *self.ip_connections,
        ]
        return sorted(found, key=lambda connection: connection.created_at)

    def connection(self, connection_id: str) -> Connection | None:
        return (
            self.call_control_applications.find(connection_id)
            or self.texml_applications.find(connection_id)
            or self.credential_connections.find(connection_id)
            or self.fqdn_connections.find(connection_id)
            or self.ip_connections.find(connection_id)
        )

    def application(self, connection_id: str) -> Application | None:
        """What a call needs to know of its connection or application."""
        connection = self.connection(connection_id)
        return None if connection is None else view_of(connection)

    def by_sip_subdomain(self, subdomain: str) -> Application | None:
        """Who answers `sip:…@{subdomain}.sip.telnyx.com`; capital letters do not count."""
        wanted = subdomain.lower()
        for table in (
            self.call_control_applications,
            self.texml_applications,
            self.fqdn_connections,
            self.ip_connections,
        ):
            for connection in table:
                name = connection.inbound.sip_subdomain
                if name is not None and name.lower() == wanted:
                    return view_of(connection)
        return None

    def profile(self, profile_id: str) -> ProfileView | None:
        profile = self.profiles.find(profile_id)
        if profile is None:
            return None
        return ProfileView(
            id=profile.id,
            name=profile.name,
            enabled=profile.enabled,
            whitelisted_destinations=profile.whitelisted_destinations,
            concurrent_call_limit=profile.concurrent_call_limit,
            max_destination_rate=profile.max_destination_rate,
        )

    def owned(self, e164: str) -> PhoneNumber | None:
        """The account's number `e164`, which is +E.164."""
        return next((number for number in self.phone_numbers if number.phone_number == e164), None)

    def number(self, e164: str) -> NumberView | None:
        number = self.owned(e164)
        if number is None:
            return None
        return NumberView(
            id=number.id, phone_number=number.phone_number, connection_id=number.connection_id, voice=number.voice
        )

    def using_profile(self, profile_id: str) -> list[Connection]:
        return [
            connection
            for connection in self.connections()
            if connection.outbound.outbound_voice_profile_id == profile_id
        ]

    def numbers_of(self, connection_id: str) -> list[PhoneNumber]:
        return [number for number in self.phone_numbers if number.connection_id == connection_id]


def now() -> str:
    return timestamp(datetime.now(UTC))


def same(one: Resource | None, other: Resource) -> bool:
    """Whether both are the same resource, perhaps before and after a change."""
    return one is not None and one.id == other.id

"""Credential, FQDN and IP connections, and the addresses of the latter two.

Source: Telnyx API reference, "Credential Connections", "FQDN Connections", "FQDNs", "IP Connections" and "IPs".
"""

from __future__ import annotations

from typing import Annotated

from simulator.telnyx.account.kinds import (
    HOSTNAME,
    ID,
    NAME,
    PASSWORD,
    PORT,
    SHORT,
    USER_NAME,
    AddressOrNothing,
    IdOrNothing,
    Ipv4,
)
from simulator.telnyx.account.record import PART, Part, Resource
from simulator.telnyx.account.records.sip import (
    ANSWER,
    FIRST_RESPONSE,
    RoutedInbound,
    SipConnection,
    SipInbound,
    SipOutbound,
)
from simulator.telnyx.requests.fields import Choice, Flag, Whole

_TRANSPORT = Choice("UDP", "TCP", "TLS")


class CredentialInbound(SipInbound, frozen=True, kw_only=True):
    simultaneous_ringing: Annotated[str, Choice("disabled", "enabled")] = "disabled"


class CredentialConnection(SipConnection, frozen=True, kw_only=True):
    record_type: str = "credential_connection"
    connection_name: Annotated[str, NAME]
    user_name: Annotated[str, USER_NAME]
    password: Annotated[str, PASSWORD]
    inbound: Annotated[CredentialInbound, PART] = CredentialInbound()
    outbound: Annotated[SipOutbound, PART] = SipOutbound()
    sip_uri_calling_preference: Annotated[str | None, Choice("disabled", "unrestricted", "internal")] = None
    webhook_api_version: Annotated[str, Choice("1", "2", "texml")] = "1"


class FqdnInbound(RoutedInbound, frozen=True, kw_only=True):
    default_primary_fqdn_id: Annotated[str | None, SHORT] = None
    default_secondary_fqdn_id: Annotated[str | None, SHORT] = None
    default_tertiary_fqdn_id: Annotated[str | None, SHORT] = None


class FqdnOutbound(SipOutbound, frozen=True, kw_only=True):
    encrypted_media: Annotated[str | None, Choice("SRTP")] = None
    ip_authentication_method: Annotated[str, Choice("credential-authentication", "ip-authentication")] = (
        "credential-authentication"
    )
    ip_authentication_token: Annotated[str | None, SHORT] = None
    tech_prefix: Annotated[str | None, SHORT] = None
    timeout_1xx_secs: Annotated[int, FIRST_RESPONSE] = 3
    timeout_2xx_secs: Annotated[int, ANSWER] = 90


class FqdnAuthentication(Part, frozen=True, kw_only=True):
    """How an FQDN connection proves who calls; a sub-resource of the connection."""

    id: str
    fqdn_outbound_authentication: Annotated[str, Choice("ip-authentication", "credential-authentication")] = (
        "credential-authentication"
    )
    ip_authentication_method: Annotated[str | None, Choice("token", "p-charge-info")] = None
    user_name: Annotated[str | None, USER_NAME] = None
    password: Annotated[str | None, PASSWORD] = None
    webhook_url: Annotated[str | None, AddressOrNothing()] = None
    failover_url: Annotated[str | None, AddressOrNothing()] = None
    txt_name: Annotated[str | None, SHORT] = None
    txt_ttl: Annotated[int | None, Whole(0, 2**31 - 1)] = None
    txt_value: Annotated[str | None, SHORT] = None


class FqdnConnection(SipConnection, frozen=True, kw_only=True):
    record_type: str = "fqdn_connection"
    connection_name: Annotated[str, NAME]
    transport_protocol: Annotated[str, _TRANSPORT] = "UDP"
    microsoft_teams_sbc: Annotated[bool, Flag()] = False
    inbound: Annotated[FqdnInbound, PART] = FqdnInbound()
    outbound: Annotated[FqdnOutbound, PART] = FqdnOutbound()
    authentication: FqdnAuthentication


class IpInbound(RoutedInbound, frozen=True, kw_only=True):
    default_primary_ip_id: str | None = None
    default_secondary_ip_id: str | None = None
    default_tertiary_ip_id: str | None = None


class IpOutbound(SipOutbound, frozen=True, kw_only=True):
    ip_authentication_method: Annotated[str, Choice("tech-prefixp-charge-info", "token")] = (
        "tech-prefixp-charge-info"
    )
    ip_authentication_token: Annotated[str | None, SHORT] = None
    tech_prefix: Annotated[str | None, SHORT] = None


class IpConnection(SipConnection, frozen=True, kw_only=True):
    record_type: str = "ip_connection"
    connection_name: Annotated[str | None, NAME] = None
    transport_protocol: Annotated[str, _TRANSPORT] = "UDP"
    inbound: Annotated[IpInbound, PART] = IpInbound()
    outbound: Annotated[IpOutbound, PART] = IpOutbound()


class Fqdn(Resource, frozen=True, kw_only=True):
    """`port` None: the SRV record has it."""

    record_type: str = "fqdn"
    connection_id: Annotated[str, ID]
    fqdn: Annotated[str, HOSTNAME]
    dns_record_type: Annotated[str, Choice("a", "srv")]
    port: Annotated[int | None, PORT] = None


class Ip(Resource, frozen=True, kw_only=True):
    record_type: str = "ip"
    connection_id: Annotated[str | None, IdOrNothing()] = None
    ip_address: Annotated[str, Ipv4()]
    port: Annotated[int, PORT] = 5060

"""What calls see of an account: one shape for applications and connections of every kind. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulator.telnyx.account.records.applications import (
    ApplicationInbound,
    CallControlApplication,
    TexmlApplication,
)
from simulator.telnyx.account.records.connections import CredentialConnection, FqdnConnection, IpConnection
from simulator.telnyx.account.records.numbers import VoiceSettings
from simulator.telnyx.account.records.sip import RoutedInbound

Kind = Literal["call_control", "texml", "credential", "fqdn", "ip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Fields that its kind does not have are None; empty URLs are None too. Times in seconds.

    `webhook_timeout_secs` None: Telnyx's own deadline. `first_command_timeout` says whether a call that gets no
    command within `first_command_timeout_secs` is hung up. `sip_subdomain_for_all` False: only the account's own
    connections may call the subdomain.
    """

    kind: Kind
    id: str
    name: str
    active: bool
    webhook_event_url: str | None = None
    webhook_event_failover_url: str | None = None
    webhook_api_version: str = "2"
    webhook_timeout_secs: int | None = None
    first_command_timeout: bool = False
    first_command_timeout_secs: int = 30
    voice_url: str | None = None
    voice_method: Literal["get", "post"] = "post"
    voice_fallback_url: str | None = None
    status_callback: str | None = None
    status_callback_method: Literal["get", "post"] = "post"
    call_cost_in_webhooks: bool = False
    outbound_voice_profile_id: str | None = None
    inbound_channel_limit: int | None = None
    outbound_channel_limit: int | None = None
    sip_subdomain: str | None = None
    sip_subdomain_for_all: bool = True
    dtmf_type: str = "RFC 2833"
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProfileView:
    """`concurrent_call_limit` and `max_destination_rate` (dollars a minute) None: no limit."""

    id: str
    name: str
    enabled: bool
    whitelisted_destinations: tuple[str, ...]
    concurrent_call_limit: int | None
    max_destination_rate: float | None


@dataclass(frozen=True, slots=True)
class NumberView:
    """`connection_id` None: calls to the number reach nobody."""

    id: str
    phone_number: str
    connection_id: str | None
    voice: VoiceSettings


def view_of(
    connection: CallControlApplication | TexmlApplication | CredentialConnection | FqdnConnection | IpConnection,
) -> Application:
    match connection:
        case TexmlApplication():
            return _texml(connection)
        case CallControlApplication():
            return _call_control(connection)
        case CredentialConnection():
            return _sip(connection, "credential", None, True)
        case FqdnConnection():
            return _sip(connection, "fqdn", *_subdomain(connection.inbound))
        case IpConnection():
            return _sip(connection, "ip", *_subdomain(connection.inbound))


def _texml(application: TexmlApplication) -> Application:
    subdomain, for_all = _subdomain(application.inbound)
    return Application(
        kind="texml",
        id=application.id,
        name=application.friendly_name,
        active=application.active,
        first_command_timeout=application.first_command_timeout,
        first_command_timeout_secs=application.first_command_timeout_secs,
        voice_url=application.voice_url,
        voice_method=application.voice_method,
        voice_fallback_url=application.voice_fallback_url or None,
        status_callback=application.status_callback or None,
        status_callback_method=application.status_callback_method,
        call_cost_in_webhooks=application.call_cost_in_webhooks,
        outbound_voice_profile_id=application.outbound.outbound_voice_profile_id,
        inbound_channel_limit=application.inbound.channel_limit,
        outbound_channel_limit=application.outbound.channel_limit,
        sip_subdomain=subdomain,
        sip_subdomain_for_all=for_all,
        dtmf_type=application.dtmf_type,
        tags=application.tags,
    )


def _call_control(application: CallControlApplication) -> Application:
    subdomain, for_all = _subdomain(application.inbound)
    return Application(
        kind="call_control",
        id=application.id,
        name=application.application_name,
        active=application.active,
        webhook_event_url=application.webhook_event_url,
        webhook_event_failover_url=application.webhook_event_failover_url or None,
        webhook_api_version=application.webhook_api_version,
        webhook_timeout_secs=application.webhook_timeout_secs,
        first_command_timeout=application.first_command_timeout,
        first_command_timeout_secs=application.first_command_timeout_secs,
        call_cost_in_webhooks=application.call_cost_in_webhooks,
        outbound_voice_profile_id=application.outbound.outbound_voice_profile_id,
        inbound_channel_limit=application.inbound.channel_limit,
        outbound_channel_limit=application.outbound.channel_limit,
        sip_subdomain=subdomain,
        sip_subdomain_for_all=for_all,
        dtmf_type=application.dtmf_type,
        tags=application.tags,
    )


def _sip(
    connection: CredentialConnection | FqdnConnection | IpConnection,
    kind: Kind,
    subdomain: str | None,
    for_all: bool,
) -> Application:
    return Application(
        kind=kind,
        id=connection.id,
        name=connection.connection_name or "",
        active=connection.active,
        webhook_event_url=connection.webhook_event_url or None,
        webhook_event_failover_url=connection.webhook_event_failover_url or None,
        webhook_api_version=connection.webhook_api_version,
        webhook_timeout_secs=connection.webhook_timeout_secs,
        call_cost_in_webhooks=connection.call_cost_in_webhooks,
        outbound_voice_profile_id=connection.outbound.outbound_voice_profile_id,
        inbound_channel_limit=connection.inbound.channel_limit,
        outbound_channel_limit=connection.outbound.channel_limit,
        sip_subdomain=subdomain,
        sip_subdomain_for_all=for_all,
        dtmf_type=connection.dtmf_type,
        tags=connection.tags,
    )


def _subdomain(inbound: ApplicationInbound | RoutedInbound) -> tuple[str | None, bool]:
    return inbound.sip_subdomain, inbound.sip_subdomain_receive_settings == "from_anyone"

"""TeXML and Call Control applications.

Source: Telnyx API reference, "TeXML Applications" and "Call Control Applications".
"""

from __future__ import annotations

from typing import Annotated, Literal

from simulator.telnyx.account.kinds import (
    ANCHORSITE,
    CHANNELS,
    DTMF_TYPE,
    NAME,
    SUBDOMAIN,
    TAGS,
    WEBHOOK_SECONDS,
    AddressOrNothing,
    IdOrNothing,
)
from simulator.telnyx.account.record import PART, Part, Resource
from simulator.telnyx.requests.fields import Address, Choice, Flag, Whole


class ApplicationInbound(Part, frozen=True, kw_only=True):
    channel_limit: Annotated[int | None, CHANNELS] = None
    shaken_stir_enabled: Annotated[bool, Flag()] = False
    sip_subdomain: Annotated[str | None, SUBDOMAIN] = None
    sip_subdomain_receive_settings: Annotated[str, Choice("only_my_connections", "from_anyone")] = "from_anyone"


class ApplicationOutbound(Part, frozen=True, kw_only=True):
    channel_limit: Annotated[int | None, CHANNELS] = None
    outbound_voice_profile_id: Annotated[str | None, IdOrNothing()] = None


class _Application(Resource, frozen=True, kw_only=True):
    active: Annotated[bool, Flag()] = True
    anchorsite_override: Annotated[str, ANCHORSITE] = "Latency"
    call_cost_in_webhooks: Annotated[bool, Flag()] = False
    dtmf_type: Annotated[str, DTMF_TYPE] = "RFC 2833"
    first_command_timeout: Annotated[bool, Flag()] = False
    first_command_timeout_secs: Annotated[int, Whole(0, 14_400)] = 30
    inbound: Annotated[ApplicationInbound, PART] = ApplicationInbound()
    outbound: Annotated[ApplicationOutbound, PART] = ApplicationOutbound()
    tags: Annotated[tuple[str, ...], TAGS] = ()


class TexmlApplication(_Application, frozen=True, kw_only=True):
    record_type: str = "texml_application"
    friendly_name: Annotated[str, NAME]
    voice_url: Annotated[str, Address()]
    voice_method: Annotated[Literal["get", "post"], Choice("get", "post")] = "post"
    voice_fallback_url: Annotated[str | None, AddressOrNothing()] = None
    status_callback: Annotated[str | None, AddressOrNothing()] = None
    status_callback_method: Annotated[Literal["get", "post"], Choice("get", "post")] = "post"


class CallControlApplication(_Application, frozen=True, kw_only=True):
    record_type: str = "call_control_application"
    application_name: Annotated[str, NAME]
    webhook_event_url: Annotated[str, Address()]
    anchorsite_override: Annotated[
        str,
        Choice(
            "Latency",
            "Chicago, IL",
            "Ashburn, VA",
            "San Jose, CA",
            "London, UK",
            "Chennai, IN",
            "Amsterdam, Netherlands",
            "Toronto, Canada",
            "Sydney, Australia",
        ),
    ] = "Latency"
    redact_dtmf_debug_logging: Annotated[bool, Flag()] = False
    webhook_api_version: Annotated[str, Choice("1", "2")] = "1"
    webhook_event_failover_url: Annotated[str | None, AddressOrNothing()] = ""
    webhook_timeout_secs: Annotated[int | None, WEBHOOK_SECONDS] = None

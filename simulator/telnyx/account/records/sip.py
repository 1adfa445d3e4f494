"""What SIP connections of every kind have: credential, FQDN and IP connections.

Source: Telnyx API reference, "Credential Connections", "FQDN Connections" and "IP Connections".
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from simulator.telnyx.account.kinds import (
    ANCHORSITE,
    CHANNELS,
    DTMF_TYPE,
    SHORT,
    SUBDOMAIN,
    TAGS,
    WEBHOOK_SECONDS,
    AddressOrNothing,
    IdOrNothing,
)
from simulator.telnyx.account.record import PART, Part, Resource
from simulator.telnyx.requests.fields import Choice, Flag, Many, Text, Whole

_CODECS = ("G722", "G711U", "G711A", "G729", "OPUS", "H.264")
FIRST_RESPONSE = Whole(1, 120)
ANSWER = Whole(1, 600)


class RtcpSettings(Part, frozen=True, kw_only=True):
    port: Annotated[str, Choice("rtcp-mux", "rtp+1")] = "rtp+1"
    capture_enabled: Annotated[bool, Flag()] = False
    report_frequency_secs: Annotated[int, Whole(5, 3000)] = 5


class JitterBuffer(Part, frozen=True, kw_only=True):
    """Sizes in milliseconds."""

    enable_jitter_buffer: Annotated[bool, Flag()] = False
    jitterbuffer_msec_max: Annotated[int, Whole(40, 400)] = 200
    jitterbuffer_msec_min: Annotated[int, Whole(40, 400)] = 60


class NoiseSuppression(Part, frozen=True, kw_only=True):
    engine: Annotated[
        str,
        Choice(
            "denoiser",
            "deep_filter_net",
            "deep_filter_net_large",
            "krisp_viva_tel",
            "krisp_viva_tel_lite",
            "krisp_viva_promodel",
            "krisp_viva_ss",
            "quail_voice_focus",
        ),
    ] = "denoiser"
    attenuation_limit: Annotated[int, Whole(0, 100)] = 0


class SipInbound(Part, frozen=True, kw_only=True):
    """Times in seconds."""

    ani_number_format: Annotated[str, Choice("+E.164", "E.164", "+E.164-national", "E.164-national")] = (
        "E.164-national"
    )
    dnis_number_format: Annotated[str, Choice("+e164", "e164", "national", "sip_username")] = "e164"
    codecs: Annotated[tuple[str, ...], Many(Text(limit=32), most=20)] = _CODECS
    default_routing_method: Annotated[str | None, Choice("sequential", "round-robin")] = None
    channel_limit: Annotated[int | None, CHANNELS] = None
    generate_ringback_tone: Annotated[bool, Flag()] = False
    isup_headers_enabled: Annotated[bool, Flag()] = False
    prack_enabled: Annotated[bool, Flag()] = False
    shaken_stir_enabled: Annotated[bool, Flag()] = False
    sip_compact_headers_enabled: Annotated[bool, Flag()] = True
    timeout_1xx_secs: Annotated[int, FIRST_RESPONSE] = 3
    timeout_2xx_secs: Annotated[int, ANSWER] = 90


class RoutedInbound(SipInbound, frozen=True, kw_only=True):
    """Inbound calls that Telnyx sends to an address."""

    sip_region: Annotated[str, Choice("US", "Europe", "Australia")] = "US"
    sip_subdomain: Annotated[str | None, SUBDOMAIN] = None
    sip_subdomain_receive_settings: Annotated[str, Choice("only_my_connections", "from_anyone")] = "from_anyone"


class SipOutbound(Part, frozen=True, kw_only=True):
    ani_override: Annotated[str, SHORT] = ""
    ani_override_type: Annotated[str, Choice("always", "normal", "emergency")] = "always"
    call_parking_enabled: Annotated[bool | None, Flag()] = False
    channel_limit: Annotated[int | None, CHANNELS] = None
    generate_ringback_tone: Annotated[bool, Flag()] = False
    instant_ringback_enabled: Annotated[bool, Flag()] = True
    localization: Annotated[str, SHORT] = "US"
    outbound_voice_profile_id: Annotated[str | None, IdOrNothing()] = None
    t38_reinvite_source: Annotated[
        str, Choice("telnyx", "customer", "disabled", "passthru", "caller-passthru", "callee-passthru")
    ] = "telnyx"


class SipConnection(Resource, frozen=True, kw_only=True):
    NEVER_NULL: ClassVar[tuple[str, ...]] = ("bridge_generate_comfort_noise_on_cn",)

    active: Annotated[bool, Flag()] = True
    anchorsite_override: Annotated[str, ANCHORSITE] = "Latency"
    android_push_credential_id: Annotated[str | None, SHORT] = None
    bridge_generate_comfort_noise_on_cn: Annotated[bool, Flag()] = False
    call_cost_in_webhooks: Annotated[bool, Flag()] = False
    conversation_persistence: Annotated[bool, Flag()] = False
    default_on_hold_comfort_noise_enabled: Annotated[bool, Flag()] = True
    dtmf_type: Annotated[str, DTMF_TYPE] = "RFC 2833"
    encode_contact_header_enabled: Annotated[bool, Flag()] = False
    encrypted_media: Annotated[str | None, Choice("SRTP")] = None
    ios_push_credential_id: Annotated[str | None, SHORT] = None
    jitter_buffer: Annotated[JitterBuffer, PART] = JitterBuffer()
    noise_suppression: Annotated[str, Choice("inbound", "outbound", "both", "disabled")] = "disabled"
    noise_suppression_details: Annotated[NoiseSuppression, PART] = NoiseSuppression()
    onnet_t38_passthrough_enabled: Annotated[bool, Flag()] = False
    rtcp_settings: Annotated[RtcpSettings, PART] = RtcpSettings()
    tags: Annotated[tuple[str, ...], TAGS] = ()
    webhook_api_version: Annotated[str, Choice("1", "2")] = "1"
    webhook_event_failover_url: Annotated[str | None, AddressOrNothing()] = ""
    webhook_event_url: Annotated[str | None, AddressOrNothing()] = None
    webhook_timeout_secs: Annotated[int | None, WEBHOOK_SECONDS] = None

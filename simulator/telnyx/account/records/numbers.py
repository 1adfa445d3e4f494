"""Phone numbers with their voice settings, orders that buy them, and numbers the account has verified.

Source: Telnyx API reference, "Phone Number Configurations", "Phone Number Orders" and "Verified Numbers".
"""

from __future__ import annotations

from typing import Annotated, Literal

from simulator.telnyx.account.kinds import NAME, SHORT, TAGS, IdOrNothing
from simulator.telnyx.account.record import PART, Part, Resource
from simulator.telnyx.requests.fields import Anything, Choice, Flag, Many, Object, Text
from simulator.telnyx.requests.numbers import DTMF_DIGITS, DTMF_WANTED
from simulator.telnyx.requests.numbers import PhoneNumber as E164

NumberType = Literal["local", "toll_free", "mobile", "national", "shared_cost"]


class CallForwarding(Part, frozen=True, kw_only=True):
    call_forwarding_enabled: Annotated[bool, Flag()] = True
    forwards_to: Annotated[str, SHORT] = ""
    forwarding_type: Annotated[str | None, Choice("always", "on-failure")] = None


class CnamListing(Part, frozen=True, kw_only=True):
    cnam_listing_enabled: Annotated[bool, Flag()] = False
    cnam_listing_details: Annotated[str, Text(limit=15)] = ""


class InboundRecording(Part, frozen=True, kw_only=True):
    inbound_call_recording_enabled: Annotated[bool, Flag()] = False
    inbound_call_recording_format: Annotated[str, Choice("wav", "mp3")] = "wav"
    inbound_call_recording_channels: Annotated[str, Choice("single", "dual")] = "single"


class MediaFeatures(Part, frozen=True, kw_only=True):
    rtp_auto_adjust_enabled: Annotated[bool, Flag()] = True
    accept_any_rtp_packets_enabled: Annotated[bool, Flag()] = False
    t38_fax_gateway_enabled: Annotated[bool, Flag()] = False


class VoiceSettings(Part, frozen=True, kw_only=True):
    tech_prefix_enabled: Annotated[bool, Flag()] = False
    translated_number: Annotated[str, SHORT] = ""
    caller_id_name_enabled: Annotated[bool, Flag()] = False
    call_forwarding: Annotated[CallForwarding, PART] = CallForwarding()
    cnam_listing: Annotated[CnamListing, PART] = CnamListing()
    usage_payment_method: Annotated[str, Choice("pay-per-minute", "channel")] = "pay-per-minute"
    media_features: Annotated[MediaFeatures, PART] = MediaFeatures()
    call_recording: Annotated[InboundRecording, PART] = InboundRecording()
    inbound_call_screening: Annotated[str, Choice("disabled", "reject_calls", "flag_calls")] = "disabled"


class PhoneNumber(Resource, frozen=True, kw_only=True):
    """`connection_id` None: calls to the number reach nobody."""

    record_type: str = "phone_number"
    phone_number: str
    country_iso_alpha2: str
    phone_number_type: NumberType = "local"
    status: Literal["active", "deleted"] = "active"
    connection_id: Annotated[str | None, IdOrNothing()] = None
    customer_reference: Annotated[str | None, NAME] = None
    external_pin: Annotated[str | None, NAME] = None
    hd_voice_enabled: Annotated[bool, Flag()] = False
    billing_group_id: Annotated[str | None, IdOrNothing()] = None
    address_id: Annotated[str | None, IdOrNothing()] = None
    tags: Annotated[tuple[str, ...], TAGS] = ()
    messaging_profile_id: str | None = None
    deletion_lock_enabled: bool = False
    voice: VoiceSettings = VoiceSettings()


class OrderedNumber(Part, frozen=True, kw_only=True):
    id: str
    phone_number: str
    country_iso_alpha2: str
    phone_number_type: NumberType
    bundle_id: str | None


class NumberOrder(Resource, frozen=True, kw_only=True):
    """`phone_numbers` as the request has them; `ordered` are those bought."""

    record_type: str = "number_order"
    phone_numbers: Annotated[
        tuple[dict[str, str], ...],
        Many(
            Object(
                {"phone_number": E164(), "bundle_id": SHORT, "requirement_group_id": SHORT},
                required=["phone_number"],
            ),
            least=1,
        ),
    ]
    ordered: tuple[OrderedNumber, ...] = ()
    connection_id: Annotated[str | None, IdOrNothing()] = None
    messaging_profile_id: Annotated[str | None, IdOrNothing()] = None
    billing_group_id: Annotated[str | None, IdOrNothing()] = None
    customer_reference: Annotated[str | None, NAME] = None
    sub_number_orders_ids: tuple[str, ...] = ()


class NumberOrderUpdate(Part, frozen=True, kw_only=True):
    """Requirements are passed over: simulated numbers have none."""

    customer_reference: Annotated[str | None, NAME] = None
    regulatory_requirements: Annotated[tuple[object, ...], Many(Anything())] = ()


class VerifiedNumber(Resource, frozen=True, kw_only=True):
    """`verified_at` None: the code has not been given yet."""

    record_type: str = "verified_number"
    phone_number: Annotated[str, E164()]
    verification_method: Annotated[str, Choice("sms", "call")]
    extension: Annotated[str | None, Text(limit=50, pattern=DTMF_DIGITS, wanted=DTMF_WANTED)] = None
    verified_at: str | None = None

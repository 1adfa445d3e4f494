"""Outbound voice profiles.

Source: Telnyx API reference, "Outbound Voice Profiles".
"""

from __future__ import annotations

from typing import Annotated

from simulator.telnyx.account.kinds import CLOCK, COUNTRY, DOLLARS, ID, NAME, TAGS
from simulator.telnyx.account.record import PART, Part, Resource
from simulator.telnyx.requests.fields import Choice, Flag, Many, Number, Whole
from simulator.telnyx.requests.numbers import PhoneNumber


class CallRecording(Part, frozen=True, kw_only=True):
    call_recording_type: Annotated[str, Choice("all", "none", "by_caller_phone_number")] = "none"
    call_recording_caller_phone_numbers: Annotated[tuple[str, ...], Many(PhoneNumber())] = ()
    call_recording_channels: Annotated[str, Choice("single", "dual")] = "single"
    call_recording_format: Annotated[str, Choice("wav", "mp3")] = "wav"


class CallingWindow(Part, frozen=True, kw_only=True):
    """Times of day in UTC; None: no limit."""

    start_time: Annotated[str | None, CLOCK] = None
    end_time: Annotated[str | None, CLOCK] = None
    calls_per_cld: Annotated[int | None, Whole(1, 2**31 - 1)] = None


class OutboundVoiceProfile(Resource, frozen=True, kw_only=True):
    """`concurrent_call_limit` None: no limit; `max_destination_rate` in dollars a minute."""

    record_type: str = "outbound_voice_profile"
    name: Annotated[str, NAME]
    connections_count: int = 0
    traffic_type: Annotated[str, Choice("conversational")] = "conversational"
    service_plan: Annotated[str, Choice("global")] = "global"
    concurrent_call_limit: Annotated[int | None, Whole(1, 2**31 - 1)] = None
    enabled: Annotated[bool, Flag()] = True
    tags: Annotated[tuple[str, ...], TAGS] = ()
    usage_payment_method: Annotated[str, Choice("rate-deck")] = "rate-deck"
    whitelisted_destinations: Annotated[tuple[str, ...], Many(COUNTRY)] = ("US", "CA")
    max_destination_rate: Annotated[float | None, Number(0)] = None
    daily_spend_limit: Annotated[str | None, DOLLARS] = None
    daily_spend_limit_enabled: Annotated[bool, Flag()] = False
    call_recording: Annotated[CallRecording, PART] = CallRecording()
    billing_group_id: Annotated[str | None, ID] = None
    calling_window: Annotated[CallingWindow, PART] = CallingWindow()

"""REST routes of outbound voice profiles.

Source: Telnyx API reference, "Outbound Voice Profiles"; creation answers with status 200.
"""

from __future__ import annotations

from typing import Any

from simulator.telnyx.account.record import shown
from simulator.telnyx.account.records.profiles import OutboundVoiceProfile
from simulator.telnyx.account.refusals import in_use
from simulator.telnyx.account.rest.collection import Collection, Given
from simulator.telnyx.account.rest.filters import Filter
from simulator.telnyx.account.store import Account


def outbound_voice_profiles(account: Account) -> Collection[OutboundVoiceProfile]:
    def show(profile: OutboundVoiceProfile, _given: Given) -> dict[str, Any]:
        return shown(profile) | {"connections_count": len(account.using_profile(profile.id))}

    def release(profile: OutboundVoiceProfile) -> None:
        users = account.using_profile(profile.id)
        if users:
            raise in_use(f"The outbound voice profile is used by {len(users)} connections: change them first.")

    return Collection(
        path="/outbound_voice_profiles",
        record=OutboundVoiceProfile,
        table=account.profiles,
        created_status=200,
        update_requires=("name",),
        filters={"name[contains]": Filter(lambda profile, value: value.lower() in profile.name.lower())},
        orders={
            "name": lambda profile: profile.name,
            "enabled": lambda profile: profile.enabled,
            "service_plan": lambda profile: profile.service_plan,
            "traffic_type": lambda profile: profile.traffic_type,
            "usage_payment_method": lambda profile: profile.usage_payment_method,
        },
        show=show,
        release=release,
    )

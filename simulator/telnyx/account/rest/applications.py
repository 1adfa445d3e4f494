"""REST routes of TeXML and Call Control applications.

Source: Telnyx API reference, "TeXML Applications" and "Call Control Applications".
"""

from __future__ import annotations

from simulator.telnyx.account.records.applications import CallControlApplication, TexmlApplication
from simulator.telnyx.account.rest.checks import has_no_numbers, profile_exists, subdomain_is_free
from simulator.telnyx.account.rest.collection import Collection
from simulator.telnyx.account.rest.filters import Filter, contains, equals, passed_over
from simulator.telnyx.account.store import Account

_OF_EVENTS = (
    "application_session_id",
    "connection_id",
    "failed",
    "from",
    "leg_id",
    "name",
    "occurred_at",
    "occurred_at[gt]",
    "occurred_at[gte]",
    "occurred_at[lt]",
    "occurred_at[lte]",
    "product",
    "status",
    "to",
    "type",
)
"""Telnyx's document gives the list of applications the filters of call events too."""


def texml_applications(account: Account) -> Collection[TexmlApplication]:
    def settle(application: TexmlApplication, _before: TexmlApplication | None) -> TexmlApplication:
        _fits(account, application)
        return application

    return Collection(
        path="/texml_applications",
        record=TexmlApplication,
        table=account.texml_applications,
        update_requires=("friendly_name", "voice_url"),
        filters={
            "friendly_name": contains(lambda application: application.friendly_name),
            "friendly_name[contains]": contains(lambda application: application.friendly_name),
            "outbound_voice_profile_id": equals(_profile),
        },
        orders={
            "friendly_name": lambda application: application.friendly_name,
            "active": lambda application: application.active,
        },
        settle=settle,
        release=lambda application: has_no_numbers(account, application.id),
    )


def call_control_applications(account: Account) -> Collection[CallControlApplication]:
    def settle(
        application: CallControlApplication, _before: CallControlApplication | None
    ) -> CallControlApplication:
        _fits(account, application)
        return application

    filters: dict[str, Filter[CallControlApplication]] = {name: passed_over() for name in _OF_EVENTS}
    filters["application_name[contains]"] = contains(_name)
    filters["outbound.outbound_voice_profile_id"] = equals(_profile)
    return Collection(
        path="/call_control_applications",
        record=CallControlApplication,
        table=account.call_control_applications,
        update_requires=("application_name", "webhook_event_url"),
        filters=filters,
        orders={
            "connection_name": _name,
            "active": lambda application: application.active,
        },
        settle=settle,
        release=lambda application: has_no_numbers(account, application.id),
    )


def _fits(account: Account, application: TexmlApplication | CallControlApplication) -> None:
    profile_exists(account, application.outbound.outbound_voice_profile_id)
    subdomain_is_free(account, application.inbound.sip_subdomain, application)


def _name(application: CallControlApplication) -> str:
    return application.application_name


def _profile(application: TexmlApplication | CallControlApplication) -> str | None:
    return application.outbound.outbound_voice_profile_id

"""REST routes of phone numbers and their voice settings.

Source: Telnyx API reference, "Phone Number Configurations".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from simulator.telnyx.account.record import read_changes, shown
from simulator.telnyx.account.records.numbers import PhoneNumber, VoiceSettings
from simulator.telnyx.account.rest.checks import connection_exists
from simulator.telnyx.account.rest.collection import Collection, Given
from simulator.telnyx.account.rest.filters import (
    Filter,
    Order,
    contains,
    ends_with,
    equals,
    filtered,
    ordered,
    starts_with,
)
from simulator.telnyx.account.store import Account, now
from simulator.telnyx.paging import paged, query_error, read_page
from simulator.telnyx.requests.fields import Choice
from simulator.telnyx.router import Router, json_body

_STATUSES: Final = (
    "purchase-pending",
    "purchase-failed",
    "port-pending",
    "port_pending",
    "active",
    "deleted",
    "port-failed",
    "emergency-only",
    "ported-out",
    "port-out-pending",
)
_EMERGENCY: Final = {"emergency_enabled": False, "emergency_address_id": None, "emergency_status": "disabled"}


class PhoneNumbers:
    """`/phone_numbers`, `/phone_numbers/slim` and `/phone_numbers/{id}/voice` of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._filters = self._number_filters()
        self._orders: Mapping[str, Order[PhoneNumber]] = {
            "created_at": lambda number: number.created_at,
            "purchased_at": lambda number: number.created_at,
            "phone_number": lambda number: number.phone_number,
            "connection_name": self._connection_name,
            "usage_payment_method": lambda number: number.voice.usage_payment_method,
        }
        self._collection = Collection(
            path="/phone_numbers",
            record=PhoneNumber,
            table=account.phone_numbers,
            filters=self._filters,
            orders=self._orders,
            settle=self._settle,
            show=lambda number, _given: self.shown(number),
        )

    def routes(self, router: Router) -> list[Route]:
        numbers = self._collection
        return [
            router.route("/phone_numbers", GET=numbers.list),
            router.route("/phone_numbers/slim", GET=self._slim_list),
            router.route("/phone_numbers/voice", GET=self._voice_list),
            router.route("/phone_numbers/{id}", GET=numbers.retrieve, PATCH=numbers.update, DELETE=self._delete),
            router.route("/phone_numbers/{id}/voice", GET=self._voice_read, PATCH=self._voice_change),
        ]

    def shown(self, number: PhoneNumber) -> dict[str, Any]:
        data = shown(number)
        voice = number.voice
        del data["voice"], data["address_id"]
        return (
            data
            | _EMERGENCY
            | {
                "connection_name": self._connection_name(number),
                "messaging_profile_name": None,
                "messaging_campaign_id": None,
                "call_forwarding_enabled": voice.call_forwarding.call_forwarding_enabled,
                "cnam_listing_enabled": voice.cnam_listing.cnam_listing_enabled,
                "caller_id_name_enabled": voice.caller_id_name_enabled,
                "call_recording_enabled": voice.call_recording.inbound_call_recording_enabled,
                "t38_fax_gateway_enabled": voice.media_features.t38_fax_gateway_enabled,
                "inbound_call_screening": voice.inbound_call_screening,
                "source_type": "number_order",
                "purchased_at": number.created_at,
                "activated_at": number.created_at,
            }
        )

    def _settle(self, number: PhoneNumber, _before: PhoneNumber | None) -> PhoneNumber:
        connection_exists(self._account, number.connection_id)
        return number

    async def _delete(self, request: Request) -> dict[str, Any]:
        number = self._collection.found(request)
        self._account.phone_numbers.remove(number.id)
        gone = msgspec.structs.replace(number, status="deleted", updated_at=now())
        return {"data": self.shown(gone)}

    async def _slim_list(self, request: Request) -> dict[str, Any]:
        """Without the connection's name and the tags, unless they are asked for."""
        given = dict(request.query_params.multi_items())
        wanted = {name: _flag(given, name) for name in ("include_connection", "include_tags")}
        answer = await self._collection.list(request)
        for data in answer["data"]:
            for name in ("messaging_profile_id", "messaging_profile_name", "messaging_campaign_id", "source_type"):
                del data[name]
            if not wanted["include_connection"]:
                del data["connection_name"]
            if not wanted["include_tags"]:
                del data["tags"]
        return answer

    async def _voice_list(self, request: Request) -> dict[str, Any]:
        query = request.query_params.multi_items()
        page = read_page(query)
        filters: dict[str, Filter[PhoneNumber]] = {
            "connection_name[contains]": contains(self._connection_name),
            "customer_reference": equals(lambda number: number.customer_reference),
            "phone_number": self._filters["phone_number"],
            "voice.usage_payment_method": self._filters["voice.usage_payment_method"],
        }
        kept = ordered(filtered(self._account.phone_numbers, query, filters), query, self._orders)
        answer = paged(kept, page)
        answer["data"] = [_voice(number) for number in answer["data"]]
        return answer

    async def _voice_read(self, request: Request) -> dict[str, Any]:
        return {"data": _voice(self._collection.found(request))}

    async def _voice_change(self, request: Request) -> dict[str, Any]:
        given: Given = await json_body(request)
        number = self._collection.found(request)
        voice = msgspec.structs.replace(number.voice, **read_changes(VoiceSettings, given, number.voice))
        kept = msgspec.structs.replace(number, voice=voice, updated_at=now())
        self._account.phone_numbers.put(kept)
        return {"data": _voice(kept)}

    def _connection_name(self, number: PhoneNumber) -> str | None:
        view = None if number.connection_id is None else self._account.application(number.connection_id)
        return None if view is None else view.name

    def _number_filters(self) -> dict[str, Filter[PhoneNumber]]:
        name = self._connection_name
        return {
            "phone_number": Filter(_has_digits, least=3),
            "tag": Filter(lambda number, value: value in number.tags),
            "without_tags": Filter(lambda number, value: value != "true" or not number.tags),
            "status": equals(lambda number: number.status, *_STATUSES),
            "country_iso_alpha2": Filter(lambda number, value: number.country_iso_alpha2 == value, many=True),
            "connection_id": equals(lambda number: number.connection_id),
            "billing_group_id": equals(lambda number: number.billing_group_id),
            "emergency_address_id": equals(lambda _number: None),
            "customer_reference": equals(lambda number: number.customer_reference),
            "number_type": equals(
                lambda number: number.phone_number_type, "local", "national", "toll_free", "mobile", "shared_cost"
            ),
            "source": Filter(lambda _number, value: value == "purchased", Choice("ported", "purchased")),
            "voice.connection_name": equals(name),
            "voice.connection_name[contains]": contains(name),
            "voice.connection_name[starts_with]": starts_with(name),
            "voice.connection_name[ends_with]": ends_with(name),
            "voice.usage_payment_method": equals(
                lambda number: number.voice.usage_payment_method, "pay-per-minute", "channel"
            ),
        }


def _has_digits(number: PhoneNumber, value: str) -> bool:
    """A plus sign does not count; anything else that is no digit finds nothing."""
    digits = value.removeprefix("+").strip()
    return digits.isascii() and digits.isdecimal() and digits in number.phone_number


def _voice(number: PhoneNumber) -> dict[str, Any]:
    return {
        "id": number.id,
        "record_type": "voice_settings",
        "phone_number": number.phone_number,
        "connection_id": number.connection_id,
        "customer_reference": number.customer_reference,
        "emergency": _EMERGENCY,
        **shown(number.voice),
    }


def _flag(given: Mapping[str, str], name: str) -> bool:
    value = given.get(name, "false")
    if value not in ("true", "false"):
        raise query_error(f"{name} must be true or false.", name)
    return value == "true"

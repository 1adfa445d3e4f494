"""The REST route that offers numbers for sale.

Source: Telnyx API reference, "Phone Number Search".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final, cast

from starlette.requests import Request
from starlette.routing import Route

from simulator.telnyx.account.numbering import Offer, offers
from simulator.telnyx.account.records.numbers import NumberType
from simulator.telnyx.account.store import Account
from simulator.telnyx.paging import query_error, read_conditions
from simulator.telnyx.router import Router

_DEFAULT_LIMIT: Final = 100
_TYPES: Final = ("local", "toll_free", "mobile", "national", "shared_cost")
_FEATURES: Final = (
    "sms",
    "mms",
    "voice",
    "fax",
    "emergency",
    "hd_voice",
    "international_sms",
    "local_calling",
)
_OFFERED: Final = ("voice", "fax", "sms", "mms", "emergency", "hd_voice", "local_calling")
_FILTERS: Final = (
    "administrative_area",
    "best_effort",
    "country_code",
    "exclude_held_numbers",
    "features",
    "limit",
    "locality",
    "national_destination_code",
    "phone_number[contains]",
    "phone_number[ends_with]",
    "phone_number[starts_with]",
    "phone_number_type",
    "quickship",
    "rate_center",
    "reservable",
)


def available_phone_numbers(account: Account, router: Router) -> Route:
    async def search(request: Request) -> dict[str, Any]:
        wanted = _read(request.query_params.multi_items())
        limit = _limit(wanted)
        owned = {number.phone_number for number in account.phone_numbers}
        found = (
            offer
            for offer in offers(
                wanted.get("country_code", ["US"])[0].upper(),
                cast("NumberType | None", _one(wanted, "phone_number_type")),
                _one(wanted, "national_destination_code"),
            )
            if offer.phone_number not in owned and _matches(offer, wanted)
        )
        data = [_shown(offer) for offer in islice(found, limit)]
        counts = {"total_results": len(data), "best_effort_results": 0}
        return {"data": data, "meta": counts, "metadata": counts}

    return router.route("/available_phone_numbers", GET=search)


def _read(query: list[tuple[str, str]]) -> dict[str, list[str]]:
    wanted = {
        condition.parameter.removeprefix("filter"): list(condition.values)
        for condition in read_conditions(query, _FILTERS, ["features"])
        if condition.values
    }
    wanted = {name.replace("][", ".").strip("[]"): values for name, values in wanted.items()}
    for name, choices in (
        ("phone_number_type", _TYPES),
        ("features", _FEATURES),
        ("best_effort", ("true", "false")),
        ("exclude_held_numbers", ("true", "false")),
        ("quickship", ("true", "false")),
        ("reservable", ("true", "false")),
    ):
        for value in wanted.get(name, ()):
            if value not in choices:
                raise query_error(f"filter[{name}] must be one of {', '.join(choices)}.", f"filter[{name}]")
    return wanted


def _limit(wanted: Mapping[str, list[str]]) -> int:
    text = _one(wanted, "limit")
    if text is None:
        return _DEFAULT_LIMIT
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) == 0:
        raise query_error("filter[limit] must be a whole number of at least 1.", "filter[limit]")
    return int(text)


def _matches(offer: Offer, wanted: Mapping[str, list[str]]) -> bool:
    national = offer.phone_number[-10:]
    area, locality = _one(wanted, "administrative_area"), _one(wanted, "locality")
    rate_center = _one(wanted, "rate_center")
    return (
        all(feature in _OFFERED for feature in wanted.get("features", ()))
        and (area is None or area.upper() == offer.area)
        and (locality is None or locality.upper() == offer.city)
        and (rate_center is None or rate_center.upper() == offer.city)
        and (_one(wanted, "phone_number.contains") or "") in offer.phone_number
        and offer.phone_number.endswith(_one(wanted, "phone_number.ends_with") or "")
        and _starts(offer, national, _one(wanted, "phone_number.starts_with") or "")
    )


def _starts(offer: Offer, national: str, start: str) -> bool:
    """With or without the country's prefix."""
    return offer.phone_number.startswith(start) or national.startswith(start.removeprefix("+"))


def _one(wanted: Mapping[str, list[str]], name: str) -> str | None:
    values = wanted.get(name)
    return values[0] if values else None


def _shown(offer: Offer) -> dict[str, Any]:
    regions = [{"region_type": "country_code", "region_name": offer.country}]
    if offer.area:
        regions += [
            {"region_type": "state", "region_name": offer.area},
            {"region_type": "rate_center", "region_name": offer.city},
        ]
    return {
        "record_type": "available_phone_number",
        "phone_number": offer.phone_number,
        "vanity_format": "",
        "best_effort": False,
        "quickship": True,
        "reservable": True,
        "region_information": regions,
        "cost_information": {"upfront_cost": "1.00000", "monthly_cost": "1.00000", "currency": "USD"},
        "features": [{"name": name} for name in _OFFERED],
    }

"""REST routes of number orders: what is ordered belongs to the account at once.

Source: Telnyx API reference, "Phone Number Orders". As with Telnyx the answer to an order says `pending`; the
order is a success when it is read.
"""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from simulator.telnyx.account.kinds import Moment, moment
from simulator.telnyx.account.numbering import country_of, type_of
from simulator.telnyx.account.record import numeric_id, read_changes, uuid_id
from simulator.telnyx.account.records.numbers import (
    NumberOrder,
    NumberOrderUpdate,
    OrderedNumber,
    PhoneNumber,
)
from simulator.telnyx.account.refusals import taken
from simulator.telnyx.account.rest.checks import connection_exists
from simulator.telnyx.account.rest.collection import Collection
from simulator.telnyx.account.rest.filters import Filter, equals
from simulator.telnyx.account.store import Account, now
from simulator.telnyx.router import Router, json_body


def number_orders(account: Account, router: Router) -> list[Route]:
    orders = Collection(
        path="/number_orders",
        record=NumberOrder,
        table=account.number_orders,
        created_status=200,
        new_id=uuid_id,
        filters={
            "status": equals(lambda _order: "success"),
            "customer_reference": equals(lambda order: order.customer_reference),
            "phone_numbers_count": equals(lambda order: len(order.ordered)),
            "requirements_met": equals(lambda _order: "true", "true", "false"),
            "created_at[gt]": Filter(lambda order, value: _after(order.created_at, value), Moment()),
            "created_at[lt]": Filter(lambda order, value: _after(value, order.created_at), Moment()),
        },
        seed=lambda: {"sub_number_orders_ids": (uuid_id(),)},
        settle=lambda order, _before: _buy(account, order),
        show=lambda order, given: _shown(order, "pending" if given else "success"),
    )

    async def update(request: Request) -> dict[str, Any]:
        given = await json_body(request)
        order = orders.found(request)
        changes = read_changes(NumberOrderUpdate, given)
        changes.pop("regulatory_requirements", None)
        kept = msgspec.structs.replace(order, updated_at=now(), **changes)
        account.number_orders.put(kept)
        return {"data": _shown(kept, "success")}

    return [
        router.route("/number_orders", GET=orders.list, POST=orders.create),
        router.route("/number_orders/{id}", GET=orders.retrieve, PATCH=update),
    ]


def _buy(account: Account, order: NumberOrder) -> NumberOrder:
    """The order with its numbers, which are the account's from now on."""
    connection_exists(account, order.connection_id)
    account.phone_numbers.make_room(len(order.phone_numbers))
    wanted = [entry["phone_number"] for entry in order.phone_numbers]
    owned = {number.phone_number for number in account.phone_numbers}
    for index, number in enumerate(wanted):
        if number in owned:
            raise taken(f"{number} is not available: it has been bought already.", f"/phone_numbers/{index}")
        owned.add(number)
    for number in wanted:
        account.phone_numbers.put(
            PhoneNumber(
                id=numeric_id(),
                created_at=order.created_at,
                updated_at=order.created_at,
                phone_number=number,
                country_iso_alpha2=country_of(number),
                phone_number_type=type_of(number),
                connection_id=order.connection_id,
                customer_reference=order.customer_reference,
                messaging_profile_id=order.messaging_profile_id,
                billing_group_id=order.billing_group_id,
            )
        )
    ordered = tuple(
        OrderedNumber(
            id=uuid_id(),
            phone_number=entry["phone_number"],
            country_iso_alpha2=country_of(entry["phone_number"]),
            phone_number_type=type_of(entry["phone_number"]),
            bundle_id=entry.get("bundle_id"),
        )
        for entry in order.phone_numbers
    )
    return msgspec.structs.replace(order, ordered=ordered)


def _shown(order: NumberOrder, status: str) -> dict[str, Any]:
    return {
        "id": order.id,
        "record_type": order.record_type,
        "status": status,
        "phone_numbers_count": len(order.ordered),
        "phone_numbers": [_line(number, status) for number in order.ordered],
        "sub_number_orders_ids": list(order.sub_number_orders_ids),
        "connection_id": order.connection_id,
        "messaging_profile_id": order.messaging_profile_id,
        "billing_group_id": order.billing_group_id,
        "customer_reference": order.customer_reference,
        "requirements_met": True,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
    }


def _line(number: OrderedNumber, status: str) -> dict[str, Any]:
    return {
        "id": number.id,
        "record_type": "number_order_phone_number",
        "phone_number": number.phone_number,
        "phone_number_type": number.phone_number_type,
        "country_code": number.country_iso_alpha2,
        "country_iso_alpha2": number.country_iso_alpha2,
        "bundle_id": number.bundle_id,
        "regulatory_requirements": [],
        "requirements_met": True,
        "requirements_status": "approved",
        "status": status,
    }


def _after(one: str, other: str) -> bool:
    first, second = moment(one), moment(other)
    return first is not None and second is not None and first > second

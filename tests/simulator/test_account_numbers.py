"""Phone numbers: those there are, those for sale, orders, voice settings and verified numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import telnyx

from simulator.telnyx.account.seed import CALL_CONTROL_APPLICATION_ID, FIRST_NUMBER, TEXML_APPLICATION_ID
from tests.simulator.account_house import House, served


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with served() as made:
        yield made


async def test_a_number_is_found_and_assigned_to_another_connection(house: House) -> None:
    async with house.client() as client:
        found = [each async for each in await client.phone_numbers.list(filter={"phone_number": FIRST_NUMBER})]
        (number,) = found
        assert (number.connection_id, number.connection_name) == (TEXML_APPLICATION_ID, "Sidetone TeXML")
        assert (number.status, number.phone_number_type, number.country_iso_alpha2) == ("active", "local", "US")
        changed = await client.phone_numbers.update(
            number.id, connection_id=CALL_CONTROL_APPLICATION_ID, tags=["moved"], customer_reference="ref"
        )
        assert changed.data is not None
        assert changed.data.connection_name == "Sidetone Call Control"
        view = house.account.number(FIRST_NUMBER)
        assert view is not None
        assert view.connection_id == CALL_CONTROL_APPLICATION_ID
        await client.phone_numbers.update(number.id, connection_id="")
        view = house.account.number(FIRST_NUMBER)
        assert view is not None
        assert view.connection_id is None
        with pytest.raises(telnyx.UnprocessableEntityError) as refused:
            await client.phone_numbers.update(number.id, connection_id="1")
        assert "10017" in str(refused.value)


async def test_numbers_are_filtered_and_sorted(house: House) -> None:
    async with house.client() as client:
        by_connection = await client.phone_numbers.list(filter={"connection_id": TEXML_APPLICATION_ID})
        assert [each.phone_number async for each in by_connection] == [FIRST_NUMBER]
        unassigned = await client.phone_numbers.list(filter={"connection_id": "null"})
        assert [each.phone_number async for each in unassigned] == ["+15550100002"]
        by_name = await client.phone_numbers.list(
            filter={
                "voice_connection_name": {"starts_with": "sidetone", "ends_with": "control"},
                "country_iso_alpha2": ["US", "CA"],
                "number_type": {"eq": "local"},
                "without_tags": "true",
            },
            sort="phone_number",
        )
        assert [each.phone_number async for each in by_name] == ["+15550100001"]
        nothing = await client.phone_numbers.list(filter={"phone_number": "abc"})
        assert [each async for each in nothing] == []
        ported = await client.phone_numbers.list(filter={"source": "ported"})
        assert [each async for each in ported] == []
        in_order = await client.phone_numbers.list(sort="phone_number", page_size=2)
        assert [each.phone_number async for each in in_order] == [FIRST_NUMBER, "+15550100001", "+15550100002"]


async def test_the_slim_list_leaves_out_what_is_not_asked_for(house: House) -> None:
    slim = (await house.ask("GET", "/phone_numbers/slim")).json()["data"][0]
    assert "tags" not in slim
    assert "connection_name" not in slim
    full = (await house.ask("GET", "/phone_numbers/slim?include_tags=true&include_connection=true")).json()["data"]
    assert full[0]["tags"] == []
    async with house.client() as client:
        listed = await client.phone_numbers.slim_list(include_tags=True, filter={"status": "active"})
        assert len([each async for each in listed]) == 3


async def test_voice_settings_of_a_number(house: House) -> None:
    number = house.account.owned(FIRST_NUMBER)
    assert number is not None
    async with house.client() as client:
        read = await client.phone_numbers.voice.retrieve(number.id)
        assert read.data is not None
        assert (read.data.usage_payment_method, read.data.connection_id) == (
            "pay-per-minute",
            TEXML_APPLICATION_ID,
        )
        await client.phone_numbers.voice.update(
            number.id,
            call_recording={"inbound_call_recording_enabled": True},
            call_forwarding={"forwards_to": "+13035559123", "forwarding_type": "on-failure"},
        )
        again = await client.phone_numbers.voice.retrieve(number.id)
        assert again.data is not None
        assert again.data.call_recording is not None
        assert again.data.call_recording.inbound_call_recording_enabled is True
        assert again.data.call_recording.inbound_call_recording_format == "wav"
        listed = await client.phone_numbers.voice.list(
            filter={"connection_name": {"contains": "texml"}, "voice_usage_payment_method": "pay-per-minute"}
        )
        assert [each.id async for each in listed] == [number.id]
        shown = await client.phone_numbers.retrieve(number.id)
        assert shown.data is not None
        assert shown.data.call_recording_enabled is True
    view = house.account.number(FIRST_NUMBER)
    assert view is not None
    assert view.voice.call_forwarding.forwards_to == "+13035559123"


async def test_an_order_buys_what_the_search_offers(house: House) -> None:
    async with house.client() as client:
        offered = await client.available_phone_numbers.list(
            filter={"country_code": "US", "national_destination_code": "303", "limit": 2, "features": ["voice"]}
        )
        assert offered.data is not None
        wanted = [each.phone_number for each in offered.data if each.phone_number]
        assert wanted == ["+13035550100", "+13035550101"]
        order = await client.number_orders.create(
            phone_numbers=[{"phone_number": number} for number in wanted],
            connection_id=TEXML_APPLICATION_ID,
            customer_reference="first",
        )
        assert order.data is not None
        assert order.data.id is not None
        assert (order.data.status, order.data.phone_numbers_count) == ("pending", 2)
        bought = house.account.number(wanted[0])
        assert bought is not None
        assert bought.connection_id == TEXML_APPLICATION_ID
        read = await client.number_orders.retrieve(order.data.id)
        assert read.data is not None
        assert read.data.status == "success"
        changed = await client.number_orders.update(order.data.id, customer_reference="second")
        assert changed.data is not None
        assert changed.data.customer_reference == "second"
        listed = await client.number_orders.list(
            filter={"status": "success", "customer_reference": "second", "created_at": {"gt": "2020-01-01"}}
        )
        assert [each.id async for each in listed] == [order.data.id]
        with pytest.raises(telnyx.UnprocessableEntityError):
            await client.number_orders.create(phone_numbers=[{"phone_number": wanted[0]}])
        again = await client.available_phone_numbers.list(
            filter={"national_destination_code": "303", "phone_number": {"starts_with": "303"}, "limit": 1}
        )
        assert again.data is not None
        assert [each.phone_number for each in again.data] == ["+13035550102"]

        number = house.account.owned(wanted[1])
        assert number is not None
        gone = await client.phone_numbers.delete(number.id)
        assert gone.data is not None
        assert gone.data.status == "deleted"
        assert house.account.number(wanted[1]) is None


@pytest.mark.parametrize(
    ("query", "first", "count"),
    [
        ("filter[country_code]=CA", "+14165550100", 100),
        ("filter[country_code]=GB&filter[phone_number_type]=mobile", "+447700900000", 100),
        ("filter[phone_number_type]=toll_free&filter[limit]=1", "+18005550100", 1),
        ("filter[phone_number][ends_with]=42&filter[locality]=Chicago", "+13125550142", 1),
        ("filter[administrative_area]=TX&filter[limit]=3", "+15125550100", 3),
        ("filter[country_code]=AQ", None, 0),
        ("filter[features]=voice,international_sms", None, 0),
    ],
)
async def test_what_is_for_sale(query: str, first: str | None, count: int, house: House) -> None:
    answer = (await house.ask("GET", f"/available_phone_numbers?{query}")).json()
    assert answer["meta"]["total_results"] == len(answer["data"]) == count
    assert (answer["data"][0]["phone_number"] if answer["data"] else None) == first


async def test_a_number_is_verified_by_its_code(house: House) -> None:
    async with house.client() as client:
        number = "+15551234567"
        asked = await client.verified_numbers.create(phone_number=number, verification_method="sms")
        assert asked.verification_method == "sms"
        assert [each async for each in await client.verified_numbers.list()] == []
        with pytest.raises(telnyx.BadRequestError):
            await client.verified_numbers.actions.submit_verification_code(number, verification_code="00000")
        verified = await client.verified_numbers.actions.submit_verification_code(
            number, verification_code="12345"
        )
        assert verified.data is not None
        assert verified.data.verified_at is not None
        assert (await client.verified_numbers.retrieve(number)).data == verified.data
        assert [each.phone_number async for each in await client.verified_numbers.list()] == [number]
        await client.verified_numbers.delete(number)
        with pytest.raises(telnyx.NotFoundError):
            await client.verified_numbers.retrieve(number)

"""Telnyx's own client, with strict validation of every answer, over the resources of an account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import telnyx
from telnyx import Telnyx

from simulator.telnyx.account.seed import (
    CALL_CONTROL_APPLICATION_ID,
    PROFILE_ID,
    TEXML_APPLICATION_ID,
)
from tests.simulator.account_house import KEY, House, served

HIDDEN = "********"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with served() as made:
        yield made


async def test_a_texml_application_is_created_read_changed_listed_and_deleted(house: House) -> None:
    async with house.client() as client:
        made = await client.texml_applications.with_raw_response.create(
            friendly_name="Agent",
            voice_url="https://agent.example/voice",
            outbound={"outbound_voice_profile_id": PROFILE_ID, "channel_limit": 3},
            inbound={"sip_subdomain": "agent"},
            tags=["a", "b"],
        )
        assert made.status_code == 201
        data = (await made.parse()).data
        assert data is not None
        assert data.id is not None
        assert len(data.id) == 19
        assert (data.record_type, data.voice_method, data.dtmf_type) == ("texml_application", "post", "RFC 2833")
        assert (data.first_command_timeout, data.first_command_timeout_secs) == (False, 30)
        assert data.inbound is not None
        assert data.inbound.sip_subdomain_receive_settings == "from_anyone"

        changed = await client.texml_applications.update(
            data.id, friendly_name="Agent 2", voice_url="https://agent.example/2", outbound={"channel_limit": 4}
        )
        assert changed.data is not None
        assert changed.data.outbound is not None
        assert changed.data.outbound.channel_limit == 4
        assert changed.data.outbound.outbound_voice_profile_id == PROFILE_ID
        assert changed.data.tags == ["a", "b"]
        assert changed.data.created_at == data.created_at

        found = await client.texml_applications.list(filter={"friendly_name": "GENT"}, sort="friendly_name")
        assert [each.id async for each in found] == [data.id]
        mine = await client.texml_applications.list(filter={"outbound_voice_profile_id": PROFILE_ID})
        assert [each.id async for each in mine] == [data.id, TEXML_APPLICATION_ID]

        gone = await client.texml_applications.delete(data.id)
        assert gone.data is not None
        assert gone.data.id == data.id
        with pytest.raises(telnyx.NotFoundError):
            await client.texml_applications.retrieve(data.id)


async def test_a_call_control_application_can_be_called_at_once(house: House) -> None:
    async with house.client() as client:
        made = await client.call_control_applications.create(
            application_name="Agent",
            webhook_event_url="https://agent.example/hook",
            webhook_event_failover_url="https://agent.example/other",
            webhook_api_version="2",
            webhook_timeout_secs=25,
            first_command_timeout=True,
            first_command_timeout_secs=10,
            outbound={"outbound_voice_profile_id": PROFILE_ID},
            inbound={"sip_subdomain": "Agent-1"},
            call_cost_in_webhooks=True,
        )
        assert made.data is not None
        assert made.data.id is not None
        view = house.account.application(made.data.id)
        assert view is not None
        assert (view.kind, view.webhook_event_url) == ("call_control", "https://agent.example/hook")
        assert view.webhook_event_failover_url == "https://agent.example/other"
        assert (view.first_command_timeout, view.first_command_timeout_secs) == (True, 10)
        assert (view.webhook_timeout_secs, view.call_cost_in_webhooks) == (25, True)
        assert house.account.by_sip_subdomain("agent-1") == view
        assert house.account.by_sip_subdomain("other") is None

        listed = await client.call_control_applications.list(
            filter={"application_name": {"contains": "sidetone"}, "product": "call_control"},
            sort="connection_name",
        )
        assert [each.id async for each in listed] == [CALL_CONTROL_APPLICATION_ID]
        await client.call_control_applications.update(
            made.data.id, application_name="Agent", webhook_event_url="https://agent.example/new", active=False
        )
        changed = house.account.application(made.data.id)
        assert changed is not None
        assert (changed.webhook_event_url, changed.active) == ("https://agent.example/new", False)
        await client.call_control_applications.delete(made.data.id)
        assert house.account.application(made.data.id) is None


async def test_a_voice_profile_counts_its_connections_and_is_seen_by_calls(house: House) -> None:
    async with house.client() as client:
        seeded = await client.outbound_voice_profiles.retrieve(PROFILE_ID)
        assert seeded.data is not None
        assert (seeded.data.connections_count, seeded.data.whitelisted_destinations) == (2, ["US", "CA"])
        made = await client.outbound_voice_profiles.with_raw_response.create(
            name="Europe",
            whitelisted_destinations=["DE", "FR"],
            concurrent_call_limit=7,
            max_destination_rate=0.5,
            daily_spend_limit="10.00",
            call_recording={"call_recording_type": "all"},
        )
        assert made.status_code == 200
        data = (await made.parse()).data
        assert data is not None
        assert data.id is not None
        assert (data.service_plan, data.traffic_type, data.usage_payment_method) == (
            "global",
            "conversational",
            "rate-deck",
        )
        view = house.account.profile(data.id)
        assert view is not None
        assert (view.whitelisted_destinations, view.concurrent_call_limit) == (("DE", "FR"), 7)
        await client.outbound_voice_profiles.update(
            data.id, name="Europe", concurrent_call_limit=None, enabled=False
        )
        view = house.account.profile(data.id)
        assert view is not None
        assert (view.concurrent_call_limit, view.enabled, view.max_destination_rate) == (None, False, 0.5)
        listed = await client.outbound_voice_profiles.list(filter={"name": {"contains": "eur"}}, sort="-name")
        assert [each.id async for each in listed] == [data.id]
        await client.outbound_voice_profiles.delete(data.id)
        with pytest.raises(telnyx.UnprocessableEntityError):
            await client.outbound_voice_profiles.delete(PROFILE_ID)


async def test_a_credential_connection_shows_its_password_only_to_who_sets_it(house: House) -> None:
    async with house.client() as client:
        made = await client.credential_connections.create(
            connection_name="Desk", user_name="desk12", password="a-long-password", tags=["desk"]
        )
        assert made.data is not None
        assert made.data.id is not None
        assert made.data.password == "a-long-password"
        assert made.data.inbound is not None
        assert made.data.inbound.codecs == ["G722", "G711U", "G711A", "G729", "OPUS", "H.264"]
        read = await client.credential_connections.retrieve(made.data.id)
        assert read.data is not None
        assert (read.data.password, read.data.user_name) == (HIDDEN, "desk12")
        renamed = await client.credential_connections.update(made.data.id, connection_name="Desk 2")
        assert renamed.data is not None
        assert renamed.data.password == HIDDEN
        rekeyed = await client.credential_connections.update(made.data.id, password="another-password")
        assert rekeyed.data is not None
        assert rekeyed.data.password == "another-password"
        assert "another" not in repr(house.account.connection(made.data.id))

        status = await client.credential_connections.actions.check_registration_status(made.data.id)
        assert status.data is not None
        assert (status.data.status, status.data.sip_username) == ("Not Registered", "desk12")
        with pytest.raises(telnyx.UnprocessableEntityError) as taken:
            await client.credential_connections.create(
                connection_name="Copy", user_name="DESK12", password="a-long-password"
            )
        assert "10012" in str(taken.value)
        listed = await client.credential_connections.list(filter={"connection_name": {"contains": "desk"}})
        assert [each.id async for each in listed] == [made.data.id]
        phone = await client.telephony_credentials.create(connection_id=made.data.id, name="Browser", tag="web")
        assert phone.data is not None
        assert phone.data.id is not None
        assert (phone.data.resource_id, phone.data.expired) == (f"connection:{made.data.id}", False)
        token = await client.telephony_credentials.create_token(phone.data.id)
        assert token.count(".") == 1
        late = await client.telephony_credentials.update(phone.data.id, expires_at="2020-01-01T00:00:00Z")
        assert late.data is not None
        assert late.data.expired is True
        expired = await client.telephony_credentials.list(filter={"status": "expired", "tag": "web"})
        assert [each.id async for each in expired] == [phone.data.id]
        assert (await client.telephony_credentials.retrieve(phone.data.id)).data == late.data

        await client.credential_connections.delete(made.data.id)
        with pytest.raises(telnyx.NotFoundError):
            await client.telephony_credentials.delete(phone.data.id)


async def test_an_fqdn_connection_has_authentication_and_fqdns(house: House) -> None:
    async with house.client() as client:
        made = await client.fqdn_connections.create(
            connection_name="LiveKit",
            transport_protocol="TCP",
            inbound={"ani_number_format": "+E.164", "dnis_number_format": "+e164", "sip_subdomain": "lk"},
            outbound={"outbound_voice_profile_id": PROFILE_ID},
        )
        assert made.data is not None
        connection = made.data.id
        assert connection is not None
        assert (made.data.password, made.data.user_name) == (None, None)
        changed = await client.fqdn_connections.fqdn_authentication.patch_all(
            connection,
            fqdn_outbound_authentication="credential-authentication",
            user_name="livekit1",
            password="a-long-password",
        )
        assert changed.data is not None
        assert (changed.data.password, changed.data.connection_id) == ("a-long-password", connection)
        read = await client.fqdn_connections.fqdn_authentication.list(connection)
        assert read.data is not None
        assert (read.data.password, read.data.user_name) == (HIDDEN, "livekit1")
        shown = await client.fqdn_connections.retrieve(connection)
        assert shown.data is not None
        assert (shown.data.password, shown.data.user_name) == (HIDDEN, "livekit1")
        await client.fqdn_connections.update(connection, connection_name="LiveKit 2")

        a = await client.fqdns.create(connection_id=connection, fqdn="x.sip.livekit.cloud", dns_record_type="a")
        assert a.data is not None
        assert a.data.id is not None
        assert a.data.port == 5060
        srv = await client.fqdns.create(
            connection_id=connection, fqdn="x.example", dns_record_type="srv", port=None
        )
        assert srv.data is not None
        assert srv.data.port is None
        with pytest.raises(telnyx.UnprocessableEntityError):
            await client.fqdns.create(connection_id=connection, fqdn="x.example", dns_record_type="srv")
        moved = await client.fqdns.update(a.data.id, port=5061)
        assert moved.data is not None
        assert moved.data.port == 5061
        turned = await client.fqdns.update(a.data.id, dns_record_type="srv")
        assert turned.data is not None
        assert turned.data.port is None
        found = await client.fqdns.list(filter={"connection_id": connection, "dns_record_type": "srv"})
        assert len([each async for each in found]) == 2
        assert (await client.fqdns.retrieve(a.data.id)).data == turned.data
        by_fqdn = await client.fqdn_connections.list(filter={"fqdn": "x.example"}, sort="active")
        assert [each.id async for each in by_fqdn] == [connection]
        await client.fqdns.delete(a.data.id)
        await client.fqdn_connections.delete(connection)
        assert [each async for each in await client.fqdns.list()] == []


async def test_ip_connections_and_their_addresses(house: House) -> None:
    async with house.client() as client:
        made = await client.ip_connections.create(connection_name="Trunk", transport_protocol="UDP")
        assert made.data is not None
        assert made.data.id is not None
        address = await client.ips.create(ip_address="192.0.2.7", connection_id=made.data.id)
        assert address.data is not None
        assert address.data.id is not None
        assert address.data.port == 5060
        moved = await client.ips.update(address.data.id, ip_address="192.0.2.7", port=5070)
        assert moved.data is not None
        assert (moved.data.port, moved.data.connection_id) == (5070, made.data.id)
        assert (await client.ips.retrieve(address.data.id)).data == moved.data
        listed = await client.ips.list(filter={"ip_address": "192.0.2.7", "port": 5070})
        assert [each.id async for each in listed] == [address.data.id]
        await client.ip_connections.update(made.data.id, active=False)
        read = await client.ip_connections.retrieve(made.data.id)
        assert read.data is not None
        assert (read.data.active, read.data.connection_name) == (False, "Trunk")
        assert [each.id async for each in await client.ip_connections.list()] == [made.data.id]
        await client.ips.delete(address.data.id)
        await client.ip_connections.delete(made.data.id)


async def test_connections_of_every_kind_are_read_together(house: House) -> None:
    async with house.client() as client:
        listed = [each async for each in await client.connections.list(sort="connection_name")]
        assert [each.record_type for each in listed] == ["call_control_application", "texml_application"]
        one = await client.connections.retrieve(TEXML_APPLICATION_ID)
        assert one.data is not None
        assert (one.data.connection_name, one.data.outbound_voice_profile_id) == ("Sidetone TeXML", PROFILE_ID)
        named = await client.connections.list(filter={"connection_name": {"contains": "control"}})
        assert [each.id async for each in named] == [CALL_CONTROL_APPLICATION_ID]
        counts = (await client.connections.retrieve_count()).data.counts
        assert (counts.texml_applications, counts.fqdn_connections) == (1, 0)


async def test_pages_follow_each_other(house: House) -> None:
    async with house.client() as client:
        for index in range(24):
            await client.outbound_voice_profiles.create(name=f"Profile {index:02}")
        first = await client.outbound_voice_profiles.list(sort="name")
        assert len(first.data) == 20
        assert first.meta is not None
        assert (first.meta.page_number, first.meta.total_pages) == (1, 2)
        names = [each.name async for each in await client.outbound_voice_profiles.list(sort="name", page_size=7)]
        assert names == [*(f"Profile {index:02}" for index in range(24)), "Sidetone"]
        newest = [each.name async for each in await client.outbound_voice_profiles.list()]
        assert newest[0] == "Profile 23"


async def test_who_the_account_is_and_what_it_has(house: House) -> None:
    async with house.client() as client:
        balance = (await client.balance.retrieve()).data
        assert balance is not None
        assert (balance.balance, balance.available_credit, balance.currency) == ("300.00", "400.00", "USD")
    answer = await house.ask("GET", "/whoami")
    assert answer.json()["data"]["organization_id"] == house.account.organization_id


async def test_the_client_that_blocks_works_too(house: House) -> None:
    def read() -> list[str | None]:
        with Telnyx(
            api_key=KEY, base_url=house.base_url, max_retries=0, _strict_response_validation=True
        ) as client:
            return [each.friendly_name for each in client.texml_applications.list()]

    assert await asyncio.to_thread(read) == ["Sidetone TeXML"]

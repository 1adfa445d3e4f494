"""What calls see of an account: one shape for connections of every kind."""

from __future__ import annotations

from simulator.telnyx.account.record import uuid_id
from simulator.telnyx.account.records.connections import (
    CredentialConnection,
    FqdnAuthentication,
    FqdnConnection,
    FqdnInbound,
    IpConnection,
)
from simulator.telnyx.account.records.credentials import TelephonyCredential
from simulator.telnyx.account.seed import (
    CALL_CONTROL_APPLICATION_ID,
    FIRST_NUMBER,
    PROFILE_ID,
    TEXML_APPLICATION_ID,
    fresh_account,
)
from simulator.telnyx.account.store import Account, now


def account_with_connections() -> Account:
    account = fresh_account()
    moment = now()
    account.credential_connections.put(
        CredentialConnection(
            id="1",
            created_at=moment,
            updated_at=moment,
            connection_name="Desk",
            user_name="Desk12",
            password="a-long-password",
            webhook_event_url="https://a.example",
            webhook_api_version="texml",
        )
    )
    account.fqdn_connections.put(
        FqdnConnection(
            id="2",
            created_at=moment,
            updated_at=moment,
            connection_name="Trunk",
            inbound=FqdnInbound(sip_subdomain="Trunk", sip_subdomain_receive_settings="only_my_connections"),
            authentication=FqdnAuthentication(id="3"),
        )
    )
    account.ip_connections.put(IpConnection(id="4", created_at=moment, updated_at=moment))
    account.telephony_credentials.put(
        TelephonyCredential(
            id=uuid_id(), created_at=moment, updated_at=moment, connection_id="1", sip_username="gencred1"
        )
    )
    return account


def test_a_fresh_account_can_make_a_call() -> None:
    account = fresh_account("https://bot.example/hook", "https://bot.example/voice")
    number = account.number(FIRST_NUMBER)
    assert number is not None
    assert number.connection_id == TEXML_APPLICATION_ID
    texml = account.application(TEXML_APPLICATION_ID)
    assert texml is not None
    assert (texml.kind, texml.voice_url, texml.voice_method) == ("texml", "https://bot.example/voice", "post")
    control = account.application(CALL_CONTROL_APPLICATION_ID)
    assert control is not None
    assert (control.kind, control.name) == ("call_control", "Sidetone Call Control")
    assert (control.webhook_event_url, control.webhook_api_version) == ("https://bot.example/hook", "2")
    profile = account.profile(control.outbound_voice_profile_id or "")
    assert profile is not None
    assert (profile.id, profile.whitelisted_destinations, profile.enabled) == (PROFILE_ID, ("US", "CA"), True)


def test_connections_of_every_kind_have_a_view() -> None:
    account = account_with_connections()
    kinds = {connection.id: account.application(connection.id) for connection in account.connections()}
    assert {each.kind for each in kinds.values() if each} == {"call_control", "texml", "credential", "fqdn", "ip"}
    desk = account.application("1")
    assert desk is not None
    assert (desk.webhook_event_url, desk.webhook_api_version) == ("https://a.example", "texml")
    assert account.application("nobody") is None
    assert account.number("+19999999999") is None
    assert account.profile("nobody") is None


def test_a_sip_subdomain_finds_its_connection() -> None:
    account = account_with_connections()
    trunk = account.by_sip_subdomain("trunk")
    assert trunk is not None
    assert (trunk.id, trunk.sip_subdomain_for_all) == ("2", False)
    assert account.by_sip_subdomain("") is None


def test_passwords_are_in_no_repr() -> None:
    account = account_with_connections()
    assert "password" not in repr(account.connection("1"))
    assert "password" not in repr(list(account.credential_connections))

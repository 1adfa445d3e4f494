"""Whole calls over the simulated SIP trunk, with a telephone made of aiosipua and aiortp."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiosipua import build_sdp, parse_sdp

from tests.simulator.sip_house import ORIGIN, Desk, desk_at
from tests.simulator.sip_phone import SipPhone, phone_at

CALLEE = "+15550100777"
NOBODY_TALKS = {"turns": [], "wait_for_greeting": False, "hang_up": False}
SPEAKS = {"turns": [{"user": "Hello, who is this?"}], "wait_for_greeting": False, "hang_up": False}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_at(tmp_path) as desk:
        yield desk


@pytest.fixture
async def phone(desk: Desk) -> AsyncIterator[SipPhone]:
    async with phone_at(desk) as phone:
        yield phone


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
async def test_both_hear_each_other(desk: Desk, phone: SipPhone, codec: str) -> None:
    await desk.at(CALLEE, SPEAKS)
    call = await phone.dial(CALLEE, codec=codec)
    await phone.until_voice(600)
    await phone.say(_tone(16_000 if codec == "G722" else 8000))
    call.hangup(phone.client)
    report = await desk.last_report()
    assert report["sip"]["codec"] == report["codec"] == codec
    assert report["heard_ms"] > 500
    assert report["frames_received"] >= 45
    assert report["lines"][0]["text"] == "Hello, who is this?"
    assert report["ended"] == {"cause": "normal_clearing", "source": "caller", "sip": "200"}


async def test_an_account_whose_telephone_speaks_another_codec(desk: Desk, phone: SipPhone) -> None:
    """The callee has an HD telephone, the caller offers narrowband only."""
    await desk.at(CALLEE, {**SPEAKS, "codec": "G722"})
    call = await phone.dial(CALLEE, codec="PCMA")
    await phone.until_voice(600)
    call.hangup(phone.client)
    report = await desk.last_report()
    assert (report["codec"], report["sip"]["codec"]) == ("G722", "PCMA")


async def test_keys_of_the_callee(desk: Desk, phone: SipPhone) -> None:
    await desk.at(CALLEE, {"turns": [{"dtmf": "12#*D"}], "wait_for_greeting": False, "hang_up": False})
    call = await phone.dial(CALLEE)
    await phone.until_keys("12#*D")
    call.hangup(phone.client)


async def test_keys_of_the_caller(desk: Desk, phone: SipPhone) -> None:
    await desk.at(CALLEE, NOBODY_TALKS)
    call = await phone.dial(CALLEE)
    assert phone.rtp is not None
    for number, digit in enumerate("5*A#"):
        phone.rtp.send_dtmf(digit, timestamp=number * 2000)
    async with asyncio.timeout(30):
        while (await desk.calls())[-1]["digits"] != "5*A#":
            await asyncio.sleep(0.02)
    call.hangup(phone.client)
    assert (await desk.last_report())["keys_heard"] == "5*A#"


async def test_answers_name_the_leg_of_the_call(desk: Desk, phone: SipPhone) -> None:
    await desk.at(CALLEE, NOBODY_TALKS)
    seen: list[Any] = []
    original = phone.client.handle_response
    phone.client.handle_response = lambda response, addr: (seen.append(response), original(response, addr))  # type: ignore[method-assign]
    call = await phone.dial(CALLEE)
    leg = desk.simulator.exchange.all_legs()[-1]
    for response in seen:
        if response.status_code in (180, 200):
            assert response.get_header("x-call_leg_id") == leg.facts.ids.call_leg_id
            assert response.get_header("x-call_session_id") == leg.facts.ids.call_session_id
    assert [response.status_code for response in seen] == [407, 100, 180, 200]
    assert seen[1].reason_phrase == "Telnyx Trying"
    call.hangup(phone.client)
    await desk.last_report()


async def test_the_callee_hangs_up(desk: Desk, phone: SipPhone) -> None:
    await desk.at(CALLEE, NOBODY_TALKS)
    await phone.dial(CALLEE)
    leg = desk.simulator.exchange.all_legs()[-1]
    leg.party_hangs_up()
    await asyncio.wait_for(phone.hung_up.wait(), 30)
    assert (await desk.last_report())["ended"]["source"] == "callee"


async def test_hold_and_resume(desk: Desk, phone: SipPhone) -> None:
    await desk.at(CALLEE, NOBODY_TALKS)
    call = await phone.dial(CALLEE)
    again: asyncio.Queue[Any] = asyncio.Queue()
    original = phone.client.handle_response
    phone.client.handle_response = lambda response, addr: (original(response, addr), again.put_nowait(response))  # type: ignore[method-assign]
    for ours, theirs, held in (("sendonly", "recvonly", True), ("sendrecv", "sendrecv", False)):
        offer = build_sdp("127.0.0.1", phone.media, 0, "PCMU", dtmf_payload_type=96)
        assert offer.audio is not None
        offer.audio.attributes.pop("sendrecv")
        offer.audio.attributes[ours] = []
        phone.client.send_reinvite(call.dialog, offer, call.remote_addr)
        response = await asyncio.wait_for(_final(again), 30)
        assert response.status_code == 200
        answer = parse_sdp(response.text)
        assert answer.audio is not None
        assert answer.audio.direction == theirs
        assert (await desk.calls())[-1]["sip"]["held"] is held
    sent = (await desk.calls())[-1]["frames_sent"]
    async with asyncio.timeout(30):
        while (await desk.calls())[-1]["frames_sent"] <= sent:
            await asyncio.sleep(0.02)
    call.hangup(phone.client)
    await desk.last_report()


async def test_ringing_that_is_heard(desk: Desk, phone: SipPhone) -> None:
    """A connection with generate_ringback_tone rings by 183 and early media."""
    desk.user, desk.password = await _connection(desk, generate_ringback_tone=True)
    await desk.at(CALLEE, {**NOBODY_TALKS, "answer_after_ms": 60_000})
    await phone.listen()
    call = await phone.invite(CALLEE)
    await phone.until_voice(400)
    call.cancel(phone.client)
    assert (await desk.last_report())["ended"]["cause"] == "originator_cancel"


async def test_a_second_call_when_one_is_allowed(desk: Desk, phone: SipPhone) -> None:
    desk.user, desk.password = await _connection(desk, channel_limit=1)
    await desk.at(CALLEE, {**NOBODY_TALKS, "answer_after_ms": 60_000})
    first = await phone.invite(CALLEE)
    async with asyncio.timeout(30):
        while not phone.rang:
            await asyncio.sleep(0.02)
    async with phone_at(desk) as other:
        with pytest.raises(RuntimeError, match="403 Connection channel limit exceeded D3"):
            await (await other.invite("+15550100778")).wait_answered(30)
    first.cancel(phone.client)
    await desk.last_report()


async def test_x_telnyx_username_says_which_connection_is_meant(desk: Desk, phone: SipPhone) -> None:
    """Where the address is that of an IP connection, calls without the header are that one's."""
    profile = (await desk.client.get("/v2/outbound_voice_profiles")).json()["data"][0]["id"]
    by_ip = await desk.make(
        "ip_connections", connection_name="Somebody", outbound={"outbound_voice_profile_id": profile}
    )
    await desk.make("ips", connection_id=by_ip["id"], ip_address="127.0.0.1")
    await desk.at(CALLEE, {**NOBODY_TALKS, "keep": True})
    own = desk.simulator.account.credential_connections
    expected = {False: by_ip["id"], True: next(iter(own)).id}
    for named, connection in expected.items():
        headers = {"X_Telnyx_Username": desk.user} if named else {}
        call = await phone.dial(CALLEE, **headers)
        assert desk.simulator.exchange.all_legs()[-1].facts.connection_id == connection
        call.hangup(phone.client)
        await desk.last_report()
        assert phone.rtp is not None
        await phone.rtp.close()


async def test_presets_that_refuse(desk: Desk, phone: SipPhone) -> None:
    refused = {
        "+15550102001": "403 User channel limit exceeded D1",
        "+15550102013": "403 Dialed number is not included in whitelisted countries D13",
        "+15550102051": "403 Unverified origination number D51",
        "+15550102402": "404 The account is blocked D19",
        "+442079460000": "403 Dialed number .* is not included in whitelisted countries US,CA D13",
    }
    for number, reason in refused.items():
        with pytest.raises(RuntimeError, match=reason):
            await (await phone.invite(number)).wait_answered(30)


async def test_who_calls_without_proof(desk: Desk, phone: SipPhone) -> None:
    with pytest.raises(RuntimeError, match="407"):
        await (await phone.invite(CALLEE, auth=False)).wait_answered(30)
    assert await desk.calls() == []


@pytest.mark.parametrize("origin", ["5550100000", "15550100000", ORIGIN])
async def test_formats_of_the_calling_number(desk: Desk, phone: SipPhone, origin: str) -> None:
    await desk.at(CALLEE, NOBODY_TALKS)
    call = await phone.dial(CALLEE, origin=origin)
    call.hangup(phone.client)
    assert (await desk.last_report())["from"] == ORIGIN


async def test_the_preferred_identity_goes_before_from(desk: Desk, phone: SipPhone) -> None:
    await desk.at(CALLEE, NOBODY_TALKS)
    call = await phone.dial(CALLEE, origin="livekit", P_Preferred_Identity=f"<sip:{ORIGIN}@127.0.0.1>")
    call.hangup(phone.client)
    assert (await desk.last_report())["from"] == ORIGIN


async def test_a_number_of_an_fqdn_connection_is_called_there(desk: Desk, phone: SipPhone) -> None:
    """As `sidetone setup livekit` and LiveKit's guide have it: number → FQDN connection → the FQDN."""
    connection = await desk.make(
        "fqdn_connections",
        connection_name="LiveKit",
        transport_protocol="TCP",
        inbound={"ani_number_format": "+E.164", "dnis_number_format": "+e164"},
    )
    await desk.make(
        "fqdns", connection_id=connection["id"], fqdn="127.0.0.1", dns_record_type="a", port=phone.port
    )
    call = await desk.place({"connection_id": connection["id"], "script": SPEAKS})
    answered = await phone.answer()
    assert answered.caller == "sip:+15550100123@sip.telnyx.com"
    assert answered.callee.startswith("sip:+15550100000@127.0.0.1")
    leg = desk.simulator.exchange.find(call)
    assert leg is not None
    assert answered.x_headers["X-Call_leg_id"] == leg.facts.ids.call_leg_id
    assert answered.x_headers["X-Call_session_id"] == leg.facts.ids.call_session_id
    await phone.until_voice(600)
    await phone.say(_tone(8000))
    answered.hangup()
    report = await desk.report(call)
    assert report["ended"] == {"cause": "normal_clearing", "source": "callee", "sip": "200"}
    assert report["heard_ms"] > 500


async def test_a_call_that_is_handed_over(desk: Desk, phone: SipPhone) -> None:
    """REFER by the side that was called, as LiveKit transfers a caller: the caller hears the other one."""
    progress: asyncio.Queue[int] = asyncio.Queue()
    phone.server.on_transfer_progress = lambda _call, status, _reason: progress.put_nowait(status)
    second = {"turns": [{"user": "Second desk speaking."}], "wait_for_greeting": False, "answer_timeout_ms": 500}
    await desk.at("+15550100888", second)
    target = {"address": f"127.0.0.1:{phone.port}", "transport": "tcp"}
    call = await desk.place({"sip": target, "script": {**NOBODY_TALKS, "max_seconds": 60}})
    answered = await phone.answer()
    refer = answered.dialog.create_request("REFER", via_host="127.0.0.1", via_port=phone.port, via_transport="TCP")
    refer.headers.set_single("Refer-To", "<tel:+15550100888>")
    phone.transport.send(refer, answered.source_addr)
    assert await asyncio.wait_for(progress.get(), 30) == 100
    assert await asyncio.wait_for(progress.get(), 30) == 200
    answered.hangup()
    report = await desk.report(call)
    assert report["sip"]["transferred_to"] == "+15550100888"
    assert report["heard_ms"] > 300
    assert report["ended"]["cause"] == "normal_clearing"


@pytest.mark.parametrize(("to", "status"), [("sip:+15550101486@x", 486), ("tel:112", 404)])
async def test_a_hand_over_that_fails(desk: Desk, phone: SipPhone, to: str, status: int) -> None:
    progress: asyncio.Queue[int] = asyncio.Queue()
    phone.server.on_transfer_progress = lambda _call, now, _reason: progress.put_nowait(now)
    await desk.at(CALLEE, NOBODY_TALKS)
    call = await phone.dial(CALLEE)
    phone.client.send_refer(call.dialog, to, call.remote_addr)
    assert await asyncio.wait_for(progress.get(), 30) == 100
    assert await asyncio.wait_for(progress.get(), 30) == status
    assert desk.simulator.exchange.all_legs()[0].hangup is None
    call.hangup(phone.client)
    await desk.report((await desk.calls())[0]["call_control_id"])


async def test_a_second_hand_over_while_the_first_rings(desk: Desk, phone: SipPhone) -> None:
    """Nobody else is rung."""
    progress: asyncio.Queue[int] = asyncio.Queue()
    phone.server.on_transfer_progress = lambda _call, now, _reason: progress.put_nowait(now)
    await desk.at(CALLEE, NOBODY_TALKS)
    await desk.at("+15550100888", {**NOBODY_TALKS, "answer_after_ms": 60_000})
    call = await phone.dial(CALLEE)
    for number in ("+15550100888", "+15550100889"):
        phone.client.send_refer(call.dialog, f"sip:{number}@x", call.remote_addr)
    assert [await asyncio.wait_for(progress.get(), 30) for _ in range(3)] == [100, 100, 491]
    assert [leg["to"] for leg in await desk.calls()] == [CALLEE, "+15550100888"]
    call.hangup(phone.client)
    await desk.report((await desk.calls())[0]["call_control_id"])


async def test_nobody_listens_at_the_address(desk: Desk) -> None:
    call = await desk.place({"sip": {"address": "127.0.0.1:9", "transport": "tcp"}, "script": SPEAKS})
    report = await desk.report(call)
    assert report["ended"]["sip"] == "503"
    assert "Nobody was called at 127.0.0.1:9" in report["warnings"][0]


@pytest.mark.parametrize(
    "address", ["192.0.2.1:5060", "127.0.0.1", "127.0.0.1:0", "sip:127.0.0.1:5060", "x" * 300]
)
async def test_addresses_that_are_not_called(desk: Desk, address: str) -> None:
    refused = await desk.client.post("/sim/calls", json={"sip": {"address": address}})
    assert refused.status_code == 422
    assert "host:port of this machine" in refused.json()["error"]["message"]


async def test_a_bad_line(desk: Desk, phone: SipPhone) -> None:
    await desk.at(CALLEE, {"script": NOBODY_TALKS, "faults": {"one_way": "to_agent"}})
    call = await phone.dial(CALLEE)
    await phone.say(_tone(8000))
    call.hangup(phone.client)
    report = await desk.last_report()
    assert report["heard_ms"] > 500
    assert report["frames_sent"] > 0
    assert phone.heard == []


async def _final(responses: asyncio.Queue[Any]) -> Any:
    while True:
        response = await responses.get()
        if response.status_code >= 200:
            return response


async def _connection(desk: Desk, **outbound: Any) -> tuple[str, str]:
    """A credential connection of the account: its user and password."""
    profile = (await desk.client.get("/v2/outbound_voice_profiles")).json()["data"][0]["id"]
    user, password = "frontdesk1", "correct-horse-battery"
    await desk.make(
        "credential_connections",
        connection_name="Front desk",
        user_name=user,
        password=password,
        outbound={"outbound_voice_profile_id": profile, **outbound},
    )
    return user, password


def _tone(rate: int) -> Any:
    """One second."""
    return (8000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.int16)

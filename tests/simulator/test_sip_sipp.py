"""The simulated SIP trunk as sipp meets it: an independent SIP client and server, over UDP and TCP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.sip_house import Desk, desk_at, need_sipp

CALLEE = "+15550100777"
LISTENS = {"turns": [{"user": "Hello, who is this?"}], "wait_for_greeting": False, "hang_up": False}
SAYS_ONE_LINE = {
    "turns": [{"user": "Wrong number."}],
    "wait_for_greeting": False,
    "answer_timeout_ms": 500,
    "hang_up": True,
}
RINGS = {"turns": [], "answer_after_ms": 60_000}
REFUSED = {
    "+15550101486": (486, "user_busy"),
    "+15550101603": (603, "call_rejected"),
    "+15550101404": (404, "not_found"),
    "+15550101480": (480, "no_answer"),
    "+15550101503": (503, "unspecified"),
}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    need_sipp()
    async with desk_at(tmp_path) as desk:
        yield desk


@pytest.fixture(params=["u1", "t1"], ids=["udp", "tcp"])
def transport(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize("number", REFUSED)
async def test_refusals_of_a_number(desk: Desk, number: str) -> None:
    status, cause = REFUSED[number]
    await desk.sipp("refused", "-s", number, CODE=str(status))
    ended: dict[str, Any] = (await desk.last_report())["ended"]
    assert (ended["cause"], ended["sip"]) == (cause, str(status))


async def test_an_answered_call_with_audio_both_ways(desk: Desk, transport: str) -> None:
    await desk.at(CALLEE, LISTENS)
    await desk.sipp("answered", "-s", CALLEE, "-rtp_echo", "-t", transport, PAUSE="2500")
    report = await desk.last_report()
    assert report["ended"] == {"cause": "normal_clearing", "source": "caller", "sip": "200"}
    assert report["from"] == "+15550100000"
    # sipp sends back what it hears: the callee hears its own line.
    assert report["heard_ms"] > 500
    assert report["sip"]["codec"] == "PCMU"
    assert report["sip"]["status"] == 200


async def test_the_callee_hangs_up(desk: Desk, transport: str) -> None:
    await desk.at(CALLEE, SAYS_ONE_LINE)
    await desk.sipp("hears_out", "-s", CALLEE, "-t", transport)
    assert (await desk.last_report())["ended"] == {"cause": "normal_clearing", "source": "callee", "sip": "200"}


async def test_a_call_that_is_given_up(desk: Desk, transport: str) -> None:
    await desk.at(CALLEE, RINGS)
    await desk.sipp("cancelled", "-s", CALLEE, "-t", transport)
    report = await desk.last_report()
    assert report["ended"] == {"cause": "originator_cancel", "source": "caller", "sip": "487"}


async def test_a_wrong_password(desk: Desk) -> None:
    await desk.sipp("refused", "-s", CALLEE, CODE="403", PASSWORD="guessed-it")
    assert await desk.calls() == []


async def test_numbers_that_telnyx_does_not_take(desk: Desk) -> None:
    await desk.sipp("refused", "-s", "777", CODE="403")
    await desk.sipp("refused", "-s", CALLEE, CODE="403", ORIGIN="+15550109999")
    await desk.sipp("refused", "-s", CALLEE, CODE="403", ORIGIN="anonymous")
    assert await desk.calls() == []


async def test_a_caller_is_brought_to_a_sip_address(desk: Desk, transport: str) -> None:
    script = {"turns": [{"user": "Can you hear me?"}], "wait_for_greeting": False, "answer_timeout_ms": 2000}
    async with desk.running("callee_answers", "-rtp_echo", "-t", transport) as port:
        call = await desk.place(_to(port, transport, script))
        report = await desk.report(call)
    assert report["ended"] == {"cause": "normal_clearing", "source": "caller", "sip": "200"}
    assert report["heard_ms"] > 300
    assert report["sip"]["status"] == 200


@pytest.mark.parametrize(
    ("status", "cause"),
    [("486 Busy Here", "user_busy"), ("603 Decline", "call_rejected"), ("404 Gone", "not_found")],
)
async def test_a_callee_refuses(desk: Desk, status: str, cause: str) -> None:
    code, _, reason = status.partition(" ")
    async with desk.running("callee_refuses", STATUS=status) as port:
        report = await desk.report(await desk.place(_to(port, "u1")))
    assert report["ended"] == {"cause": cause, "source": "callee", "sip": code}
    assert (report["sip"]["status"], report["sip"]["reason"]) == (int(code), reason)


async def test_a_caller_who_does_not_wait(desk: Desk, transport: str) -> None:
    async with desk.running("callee_rings", "-t", transport) as port:
        call = await desk.place(_to(port, transport))
        # The callee's scenario goes on when it is cancelled, which is only possible once it has rung.
        await _ringing(desk, call)
        (await desk.client.delete(f"/sim/calls/{call}")).raise_for_status()
        report = await desk.report(call)
    assert report["ended"] == {"cause": "originator_cancel", "source": "caller", "sip": "487"}


def _to(port: int, transport: str, script: dict[str, Any] | None = None) -> dict[str, Any]:
    address = {"address": f"127.0.0.1:{port}", "transport": "udp" if transport == "u1" else "tcp"}
    return {"sip": address, "script": script or {"turns": []}}


async def _ringing(desk: Desk, call: str) -> None:
    async with asyncio.timeout(30):
        while (await desk.client.get(f"/sim/calls/{call}")).json()["sip"].get("status") != 180:
            await asyncio.sleep(0.05)

"""The trunk as a caller, met by a callee that answers by hand, message by message, over UDP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiosipua import SipMessage, SipRequest

from tests.simulator.sip_house import Desk, desk_at

NOBODY_TALKS = {"turns": [], "wait_for_greeting": False, "hang_up": False}


class Callee(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.requests: asyncio.Queue[tuple[SipRequest, tuple[str, int]]] = asyncio.Queue()

    async def open(self) -> Callee:
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port: int = self.transport.get_extra_info("sockname")[1]
        return self

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = SipMessage.parse(data)
        if isinstance(message, SipRequest):
            self.requests.put_nowait((message, addr))

    async def next(self, method: str) -> SipRequest:
        """The next request of that method; others before it are passed over."""
        async with asyncio.timeout(30):
            while True:
                request, self.caller = await self.requests.get()
                if request.method == method:
                    return request

    def answer(self, request: SipRequest, status: str, method: str = "", body: str = "") -> None:
        copied = [f"{name}: {value}" for name in ("Via", "From", "Call-ID") for value in request.headers.get(name)]
        number = request.cseq.seq if request.cseq else 1
        lines = [
            f"SIP/2.0 {status}",
            *copied,
            f"To: {request.headers.get_first('to')};tag=callee",
            f"CSeq: {number} {method or request.method}",
            f"Contact: <sip:desk@127.0.0.1:{self.port}>",
            "Content-Type: application/sdp" if body else "Subject: none",
            f"Content-Length: {len(body)}",
        ]
        self.transport.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), self.caller)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_at(tmp_path) as desk:
        yield desk


@pytest.fixture
async def callee() -> AsyncIterator[Callee]:
    callee = await Callee().open()
    yield callee
    callee.transport.close()


async def called(desk: Desk, callee: Callee) -> tuple[str, SipRequest]:
    call = await desk.place({"sip": {"address": f"127.0.0.1:{callee.port}"}, "script": NOBODY_TALKS})
    return call, await callee.next("INVITE")


async def test_an_invite_is_repeated_until_it_is_answered(desk: Desk, callee: Callee) -> None:
    call, invite = await called(desk, callee)
    again = await callee.next("INVITE")
    assert bytes(again) == bytes(invite)
    callee.answer(again, "503 Service Unavailable")
    await callee.next("ACK")
    assert (await desk.report(call))["ended"] == {"cause": "unspecified", "source": "unknown", "sip": "503"}


async def test_a_refusal_that_comes_again_is_acknowledged_again(desk: Desk, callee: Callee) -> None:
    call, invite = await called(desk, callee)
    for _ in range(2):
        callee.answer(invite, "486 Busy Here")
        ack = await callee.next("ACK")
        assert ack.via[0].branch == invite.via[0].branch
        assert ack.to_addr is not None
        assert ack.to_addr.tag == "callee"
    assert (await desk.report(call))["ended"]["sip"] == "486"


async def test_an_answer_that_crosses_the_cancel_is_hung_up(desk: Desk, callee: Callee) -> None:
    call, invite = await called(desk, callee)
    callee.answer(invite, "180 Ringing")
    (await desk.client.delete(f"/sim/calls/{call}")).raise_for_status()
    cancel = await callee.next("CANCEL")
    callee.answer(cancel, "200 OK")
    callee.answer(invite, "200 OK", "INVITE")
    ack = await callee.next("ACK")
    assert ack.uri == f"sip:desk@127.0.0.1:{callee.port}"
    # Of an answer it is a transaction of its own.
    assert ack.via[0].branch != invite.via[0].branch
    bye = await callee.next("BYE")
    assert bye.uri == f"sip:desk@127.0.0.1:{callee.port}"
    callee.answer(bye, "200 OK")
    assert (await desk.report(call))["ended"]["cause"] == "originator_cancel"


@pytest.mark.parametrize(
    ("audio", "warning"),
    [
        ("4000 RTP/AVP 18", "none of PCMU, PCMA and G722"),
        ("none RTP/AVP 0", "without a session description"),
        ("65535 RTP/AVP 0", "does not say where its audio goes"),
    ],
)
async def test_an_answer_that_nobody_can_play(desk: Desk, callee: Callee, audio: str, warning: str) -> None:
    call, invite = await called(desk, callee)
    assert "100rel" not in invite.headers.get("supported")
    callee.answer(invite, "200 OK", body=f"v=0\r\nc=IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio {audio}\r\n")
    await callee.next("ACK")
    callee.answer(await callee.next("BYE"), "200 OK")
    report = await desk.report(call)
    assert report["ended"]["sip"] == "488"
    assert warning in report["warnings"][0]


async def test_a_callee_that_says_nothing(desk: Desk, callee: Callee) -> None:
    connection = await desk.make(
        "fqdn_connections",
        connection_name="Silent",
        transport_protocol="UDP",
        inbound={"timeout_1xx_secs": 1},
    )
    await desk.make(
        "fqdns", connection_id=connection["id"], fqdn="127.0.0.1", dns_record_type="a", port=callee.port
    )
    call = await desk.place({"connection_id": connection["id"], "script": NOBODY_TALKS})
    report = await desk.report(call)
    assert report["ended"] == {"cause": "no_answer", "source": "callee", "sip": "408"}
    assert "Nothing answered" in report["warnings"][0]

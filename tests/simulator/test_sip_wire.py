"""What the simulated trunk does with single SIP messages: repeats, refusals, and bytes that make no sense."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.simulator.sip_house import ORIGIN, Desk, desk_at

CALLEE = "+15550100777"
RINGS = {"turns": [], "answer_after_ms": 60_000}
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_at(tmp_path) as desk:
        yield desk


class Udp(asyncio.DatagramProtocol):
    """A socket that keeps what arrives."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[str] = asyncio.Queue()

    async def open(self, port: int) -> Udp:
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=("127.0.0.1", port))
        self.port: int = self.transport.get_extra_info("sockname")[1]
        return self

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.arrived.put_nowait(data.decode())

    def error_received(self, exc: Exception) -> None:
        raise exc

    def send(self, message: str | bytes) -> None:
        self.transport.sendto(message if isinstance(message, bytes) else message.encode())

    async def next(self) -> str:
        return await asyncio.wait_for(self.arrived.get(), 30)


@pytest.fixture
async def udp(desk: Desk) -> AsyncIterator[Udp]:
    udp = await Udp().open(desk.port)
    yield udp
    udp.transport.close()


def message(
    method: str, port: int, call: str = "one@test", *, body: str = SDP, sequence: str = "1", **more: str
) -> str:
    headers = {
        "Via": f"SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{call}-{sequence};rport",
        "From": f"<sip:{ORIGIN}@127.0.0.1>;tag=abc",
        "To": f"<sip:{CALLEE}@127.0.0.1>",
        "Call-ID": call,
        "CSeq": f"{sequence} {method}",
        "Contact": f"<sip:me@127.0.0.1:{port}>",
        "Max-Forwards": "70",
        "Content-Type": "application/sdp",
        "Content-Length": str(len(body)),
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    lines = [
        f"{method} sip:{CALLEE}@127.0.0.1 SIP/2.0",
        *(f"{name}: {value}" for name, value in headers.items() if value),
    ]
    return "\r\n".join(lines) + "\r\n\r\n" + body


def first_line(answer: str) -> str:
    return answer.partition("\r\n")[0].removeprefix("SIP/2.0 ")


async def by_address(desk: Desk) -> None:
    """From now on calls from this machine need no password."""
    profile = (await desk.client.get("/v2/outbound_voice_profiles")).json()["data"][0]["id"]
    made = await desk.make(
        "ip_connections", connection_name="Own", outbound={"outbound_voice_profile_id": profile}
    )
    await desk.make("ips", connection_id=made["id"], ip_address="127.0.0.1")


async def test_a_refusal_is_repeated_until_it_is_acknowledged(desk: Desk, udp: Udp) -> None:
    udp.send(message("INVITE", udp.port))
    first = await udp.next()
    assert first_line(first) == "407 Proxy Authentication Required"
    assert f";rport={udp.port}" in first
    assert await udp.next() == first
    udp.send(
        message("ACK", udp.port, body="", Via=f"SIP/2.0/UDP 127.0.0.1:{udp.port};branch=z9hG4bK-one@test-1;rport")
    )
    udp.send(message("OPTIONS", udp.port, "two@test", body=""))
    assert first_line(await udp.next()) == "200 OK"


async def test_a_repeated_request_gets_the_same_answer(desk: Desk, udp: Udp) -> None:
    await by_address(desk)
    await desk.at(CALLEE, RINGS)
    invite = message("INVITE", udp.port)
    udp.send(invite)
    assert first_line(await udp.next()) == "100 Telnyx Trying"
    ringing = await udp.next()
    assert first_line(ringing) == "180 Ringing"
    udp.send(invite)
    assert await udp.next() == ringing
    assert len(await desk.calls()) == 1
    udp.send(message("CANCEL", udp.port, body=""))
    assert {first_line(await udp.next()), first_line(await udp.next())} == {"200 OK", "487 Request Terminated"}
    assert (await desk.last_report())["ended"]["sip"] == "487"


async def ringing(desk: Desk, udp: Udp) -> str:
    """A call that rings; the tag of its callee."""
    await by_address(desk)
    await desk.at(CALLEE, RINGS)
    udp.send(message("INVITE", udp.port))
    assert first_line(await udp.next()) == "100 Telnyx Trying"
    answer = await udp.next()
    assert first_line(answer) == "180 Ringing"
    return _tag(answer)


async def answered(desk: Desk, udp: Udp, **more: str) -> str:
    """A call that is answered and not acknowledged yet; the tag of its callee."""
    await by_address(desk)
    await desk.at(CALLEE, {"turns": [], "wait_for_greeting": False, "hang_up": False})
    udp.send(message("INVITE", udp.port, **more))
    while first_line(answer := await udp.next()) != "200 OK":
        pass
    return _tag(answer)


def _tag(answer: str) -> str:
    (to,) = (line for line in answer.splitlines() if line.startswith("To:"))
    return to.partition(";tag=")[2]


def _within(tag: str) -> dict[str, str]:
    return {"To": f"<sip:{CALLEE}@127.0.0.1>;tag={tag}"}


async def test_an_invite_within_a_call_that_is_not_there(desk: Desk, udp: Udp) -> None:
    await by_address(desk)
    udp.send(message("INVITE", udp.port, **_within("made-up")))
    assert first_line(await udp.next()) == "481 Call/Transaction Does Not Exist"
    assert await desk.calls() == []


async def test_an_invite_within_a_call_that_rings(desk: Desk, udp: Udp) -> None:
    """It has to come later, and the call rings on."""
    tag = await ringing(desk, udp)
    udp.send(message("INVITE", udp.port, sequence="2", **_within(tag)))
    refused = await udp.next()
    assert first_line(refused) == "500 Server Internal Error"
    assert "Retry-After: 1" in refused
    udp.send(message("ACK", udp.port, sequence="2", body="", **_within(tag)))
    udp.send(message("CANCEL", udp.port, body=""))
    assert {first_line(await udp.next()), first_line(await udp.next())} == {"200 OK", "487 Request Terminated"}


async def test_a_bye_before_the_answer_ends_the_invite_as_well(desk: Desk, udp: Udp) -> None:
    tag = await ringing(desk, udp)
    udp.send(message("BYE", udp.port, sequence="2", body="", **_within(tag)))
    assert {first_line(await udp.next()), first_line(await udp.next())} == {"200 OK", "487 Request Terminated"}
    assert (await desk.last_report())["ended"]["cause"] == "originator_cancel"


async def test_a_cancel_after_the_answer_changes_nothing(desk: Desk, udp: Udp) -> None:
    tag = await answered(desk, udp)
    udp.send(message("CANCEL", udp.port, body=""))
    while first_line(answer := await udp.next()) == "200 OK":
        assert "CSeq: 1 INVITE" in answer
    assert first_line(answer).startswith("481")
    udp.send(message("ACK", udp.port, body="", **_within(tag)))
    assert (await desk.calls())[-1]["state"] == "answered"
    udp.send(message("BYE", udp.port, sequence="2", body="", **_within(tag)))
    assert (await desk.last_report())["ended"] == {"cause": "normal_clearing", "source": "caller", "sip": "200"}


async def test_an_invite_within_a_call_that_offers_nothing_is_answered_with_an_offer(desk: Desk, udp: Udp) -> None:
    tag = await answered(desk, udp)
    udp.send(message("ACK", udp.port, body="", **_within(tag)))
    udp.send(message("INVITE", udp.port, sequence="2", body="", **_within(tag)))
    while "CSeq: 2 INVITE" not in (answer := await udp.next()):
        pass
    assert first_line(answer) == "200 OK"
    assert "a=rtpmap:0 PCMU/8000" in answer


@pytest.mark.parametrize("where", ["IP4 audio.example.com", "IP6 ::1", "IP4 1.2.3"])
async def test_audio_that_is_wanted_where_none_can_be_sent(desk: Desk, udp: Udp, where: str) -> None:
    await by_address(desk)
    udp.send(message("INVITE", udp.port, body=SDP.replace("IP4 127.0.0.1\r\nt=", f"{where}\r\nt=")))
    assert first_line(await udp.next()) == "100 Telnyx Trying"
    assert first_line(await udp.next()) == "488 Not Acceptable Here"
    assert (await desk.last_report())["ended"]["sip"] == "488"


async def test_an_extension_that_the_trunk_has_not(desk: Desk, udp: Udp) -> None:
    await by_address(desk)
    udp.send(message("INVITE", udp.port, Require="timer, 100rel"))
    refused = await udp.next()
    assert first_line(refused) == "420 Bad Extension"
    assert "Unsupported: timer, 100rel" in refused


async def test_a_second_call_with_the_id_of_one_that_is_up(desk: Desk, udp: Udp) -> None:
    await by_address(desk)
    await desk.at(CALLEE, {**RINGS, "keep": True})
    udp.send(message("INVITE", udp.port))
    assert first_line(await udp.next()) == "100 Telnyx Trying"
    assert first_line(await udp.next()) == "180 Ringing"
    udp.send(message("INVITE", udp.port, sequence="7"))
    assert first_line(await udp.next()) == "482 Loop Detected"
    assert len(await desk.calls()) == 1


@pytest.mark.parametrize(
    ("more", "answer"),
    [
        ({"CSeq": "one INVITE"}, "400"),
        ({"CSeq": ""}, "400"),
        ({"Call_ID": ""}, "400"),
        ({"body": SDP.replace("40000", "nowhere")}, "400"),
        ({"body": SDP.replace("RTP/AVP 0 101", "RTP/AVP 18 101")}, "488"),
        ({"body": SDP.replace("m=audio", "m=video")}, "488"),
        ({"body": SDP.replace("RTP/AVP", "RTP/SAVP")}, "488"),
        ({"body": ""}, "488"),
        ({"Content_Type": "text/plain"}, "488"),
        ({"From": "<sip:;;;>;tag=1"}, "403"),
    ],
)
async def test_messages_that_make_no_sense(desk: Desk, udp: Udp, more: dict[str, str], answer: str) -> None:
    await by_address(desk)
    udp.send(message("INVITE", udp.port, **more))
    lines = [first_line(await udp.next())]
    if lines == ["100 Telnyx Trying"]:
        lines.append(first_line(await udp.next()))
    assert lines[-1].startswith(answer)
    assert await desk.calls() == []


async def test_requests_outside_of_any_call(desk: Desk, udp: Udp) -> None:
    for method, answer in (("BYE", "481"), ("REGISTER", "405"), ("UPDATE", "481"), ("REFER", "481")):
        udp.send("\r\n\r\n" + message(method, udp.port, f"{method}@test", body=""))
        said = await udp.next()
        assert first_line(said).startswith(answer)
        assert ("Allow: INVITE, ACK, BYE" in said) == (answer == "405")


async def test_bytes_of_all_kinds(desk: Desk, udp: Udp, caplog: pytest.LogCaptureFixture) -> None:
    """Thousands of broken messages on both transports, past the password as well: the trunk goes on, quietly."""
    await by_address(desk)
    await desk.at(CALLEE, {"preset": "busy", "keep": True})
    random_bytes = random.Random(7)
    caplog.set_level(logging.WARNING, "simulator")
    for number in range(1500):
        udp.send(_broken(message("INVITE", udp.port, f"{number}@fuzz").encode(), random_bytes))
        if number % 50 == 0:
            await asyncio.sleep(0)
    for number in range(20):
        _reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
        writer.write(_broken(message("INVITE", udp.port, f"{number}@tcp").encode(), random_bytes))
        writer.close()
    other = await Udp().open(desk.port)
    other.send(b"\r\n\r\n")
    other.send(b"")
    other.send(message("OPTIONS", other.port, "after@fuzz", body=""))
    assert first_line(await other.next()) == "200 OK"
    other.transport.close()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_stranger_on_tcp_who_says_nothing(desk: Desk) -> None:
    """Half a message, and a body that never comes, keep nobody else waiting."""
    half = [await asyncio.open_connection("127.0.0.1", desk.port) for _ in range(20)]
    for _reader, writer in half:
        writer.write(b"INVITE sip:x SIP/2.0\r\nContent-Length: 900000\r\n\r\n")
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
    writer.write(message("OPTIONS", 5, body="").encode())
    assert (await asyncio.wait_for(reader.readline(), 30)) == b"SIP/2.0 200 OK\r\n"
    for _reader, other in [*half, (reader, writer)]:
        other.close()


def test_the_port_is_of_this_machine_only(tmp_path: Path) -> None:
    from simulator.settings import Settings, SettingsError

    with pytest.raises(SettingsError):
        Settings(data_dir=tmp_path, host="0.0.0.0", sip_port=0)
    for host in ("::1", "localhost"):
        with pytest.raises(SettingsError, match="IPv4 only"):
            Settings(data_dir=tmp_path, host=host, sip_port=0)
    with pytest.raises(SettingsError, match="--sip-port must be between"):
        Settings(data_dir=tmp_path, sip_port=70_000)


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    from simulator.server import Simulator
    from simulator.settings import Settings, SettingsError

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        simulator = Simulator(Settings(port=0, data_dir=tmp_path, sip_port=port))
        with pytest.raises(SettingsError, match="choose another with --sip-port"):
            await simulator.start()
        await simulator.stop()


def _broken(whole: bytes, chance: random.Random) -> bytes:
    """One of: a byte changed, a piece doubled, dropped or replaced with noise, or nothing but noise."""
    start, end = sorted((chance.randrange(len(whole)), chance.randrange(len(whole))))
    end = min(end, start + 60)
    match chance.randrange(5):
        case 0:
            return whole[:start] + bytes([chance.randrange(256)]) + whole[start + 1 :]
        case 1:
            return whole[:end] + whole[start:]
        case 2:
            return whole[:start] + whole[end:]
        case 3:
            return whole[:start] + chance.randbytes(end - start) + whole[end:]
        case _:
            return chance.randbytes(start)

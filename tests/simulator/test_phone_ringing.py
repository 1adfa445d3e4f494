"""A softphone that is dialled by an application: it rings until somebody decides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulator.server import Simulator
from simulator.telnyx.calls.outgoing import Originator
from simulator.telnyx.requests.dial import parse_dial
from tests.simulator.call_house import FROM, Line
from tests.simulator.conftest import Bot
from tests.simulator.phone_house import SoftPhone, noise, softphone

NUMBER = "+15550100661"
HD = {
    "stream_codec": "L16",
    "stream_bidirectional_mode": "rtp",
    "stream_bidirectional_codec": "L16",
    "stream_bidirectional_sampling_rate": 16_000,
    "stream_bidirectional_target_legs": "self",
}


async def rung(line: Line, phone: SoftPhone, count: int = 1, **more: Any) -> str:
    """The id of a call that rings at the phone."""
    call = await line.place(NUMBER, **more)
    ringing = await phone.until("ringing", count)
    assert ringing == {"type": "ringing", "call_control_id": call, "from_number": FROM, "to_number": NUMBER}
    return call


async def hangup(line: Line, call: str) -> tuple[str, str, str]:
    payload = await line.event("call.hangup", call)
    return payload["hangup_cause"], payload["hangup_source"], payload["sip_hangup_cause"]


async def test_accepted_and_talked_and_hung_up(simulator: Simulator, line: Line, bot: Bot) -> None:
    said = noise(0.4, 16_000)
    async with softphone(simulator) as phone:
        await phone.register(NUMBER)
        call = await rung(line, phone, stream_url=bot.stream_url, **HD, extra_body={"unheard_of": 1})
        assert "call.answered" not in line.events(call)
        await phone.send("accept")
        answered = await phone.until("answered")
        assert (answered["codec"], answered["rate"]) == ("G722", 16_000)
        stream = await bot.streams.get()
        await phone.speak(said, 16_000)
        await stream.play(said.tobytes())
        await phone.until_heard(said)
        await phone.send("hang_up")
        ended = await phone.until("ended")
        assert await hangup(line, call) == ("normal_clearing", "callee", "200")

    assert ended == {
        "type": "ended", "call_control_id": call, "cause": "normal_clearing", "source": "callee", "message": "",
    }  # fmt: skip
    report = await line.report(call)
    assert "unheard_of" in report["warnings"][0]
    assert report["heard_ms"] >= 400
    assert report["microphone"]["late"] == 0


async def test_declined_is_busy_and_the_phone_is_free_for_the_next(simulator: Simulator, line: Line) -> None:
    async with softphone(simulator) as phone:
        await phone.register(NUMBER)
        for count, way in enumerate(("decline", "hang_up"), 1):
            call = await rung(line, phone, count)
            await phone.send(way)
            assert await hangup(line, call) == ("user_busy", "callee", "486")
            ended = await phone.until("ended", count)
            assert (ended["cause"], ended["source"]) == ("user_busy", "callee")
            assert "call.answered" not in line.events(call)


async def test_not_answered_until_the_dial_gives_up(simulator: Simulator, line: Line, bot: Bot) -> None:
    request = parse_dial(
        {"connection_id": line.application, "from": FROM, "to": NUMBER, "webhook_url": f"{bot.url}/webhooks"}
    )
    async with softphone(simulator) as phone:
        await phone.register(NUMBER)
        leg = Originator(simulator.exchange).dial(replace(request, timeout_secs=1))
        ended = await phone.until("ended")
        assert (ended["call_control_id"], ended["cause"], ended["source"]) == (leg.id, "timeout", "caller")
        assert await hangup(line, leg.id) == ("timeout", "caller", "487")
        await phone.send("accept")
        assert (await phone.until("refused"))["message"] == "Nobody calls: there is nothing to accept."


async def test_the_application_gives_up(simulator: Simulator, line: Line) -> None:
    async with softphone(simulator) as phone:
        await phone.register(NUMBER)
        call = await rung(line, phone)
        await line.client.calls.actions.hangup(call)
        assert (await phone.until("ended"))["cause"] == "originator_cancel"


async def test_a_phone_that_vanishes(simulator: Simulator, line: Line) -> None:
    """In the middle of a call, and while it rings; then its number is anybody's again."""
    async with softphone(simulator) as phone:
        await phone.register(NUMBER)
        call = await rung(line, phone)
        await phone.send("accept")
        await phone.until("answered")
        phone.socket.transport.abort()
        assert await hangup(line, call) == ("normal_clearing", "callee", "200")
    async with softphone(simulator) as phone:
        await phone.register(NUMBER)
        call = await rung(line, phone)
        phone.socket.transport.abort()
        assert await hangup(line, call) == ("no_answer", "callee", "480")
    assert simulator.exchange.answerer_at(NUMBER).decide is None


async def test_one_call_at_a_time(simulator: Simulator, line: Line, bot: Bot) -> None:
    async with softphone(simulator) as phone:
        await phone.register(NUMBER)
        first = await rung(line, phone)
        second = await line.place(NUMBER)
        assert await hangup(line, second) == ("user_busy", "callee", "486")
        await phone.send("accept")
        await phone.until("answered")
        await phone.send("dial", order={"stream_url": bot.stream_url})
        refused = await phone.until("refused")
        await line.client.calls.actions.hangup(first)
        await phone.until("ended")

    assert (refused["of"], refused["message"]) == ("dial", "The phone is in a call: hang up first.")
    assert len(phone.of("ringing")) == len(phone.of("ended")) == 1


async def test_the_later_of_two_phones_at_a_number_is_refused(simulator: Simulator, line: Line) -> None:
    async with softphone(simulator) as first, softphone(simulator) as second:
        await first.register(NUMBER)
        await second.send("register", number=NUMBER)
        refused = await second.until("refused")
        assert (refused["of"], refused["message"]) == (
            "register",
            f"Another phone is registered at {NUMBER}: close it or choose another number.",
        )
        await first.register("+15550100662")
        await second.register(NUMBER)
        await rung(line, second)
    assert first.of("ringing") == []


async def test_the_first_of_two_numbers_that_ring_takes_the_call(simulator: Simulator, line: Line) -> None:
    async with softphone(simulator) as phone:
        await phone.register(NUMBER)
        await line.client.calls.dial(connection_id=line.application, from_=FROM, to=[NUMBER, "+15550101001"])
        await phone.until("ringing")
        assert (await phone.until("ended"))["cause"] == "originator_cancel"


async def test_texml_dials_a_phone(simulator: Simulator, line: Line, bot: Bot) -> None:
    """From the leg of a scripted caller; a narrow line, and the bridge between both."""
    bot.texml = f"<Response><Dial><Number>{NUMBER}</Number></Dial></Response>"
    async with softphone(simulator) as phone:
        await phone.register(NUMBER)
        await line.order(
            {
                "texml_url": f"{bot.url}/texml",
                "script": {"turns": [], "wait_for_greeting": False, "hang_up": False},
            }
        )
        await phone.until("ringing")
        await phone.send("accept")
        assert (await phone.until("answered"))["codec"] == "PCMU"
        await phone.send("hang_up")
        assert (await phone.until("ended"))["source"] == "callee"

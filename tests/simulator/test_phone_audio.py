"""A softphone that dials in: what its microphone says is on the media stream, what is played there in its ear."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from simulator.audio import Samples, alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from simulator.phone.messages import EAR
from simulator.server import Simulator
from tests.simulator.codec_house import above_4_khz, decoded, track
from tests.simulator.conftest import Bot, Stream
from tests.simulator.media_house import similarity, speech
from tests.simulator.phone_house import SoftPhone, frames_missing, noise, softphone

WIDE = {"codec": "L16", "send_codec": "L16", "rate": 16_000}


def as_heard(samples: Samples, codec: str) -> Samples:
    match codec:
        case "PCMU":
            return ulaw_decode(ulaw_encode(samples))
        case "PCMA":
            return alaw_decode(alaw_encode(samples))
        case _:
            return samples


def frames(stream: Stream, codec: str) -> list[Samples]:
    return [decoded(codec, [payload])[0] for payload in track(stream, "inbound")]


async def dial_in(phone: SoftPhone, bot: Bot, **order: Any) -> Stream:
    await phone.send("dial", order=order)
    await phone.until("answered")
    return await bot.streams.get()


@pytest.mark.parametrize(
    ("codec", "stream", "rate"),
    [
        ("PCMU", {}, 8000),
        ("PCMA", {"codec": "PCMA", "send_codec": "PCMA"}, 8000),
        ("L16", WIDE, 16_000),
    ],
)
async def test_both_directions_arrive_sample_by_sample(
    simulator: Simulator, bot: Bot, codec: str, stream: dict[str, Any], rate: int
) -> None:
    said, answer = noise(0.6, rate), as_heard(noise(0.6, rate, seed=2), codec)
    async with softphone(simulator) as phone:
        opened = await dial_in(phone, bot, codec=codec, stream={"url": bot.stream_url, **stream})
        assert {name: phone.of("answered")[0][name] for name in ("codec", "rate")} == {
            "codec": codec,
            "rate": rate,
        }
        encode = {"PCMU": ulaw_encode, "PCMA": alaw_encode}.get(codec, lambda samples: samples.tobytes())
        talking = asyncio.create_task(phone.speak(said, rate))
        await opened.play(encode(answer))
        await phone.until_heard(answer)
        await talking
        sent = len(opened.of("media"))
        await opened.until("media", sent + 5)
        await phone.send("hang_up")
        ended = await phone.until("ended")

    assert frames_missing(frames(opened, codec), as_heard(said, codec)) <= 2
    assert (ended["cause"], ended["source"], ended["message"]) == ("normal_clearing", "caller", "")
    assert {head[:3] for head in phone.heads} == {(EAR, 0, rate // 100)}
    assert [head[3] for head in phone.heads] == sorted(head[3] for head in phone.heads)


async def test_a_phone_for_hd_says_what_no_narrow_line_carries(simulator: Simulator, bot: Bot) -> None:
    """Named by nobody, the codec is what the stream asks for: G.722 for wideband both ways."""
    said = speech(0.8, 16_000) + noise(0.8, 16_000) // 8
    async with softphone(simulator) as phone:
        opened = await dial_in(phone, bot, stream={"url": bot.stream_url, **WIDE})
        assert (phone.of("answered")[0]["codec"], phone.of("answered")[0]["rate"]) == ("G722", 16_000)
        await phone.speak(said, 16_000)
        await opened.play(said.tobytes())
        await opened.until("media", len(opened.of("media")) + 45)

    heard = np.concatenate([part for part in frames(opened, "L16") if part.any()])
    assert above_4_khz(heard, 16_000) > -20
    ear = np.concatenate([part for part in phone.ear if part.any()])
    assert similarity(ear, said, 0)[0] > 60


async def test_a_microphone_that_stutters_is_heard_whole(simulator: Simulator, bot: Bot) -> None:
    """Five frames at a time, and none for 200 ms: the buffer becomes as deep as that needs, once."""
    said = noise(1.2, 8000)
    async with softphone(simulator) as phone:
        opened = await dial_in(phone, bot, stream_url=bot.stream_url)
        await phone.speak(said, 8000, at_once=5)
        await opened.until("media", len(opened.of("media")) + 10)
        stats = await phone.until("stats")

    heard = frames(opened, "PCMU")
    assert frames_missing(heard, as_heard(said, "PCMU")) <= 2
    spoken = [bool(part.any()) for part in heard]
    first, last = spoken.index(True), len(spoken) - spoken[::-1].index(True)
    assert spoken[first:last].count(False) <= 10
    assert stats["jitter_ms"] > 1


async def test_keys_go_both_ways(simulator: Simulator, bot: Bot) -> None:
    async with softphone(simulator) as phone:
        opened = await dial_in(phone, bot, stream_url=bot.stream_url)
        await phone.send("key", digit="4")
        await phone.send("key", digit="#")
        await opened.until("dtmf", 2)
        assert [frame["dtmf"]["digit"] for frame in opened.of("dtmf")] == ["4", "#"]
        leg = simulator.exchange.find(phone.of("dialling")[0]["call_control_id"])
        assert leg is not None
        leg.key_arrives("9")
        assert (await phone.until("key"))["digit"] == "9"


async def test_a_call_by_texml_with_the_line_of_its_order(
    simulator: Simulator, bot: Bot, tmp_path: Any, tone_wav: bytes
) -> None:
    """Faults, noise and a recording are those of any other caller."""
    bot.texml = f'<Response><Connect><Stream url="{bot.stream_url}"/></Connect></Response>'
    (tmp_path / "hum.wav").write_bytes(tone_wav)
    async with softphone(simulator) as phone:
        await phone.register("+15550100555")
        opened = await dial_in(
            phone,
            bot,
            texml_url=f"{bot.url}/texml",
            to="+15550100001",
            faults={"loss": 0.5, "seed": 3},
            noise={"file": str(tmp_path / "hum.wav"), "snr_db": 10},
            record=str(tmp_path / "calls"),
        )
        await opened.until("media", 12)
        await phone.send("hang_up")
        await phone.until("ended")
    call = phone.of("dialling")[0]

    assert (call["from_number"], call["to_number"]) == ("+15550100555", "+15550100001")
    chunks = [int(frame["media"]["timestamp"]) // 20 for frame in opened.of("media")]
    assert len(chunks) < chunks[-1]
    assert all(part.any() for part in frames(opened, "PCMU"))
    leg = simulator.exchange.find(call["call_control_id"])
    assert leg is not None
    await leg.over.wait()
    assert leg.report()["noise"]["file"] == "hum.wav"
    assert len(list((tmp_path / "calls").glob("*.wav"))) == 1


async def test_the_phone_learns_why_a_call_went_wrong(simulator: Simulator, bot: Bot) -> None:
    bot.statuses["/texml"] = 500
    async with softphone(simulator) as phone:
        await phone.send("dial", order={"texml_url": "http://127.0.0.1:9/texml"})
        ended = await phone.until("ended")
        assert "http://127.0.0.1:9/texml" in ended["message"]
        await phone.send("dial", order={"stream_url": bot.stream_url})
        assert (await phone.until("answered"))["rate"] == 8000


async def test_giving_up_before_the_answer(simulator: Simulator, bot: Bot, application: str) -> None:
    async with softphone(simulator) as phone:
        await phone.send("dial", order={"connection_id": application})
        await bot.until_event("call.initiated")
        await phone.send("hang_up")
        ended = await phone.until("ended")
        hangup = (await bot.until_event("call.hangup"))[-1].event["payload"]

    assert (ended["cause"], ended["source"]) == ("originator_cancel", "caller")
    assert (hangup["hangup_cause"], hangup["sip_hangup_cause"]) == ("originator_cancel", "487")
    assert phone.ear == []

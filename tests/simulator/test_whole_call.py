"""A spoken call: what the caller says crosses the wire as audio, and so does what the bot answers."""

from __future__ import annotations

import base64
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from simulator.audio import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode

pytestmark = pytest.mark.skipif(find_spec("espeakng_loader") is None, reason="espeak-ng is not installed")

CALLER, CLINIC = "+15550100021", "+15550100022"
TONE = (4000 * np.sin(np.arange(2400) * 2 * np.pi * 440 / 8000)).astype(np.int16)
"""300 ms that stand for the bot's voice."""


def audio(stream: Any, decode: Any) -> np.ndarray:
    return decode(b"".join(base64.b64decode(frame["media"]["payload"]) for frame in stream.of("media")))


async def until_quiet(stream: Any, decode: Any, said: int) -> None:
    """Wait until the caller has spoken `said` times and been quiet for 300 ms."""
    bursts = quiet = seen = 0
    while bursts < said or quiet < 15:
        seen += 1
        frame = (await stream.until("media", seen))[seen - 1]
        loud = np.abs(decode(base64.b64decode(frame["media"]["payload"])).astype(int)).max() > 500
        bursts += bool(loud and (quiet >= 15 or seen == 1 or bursts == 0))
        quiet = 0 if loud else quiet + 1


@pytest.mark.parametrize(
    ("codec", "encode", "decode"), [("PCMU", ulaw_encode, ulaw_decode), ("PCMA", alaw_encode, alaw_decode)]
)
async def test_the_caller_speaks_listens_and_hangs_up(simulator, control, bot, codec, encode, decode):
    async def answer(stream: Any) -> None:
        await stream.play(encode(TONE))
        for turn in (1, 2):
            await until_quiet(stream, decode, turn)
            await stream.play(encode(TONE))

    bot.on_stream = answer
    bot.texml = (
        f'<Response><Connect><Stream url="{bot.stream_url}" bidirectionalMode="rtp" bidirectionalCodec="{codec}"/>'
        "</Connect></Response>"
    )
    script = {
        "turns": [{"user": "Hello there."}, {"user": "Goodbye now.", "pause_ms": 100}],
        "patience_ms": 300,
        "codec": codec,
    }
    called = await control.post(
        "/calls", json={"from": CALLER, "to": CLINIC, "texml_url": f"{bot.url}/texml", "script": script}
    )
    stream = await bot.streams.get()
    await stream.closed.wait()
    report = (await control.get(f"/calls/{called.json()['call_control_id']}")).json()

    assert report["warnings"] == []
    assert report["ended"] == {"cause": "normal_clearing", "source": "caller", "sip": "200"}
    first, second = report["lines"]
    assert first["answered"]
    assert second["answered"]
    assert first["heard_ms"] == second["heard_ms"] == 300
    assert report["heard_ms"] == 900
    assert first["started_ms"] < first["ended_ms"] < second["started_ms"] < second["ended_ms"]
    assert first["answer_after_ms"] > 0
    assert not first["cut_in"]

    heard = audio(stream, decode)
    spoken = await simulator.speech.synthesiser.speak("Hello there.", sample_rate=8000)
    padded = np.zeros(-(-len(spoken.samples) // 160) * 160, np.int16)
    padded[: len(spoken.samples)] = spoken.samples
    said = decode(encode(padded))
    begin = int(np.flatnonzero(np.abs(heard) > 100)[0]) - int(np.flatnonzero(np.abs(said) > 100)[0])
    np.testing.assert_array_equal(heard[begin : begin + len(said)], said)


async def test_the_caller_cuts_in(simulator, control, bot):
    async def talk(stream: Any) -> None:
        await stream.play(ulaw_encode(np.tile(TONE, 60)))
        await until_quiet(stream, ulaw_decode, 1)
        await stream.send({"event": "clear"})

    bot.on_stream = talk
    bot.texml = f'<Response><Connect><Stream url="{bot.stream_url}" bidirectionalMode="rtp"/></Connect></Response>'
    script = {
        "turns": [{"user": "Stop.", "send_after": {"event": "bot_started_speaking", "delay_ms": 300}}],
        "patience_ms": 300,
        "answer_timeout_ms": 500,
    }
    called = await control.post(
        "/calls", json={"from": CALLER, "to": CLINIC, "texml_url": f"{bot.url}/texml", "script": script}
    )
    report = (await control.get(f"/calls/{called.json()['call_control_id']}", params={"wait_ms": 30_000})).json()
    line = report["lines"][0]
    assert line["cut_in"]
    assert not line["answered"]
    assert report["heard_ms"] < 10_000
    assert report["ended"]["source"] == "caller"


async def test_a_voice_espeak_does_not_have_is_named(simulator, control, bot):
    bot.texml = f'<Response><Connect><Stream url="{bot.stream_url}"/></Connect></Response>'
    script = {"turns": [{"user": "Hello."}], "voice": "xx-nobody"}
    called = await control.post(
        "/calls", json={"from": CALLER, "to": CLINIC, "texml_url": f"{bot.url}/texml", "script": script}
    )
    report = (await control.get(f"/calls/{called.json()['call_control_id']}", params={"wait_ms": 30_000})).json()
    assert "cannot speak" in report["warnings"][0]
    assert bot.to("/texml") == []

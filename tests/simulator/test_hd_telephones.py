"""HD voice: an application that asks for wideband both ways gets a caller who speaks it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.asyncio.client import connect

from simulator.audio import Samples
from simulator.telnyx.media.options import StreamOptions
from tests.simulator.call_house import Line, streams_of
from tests.simulator.codec_house import above_4_khz, decoded, stereo, track, wav_of
from tests.simulator.conftest import Bot, Stream

pytestmark = pytest.mark.skipif(find_spec("espeakng_loader") is None, reason="espeak-ng is not installed")

HD = {
    "stream_codec": "L16",
    "stream_bidirectional_mode": "rtp",
    "stream_bidirectional_codec": "L16",
    "stream_bidirectional_sampling_rate": 16_000,
}
SAYS = {"turns": [{"user": "Six fresh fish."}], "wait_for_greeting": False, "answer_timeout_ms": 1000}


async def heard(stream: Stream, codec: str) -> tuple[Samples, int]:
    """All that the caller said in a call that ends by itself."""
    await stream.closed.wait()
    return decoded(codec, track(stream, "inbound"))


@pytest.mark.parametrize(
    ("codec", "mode", "send_codec", "rate", "telephone"),
    [
        ("L16", "rtp", "L16", 16_000, "G722"),
        ("L16", "rtp", "L16", 8000, "PCMU"),
        ("L16", "rtp", "PCMU", 8000, "PCMU"),
        ("L16", "mp3", "L16", 16_000, "PCMU"),
        ("PCMU", "rtp", "L16", 24_000, "PCMU"),
        ("G722", "rtp", "G722", 8000, "G722"),
        ("OPUS", "rtp", "G722", 8000, "G722"),
        ("L16", "rtp", "OPUS", 8000, "PCMU"),
        (None, "rtp", "G722", 8000, "PCMU"),
    ],
)
def test_a_telephone_is_wideband_where_both_directions_are(
    codec: Any, mode: Any, send_codec: Any, rate: int, telephone: str
) -> None:
    options = StreamOptions("ws://x", codec=codec, mode=mode, send_codec=send_codec, rate=rate)
    assert options.telephone == telephone


async def test_a_dial_for_hd_is_answered_in_hd_and_recorded_so(line: Line, bot: Bot, tmp_path: Path) -> None:
    """Beside one for the narrow band, and one whose telephone names its codec."""
    numbers = {"+15550100701": HD, "+15550100702": {}, "+15550100703": HD}
    calls = []
    for number, asked in numbers.items():
        named = {"codec": "PCMU"} if number.endswith("3") else {}
        await line.at(number, {"script": {**SAYS, **named}, "record": str(tmp_path)})
        calls.append(await line.place(number, stream_url=bot.stream_url, **asked))
    streams = await streams_of(bot, 3)
    hd, narrow, named = [streams[call] for call in calls]

    assert hd.of("start")[0]["start"]["media_format"] == {"encoding": "L16", "sample_rate": 16_000, "channels": 1}
    assert above_4_khz(*await heard(hd, "L16")) > -25
    assert narrow.of("start")[0]["start"]["media_format"]["encoding"] == "PCMU"
    await narrow.closed.wait()
    assert above_4_khz(*await heard(named, "L16")) < -45

    reports = [await line.report(call) for call in calls]
    assert [report["codec"] for report in reports] == ["G722", "PCMU", "PCMU"]
    assert [report["warnings"] for report in reports] == [[], [], []]
    answered = await line.event("call.answered", calls[0])
    assert (answered["codec"], answered["sampling_rate"]) == ("G722", 8000)
    rates = [stereo(next(tmp_path.glob(f"*-{call[-8:]}.wav")))[2] for call in calls]
    assert rates == [16_000, 8000, 8000]
    left, _, rate = stereo(next(tmp_path.glob(f"*-{calls[0][-8:]}.wav")))
    assert above_4_khz(left, rate) > -25


async def test_a_recording_is_played_in_its_own_band(control: httpx.AsyncClient, bot: Bot, tmp_path: Path) -> None:
    """A straight stream in HD: a tone of 6 kHz comes through from a file at 16 kHz."""
    times = np.arange(16_000) / 16_000
    tone = (8000 * np.sin(2 * np.pi * 6000 * times)).astype(np.int16)
    path = tmp_path / "tone.wav"
    path.write_bytes(wav_of(tone, 16_000))
    stream = {"url": bot.stream_url, "codec": "L16", "send_codec": "L16", "rate": 16_000}
    placed = await control.post("/calls", json={"wav": str(path), "stream": stream})
    call = placed.json()["call_control_id"]
    opened = (await streams_of(bot, 1))[call]
    await opened.until("media", 70)
    await control.delete(f"/calls/{call}")
    samples, rate = await heard(opened, "L16")

    assert above_4_khz(samples, rate) > -1


async def test_deepgram_speaks_wideband_when_it_is_asked_to(simulator: Any) -> None:
    url = f"{simulator.environment['DEEPGRAM_BASE_URL']}/v1/speak?encoding=linear16&sample_rate=16000"
    async with connect(url, additional_headers={"Authorization": "Token simulated"}, proxy=None) as socket:
        await socket.send('{"type":"Speak","text":"Six fresh fish."}')
        await socket.send('{"type":"Flush"}')
        audio = b""
        async for message in socket:
            if isinstance(message, bytes):
                audio += message
            elif "Flushed" in message:
                break

    assert above_4_khz(np.frombuffer(audio, np.int16), 16_000) > -25

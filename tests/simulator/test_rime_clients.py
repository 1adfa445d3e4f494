"""Rime's stand-in judged by the clients that agents use: Pipecat's services and LiveKit's plugin, as they are."""

from __future__ import annotations

from typing import Any

import aiohttp
import numpy as np
import pytest

from simulator.rime.catalogue import espeak_voice
from tests.simulator.rime_house import speaks, spoken

# Over ws3 both clients take the `done` after the first sentence for the end, unless the second is there by then.
SENTENCES = (
    "Hello, this is the front desk of the clinic, and it is a pleasure to hear you. ",
    "How are you today? ",
)


async def through_pipecat(service: Any) -> tuple[bytes, list[Any]]:
    """What an answer of two sentences becomes: its sound, and all frames, down and up."""
    from pipecat.frames.frames import (
        LLMFullResponseEndFrame,
        LLMFullResponseStartFrame,
        LLMTextFrame,
        TTSAudioRawFrame,
    )
    from pipecat.tests.utils import run_test

    texts = [LLMTextFrame(sentence) for sentence in SENTENCES]
    frames = [LLMFullResponseStartFrame(), *texts, LLMFullResponseEndFrame()]
    down, up = await run_test(service, frames_to_send=frames, start_timeout=30)
    return b"".join(frame.audio for frame in down if isinstance(frame, TTSAudioRawFrame)), [*down, *up]


def pipecats(simulator: Any, voice: str) -> Any:
    """Pipecat's service for ws3."""
    from pipecat.services.rime.tts import RimeTTSService

    return RimeTTSService(
        api_key="simulated",
        url=f"{simulator.environment['RIME_BASE_URL']}/ws3",
        sample_rate=8000,
        settings=RimeTTSService.Settings(voice=voice, model="coda"),
    )


@speaks
async def test_pipecats_service_speaks_and_knows_its_words(simulator):
    from pipecat.frames.frames import TTSStoppedFrame, TTSTextFrame

    audio, frames = await through_pipecat(pipecats(simulator, "astra"))
    # One breath or two: that depends on when the second sentence comes.
    assert abs(len(audio) // 2 - len(await spoken(simulator, "".join(SENTENCES)))) < 8000 * 0.4
    words = " ".join(frame.text for frame in frames if isinstance(frame, TTSTextFrame))
    assert words.split() == "".join(SENTENCES).split()
    assert any(isinstance(frame, TTSStoppedFrame) for frame in frames)


@speaks
async def test_pipecats_service_reports_an_unknown_voice(simulator):
    audio, frames = await through_pipecat(pipecats(simulator, "nobody"))
    assert not audio
    assert any("Speaker 'nobody' doesn't match" in str(getattr(frame, "error", "")) for frame in frames)


@speaks
async def test_pipecats_http_service_speaks(simulator):
    from pipecat.services.rime.tts import RimeHttpTTSService

    async with aiohttp.ClientSession() as session:
        settings = RimeHttpTTSService.Settings(voice="cove", model="mistv3")
        service = RimeHttpTTSService(
            api_key="simulated", aiohttp_session=session, sample_rate=16000, settings=settings
        )
        # It has no setting for the address.
        service._base_url = f"{simulator.url}/v1/rime-tts"
        audio, _ = await through_pipecat(service)
    samples = await spoken(simulator, SENTENCES[0].strip(), "cove", 16000)
    assert samples.tobytes()[1000:2000] in audio


@speaks
@pytest.mark.parametrize("protocol", ["binary", "json"])
async def test_pipecats_v1_service_speaks(simulator, protocol):
    from pipecat.frames.frames import TTSStoppedFrame
    from pipecat.services.rime.tts_v1 import RimeV1TTSService

    service = RimeV1TTSService(
        api_key="simulated",
        websocket_url=f"{simulator.environment['RIME_BASE_URL']}/ws",
        websocket_protocol=protocol,
        sample_rate=8000,
        settings=RimeV1TTSService.Settings(voice="astra", model="coda", language="en", time_scale_factor=0.8),
    )
    audio, frames = await through_pipecat(service)
    for sentence in SENTENCES:
        assert (await spoken(simulator, sentence, wpm=206)).tobytes()[1000:2000] in audio
    assert sum(isinstance(frame, TTSStoppedFrame) for frame in frames) == 1


async def through_livekit(tts: Any, options: Any = None) -> np.ndarray:
    """What an answer of two sentences becomes, as int16 samples."""
    found = []
    how = {} if options is None else {"conn_options": options}
    try:
        if tts.capabilities.streaming:
            async with tts.stream(**how) as stream:
                for sentence in SENTENCES:
                    stream.push_text(sentence)
                stream.end_input()
                found = [audio.frame async for audio in stream]
        else:
            async with tts.synthesize("".join(SENTENCES), **how) as chunks:
                found = [audio.frame async for audio in chunks]
    finally:
        await tts.aclose()
    return np.concatenate([np.frombuffer(frame.data, np.int16) for frame in found])


@speaks
@pytest.mark.parametrize("how", ["http", "ws3", "v1 binary", "v1 json", "v1 mulaw"])
async def test_livekits_plugin_speaks_every_way_it_can(simulator, how):
    from livekit.plugins import rime

    base = simulator.environment["RIME_BASE_URL"]
    asked: dict[str, dict[str, Any]] = {
        "http": {"base_url": f"{simulator.url}/v1/rime-tts"},
        "ws3": {"base_url": base, "use_websocket": True},
        "v1 binary": {"websocket_url": f"{base}/ws"},
        "v1 json": {"websocket_url": f"{base}/ws", "websocket_protocol": "json"},
        "v1 mulaw": {"websocket_url": f"{base}/ws", "audio_format": "audio/pcmu"},
    }
    async with aiohttp.ClientSession() as session:
        samples = await through_livekit(
            rime.TTS(
                model="coda", speaker="lyra", sample_rate=8000, api_key="x", http_session=session, **asked[how]
            )
        )
    expected = await simulator.speech.synthesiser.speak(
        "".join(SENTENCES), voice=espeak_voice("lyra"), sample_rate=8000
    )
    # The plugin cuts sentences as it likes; how much is said does not depend on it, but for the pause between two.
    assert abs(len(samples) - len(expected.samples)) < 8000 * 0.4
    assert np.abs(samples).max() > 3000


@speaks
async def test_livekits_plugin_is_told_what_is_wrong(simulator):
    from livekit.agents import APIConnectOptions, APIStatusError
    from livekit.plugins import rime

    once = APIConnectOptions(max_retry=0, timeout=30)
    async with aiohttp.ClientSession() as session:
        tts = rime.TTS(
            base_url=f"{simulator.url}/v1/rime-tts",
            model="coda",
            speaker="nobody",
            api_key="x",
            http_session=session,
        )
        with pytest.raises(APIStatusError) as refused:
            await through_livekit(tts, once)
        assert refused.value.status_code == 400
        tts = rime.TTS(
            websocket_url=f"{simulator.environment['RIME_BASE_URL']}/ws",
            model="coda",
            speaker="nobody",
            api_key="x",
            http_session=session,
        )
        with pytest.raises(APIStatusError) as refused:
            await through_livekit(tts, once)
        assert refused.value.status_code == 400

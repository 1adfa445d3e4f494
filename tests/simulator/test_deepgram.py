"""Streaming text to speech, on the bare socket and by Pipecat's service."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from simulator.audio import alaw_encode, ulaw_encode
from simulator.deepgram.voices import espeak_voice
from simulator.speech.sentences import split_sentences
from simulator.speech.synthesiser import CALLER_VOICE

speaks = pytest.mark.skipif(find_spec("espeakng_loader") is None, reason="espeak-ng is not installed")


def open_speak(
    simulator: Any, query: str = "", key: str | None = "Token simulated", open_timeout: float = 10
) -> connect:
    return connect(
        f"{simulator.environment['DEEPGRAM_BASE_URL']}/v1/speak?{query}",
        additional_headers={} if key is None else {"Authorization": key},
        proxy=None,
        compression=None,
        open_timeout=open_timeout,
    )


async def send(socket: ClientConnection, kind: str, **more: Any) -> None:
    await socket.send(json.dumps({"type": kind, **more}))


async def until(socket: ClientConnection, kind: str) -> tuple[bytes, dict[str, Any]]:
    """The audio up to a message of one kind, and that message."""
    audio = b""
    while True:
        message = await socket.recv()
        if isinstance(message, bytes):
            audio += message
        elif json.loads(message)["type"] == kind:
            return audio, json.loads(message)


@speaks
@pytest.mark.parametrize(
    ("encoding", "rate", "encode"),
    [
        ("linear16", 24000, lambda samples: samples.tobytes()),
        ("linear16", 8000, lambda samples: samples.tobytes()),
        ("mulaw", 8000, ulaw_encode),
        ("alaw", 8000, alaw_encode),
    ],
)
async def test_sentences_are_spoken_as_they_come_and_the_rest_at_flush(simulator, encoding, rate, encode):
    query = f"model=aura-2-thalia-en&encoding={encoding}&sample_rate={rate}"
    async with open_speak(simulator, query) as socket:
        metadata = json.loads(await socket.recv())
        assert (metadata["type"], metadata["model_name"]) == ("Metadata", "aura-2-thalia-en")
        await send(socket, "Speak", text="Good morning. How ")
        await send(socket, "Speak", text="are you")
        await send(socket, "Flush")
        audio, flushed = await until(socket, "Flushed")
        assert flushed["sequence_id"] == 0
        voice = espeak_voice("aura-2-thalia-en")
        speak = simulator.speech.synthesiser.speak
        first = await speak("Good morning. ", voice=voice, sample_rate=rate)
        second = await speak("How are you", voice=voice, sample_rate=rate)
        pause = np.zeros(rate * 180 // 1000, np.int16)
        assert audio == encode(np.concatenate((first.samples, pause, second.samples)))

        await send(socket, "Speak", text="Bye.")
        await send(socket, "Flush")
        audio, flushed = await until(socket, "Flushed")
        assert flushed["sequence_id"] == 1
        bye = await speak("Bye.", voice=voice, sample_rate=rate)
        assert audio == encode(bye.samples)
        await send(socket, "Close")
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd.code == 1000


@speaks
async def test_clear_drops_what_was_to_be_said(simulator):
    async with open_speak(simulator) as socket:
        await send(socket, "Speak", text="One sentence. Another sentence. " * 20)
        await send(socket, "Clear")
        await until(socket, "Cleared")
        await send(socket, "Flush")
        audio, _ = await until(socket, "Flushed")
        assert audio == b""


async def test_messages_it_does_not_know_are_answered_with_a_warning(simulator):
    async with open_speak(simulator) as socket:
        for message in ("nonsense", '{"type":"Sing"}', '{"type":"Speak"}'):
            await socket.send(message)
            _, warning = await until(socket, "Warning")
            assert warning["code"] == "DATA-0000"
            assert warning["description"]
        await send(socket, "Speak", text="x" * 2001)
        _, warning = await until(socket, "Warning")
        assert warning["code"] == "DATA-0001"


REFUSED = [
    ("", None, 401, "Invalid credentials."),
    ("model=nova-3", "Token x", 400, "No such model"),
    ("encoding=opus", "Token x", 400, "Unsupported audio format"),
    ("encoding=mulaw&sample_rate=24000", "Token x", 400, "Unsupported audio format: sample_rate"),
    ("speed=3", "Token x", 400, "speed must be between"),
]


async def test_connections_that_are_refused(simulator):
    for query, key, status, reason in REFUSED:
        with pytest.raises(InvalidStatus) as refused:
            await open_speak(simulator, query, key)
        response = refused.value.response
        assert (query, response.status_code) == (query, status)
        assert response.headers["dg-error"].startswith(reason)


@speaks
async def test_faults(simulator, control):
    await control.post("/faults", json={"service": "deepgram", "fault": {"where": "connect", "code": 503}})
    with pytest.raises(InvalidStatus) as refused:
        await open_speak(simulator)
    assert refused.value.response.status_code == 503
    await control.post("/faults", json={"service": "deepgram", "fault": {"where": "connect", "code": 0}})
    with pytest.raises(TimeoutError):
        await open_speak(simulator, open_timeout=0.2)
    fault = {"where": "after_ms", "after_ms": 200, "code": 1011, "text": "It broke."}
    await control.post("/faults", json={"service": "deepgram", "fault": fault})
    async with open_speak(simulator, "sample_rate=8000") as socket:
        await send(socket, "Speak", text="This sentence is longer than two hundred milliseconds.")
        await send(socket, "Flush")
        with pytest.raises(ConnectionClosed) as closed:
            await until(socket, "Flushed")
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1011, "It broke.")


def test_voices_are_stable_and_not_the_callers() -> None:
    voices = {espeak_voice(f"aura-2-{name}-en") for name in ("thalia", "zeus", "luna", "hermes", "orion", "juno")}
    assert CALLER_VOICE not in voices
    assert len(voices) > 2
    assert espeak_voice("aura-2-helena-en") == espeak_voice("AURA-2-helena-en")


@pytest.mark.parametrize(
    ("text", "ready", "rest"),
    [
        ("Hello there. How", "Hello there. ", "How"),
        ("Hello there.", "", "Hello there."),
        ("Ask Dr. Smith now", "", "Ask Dr. Smith now"),
        ("Really?! Yes... \n", "Really?! Yes... \n", ""),
        ("It is 3.30 today", "", "It is 3.30 today"),
    ],
)
def test_sentences(text: str, ready: str, rest: str) -> None:
    assert split_sentences(text) == (ready, rest)


@speaks
async def test_pipecats_service_speaks(simulator):
    from pipecat.frames.frames import (
        LLMFullResponseEndFrame,
        LLMFullResponseStartFrame,
        LLMTextFrame,
        TTSAudioRawFrame,
        TTSStoppedFrame,
    )
    from pipecat.services.deepgram.tts import DeepgramTTSService
    from pipecat.tests.utils import run_test

    env = simulator.environment
    service = DeepgramTTSService(
        api_key=env["DEEPGRAM_API_KEY"], base_url=env["DEEPGRAM_BASE_URL"], sample_rate=8000
    )
    frames = [LLMFullResponseStartFrame(), LLMTextFrame("Hello. "), LLMTextFrame("How are you?")]
    down, _ = await run_test(service, frames_to_send=[*frames, LLMFullResponseEndFrame()])
    audio = b"".join(frame.audio for frame in down if isinstance(frame, TTSAudioRawFrame))
    voice = espeak_voice("aura-2-helena-en")
    spoken = await simulator.speech.synthesiser.speak("How are you? ", voice=voice, sample_rate=8000)
    assert spoken.samples.tobytes()[1000:2000] in audio
    assert any(isinstance(frame, TTSStoppedFrame) for frame in down)


@speaks
async def test_deepgrams_own_client_speaks(simulator):
    from deepgram import AsyncDeepgramClient, DeepgramClientEnvironment
    from deepgram.speak.v1.types import SpeakV1Flushed, SpeakV1Metadata, SpeakV1Text

    base = simulator.environment["DEEPGRAM_BASE_URL"]
    environment = DeepgramClientEnvironment(base=base, production=base, agent=base, agent_rest=base)
    client = AsyncDeepgramClient(api_key="simulated", environment=environment)
    async with client.speak.v1.connect(
        model="aura-2-thalia-en", encoding="linear16", sample_rate="8000"
    ) as socket:
        await socket.send_text(SpeakV1Text(text="Hello."))
        await socket.send_flush()
        received = []
        async for message in socket:
            received.append(message)
            if isinstance(message, SpeakV1Flushed):
                break
    assert isinstance(received[0], SpeakV1Metadata)
    assert sum(len(message) for message in received if isinstance(message, bytes)) > 4000

"""AssemblyAI's own Python SDK against the stand-in, threads and asyncio."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from assemblyai.streaming.v3 import (
    AsyncStreamingClient,
    StreamingClient,
    StreamingClientOptions,
    StreamingEvents,
    StreamingParameters,
    StreamingSessionParameters,
)

from tests.simulator.assemblyai_house import Running, hearing

LINES = ("I would like a table.", "For two.")
EVENTS = (
    StreamingEvents.Begin,
    StreamingEvents.SpeechStarted,
    StreamingEvents.Turn,
    StreamingEvents.Heartbeat,
    StreamingEvents.Error,
    StreamingEvents.Termination,
)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


def parameters(model: str, **more: Any) -> StreamingParameters:
    return StreamingParameters(sample_rate=8000, speech_model=model, session_heartbeat=True, **more)


def in_messages(samples: np.ndarray) -> list[bytes]:
    return [samples[start : start + 400].tobytes() for start in range(0, len(samples), 400)]


def told(events: list[Any]) -> list[str]:
    return [type(event).__name__.removesuffix("Event") for event in events]


def said(events: list[Any]) -> list[str]:
    """The formatted ends of turn."""
    return [one.transcript for one in events if getattr(one, "end_of_turn", False) and one.turn_is_formatted]


def with_threads(stand_in: Running, samples: np.ndarray, asked: StreamingParameters) -> list[Any]:
    events: list[Any] = []
    client = StreamingClient(StreamingClientOptions(api_host=stand_in.host, api_key="local"))
    for kind in EVENTS:
        client.on(kind, lambda _, event: events.append(event))
    client.connect(asked)
    client.stream(in_messages(samples))
    client.set_params(StreamingSessionParameters(max_turn_silence=900, keyterms_prompt=["Sidetone"]))
    client.force_endpoint()
    client.disconnect(terminate=True)
    return events


@pytest.mark.parametrize("model", ["universal-3-6-pro", "universal-streaming-english", "whisper-rt"])
async def test_the_threaded_client_gets_every_turn_and_a_clean_end(model):
    async with hearing(200, LINES[0], 800, LINES[1], 800) as (stand_in, _, samples):
        asked = parameters(model, format_turns=True)
        events = await asyncio.to_thread(with_threads, stand_in, samples, asked)
    kinds = told(events)
    assert (kinds[0], kinds[-1]) == ("Begin", "Termination")
    assert kinds.count("SpeechStarted") == (2 if model == "universal-3-6-pro" else 0)
    assert [line for line in said(events) if line] == list(LINES)
    assert events[-1].audio_duration_seconds == 3


async def test_the_asynchronous_client_gets_the_same():
    events: list[Any] = []

    async def note(_: Any, event: Any) -> None:
        events.append(event)

    async with hearing(200, LINES[0], 800, LINES[1], 800) as (stand_in, _, samples):
        client = AsyncStreamingClient(StreamingClientOptions(api_host=stand_in.host, api_key="local"))
        for kind in EVENTS:
            client.on(kind, note)
        await client.connect(parameters("universal-3-6-pro"))
        await client.stream(in_messages(samples))
        await client.disconnect(terminate=True)
    assert said(events) == list(LINES)
    assert told(events)[-1] == "Termination"


async def test_the_client_is_told_why_its_session_ended():
    async with hearing() as (stand_in, _, _):
        token = (await stand_in.token(expires_in_seconds=60)).json()["token"]
        errors: list[Any] = []
        ended = asyncio.Event()

        async def note(_: Any, error: Any) -> None:
            errors.append(error)
            ended.set()

        client = AsyncStreamingClient(StreamingClientOptions(api_host=stand_in.host, token=token))
        client.on(StreamingEvents.Error, note)
        await client.connect(parameters("universal-3-6-pro"))
        await client.stream([bytes(16 * 1200)])
        await asyncio.wait_for(ended.wait(), 10)
        await client.disconnect()
    assert errors[0].code == 3007
    assert "Input Duration Violation: 1200.0 ms" in str(errors[0])

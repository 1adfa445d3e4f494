"""Rime's stand-in on the bare socket."""

from __future__ import annotations

import base64
import json
from importlib.util import find_spec
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from simulator.audio import Samples
from simulator.rime.catalogue import espeak_voice

speaks = pytest.mark.skipif(find_spec("espeakng_loader") is None, reason="espeak-ng is not installed")

VOICE = "speaker=astra&modelId=coda&audioFormat=pcm&samplingRate=8000"


def open_socket(
    simulator: Any,
    query: str = VOICE,
    path: str = "/ws3",
    key: str | None = "Bearer simulated",
    subprotocols: Any = None,
    open_timeout: float = 30,
) -> connect:
    return connect(
        f"{simulator.environment['RIME_BASE_URL']}{path}?{query}",
        additional_headers={} if key is None else {"Authorization": key},
        subprotocols=subprotocols,
        proxy=None,
        compression=None,
        open_timeout=open_timeout,
    )


async def say(socket: ClientConnection, text: str, context: str | None = None) -> None:
    await socket.send(json.dumps({"text": text} if context is None else {"text": text, "contextId": context}))


async def do(socket: ClientConnection, operation: str) -> None:
    await socket.send(json.dumps({"operation": operation}))


async def until(socket: ClientConnection, kind: str) -> tuple[bytes, list[dict[str, Any]]]:
    """The sound up to an event of one kind, and all events up to it."""
    audio, events = b"", []
    while True:
        event = json.loads(await socket.recv())
        events.append(event)
        if event["type"] == "chunk":
            audio += base64.b64decode(event["data"])
        if event["type"] == kind:
            return audio, events


async def spoken(simulator: Any, text: str, speaker: str = "astra", rate: int = 8000, wpm: int = 165) -> Samples:
    """What the synthesiser makes of `text` in a speaker's voice."""
    speech = await simulator.speech.synthesiser.speak(
        text, voice=espeak_voice(speaker), sample_rate=rate, words_per_minute=wpm
    )
    return speech.samples

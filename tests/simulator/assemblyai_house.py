"""The v3 stand-in on a port of its own, a client of its wire, and ears that hear what a test wrote down."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import httpx
import numpy as np
import uvicorn
import websockets
from starlette.applications import Starlette

from simulator import assemblyai
from simulator.assemblyai.limits import Limits
from simulator.audio import ulaw_decode, ulaw_encode
from simulator.faults import Faults
from simulator.speech.services import SpeechServices
from simulator.speech.utterance import HeardWord, Hypothesis

RATE = 8000
WORD_MS = 300


class Client:
    def __init__(self, connection: websockets.ClientConnection) -> None:
        self.socket = connection

    async def say(self, samples: np.ndarray, message_ms: int = 50) -> None:
        for start in range(0, len(samples), message_ms * 8):
            await self.socket.send(samples[start : start + message_ms * 8].tobytes())

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        return json.loads(await self.socket.recv())

    async def rest(self) -> list[dict[str, Any]]:
        """All messages until the server closes."""
        return [json.loads(message) async for message in self._until_closed()]

    async def until_final(self) -> list[dict[str, Any]]:
        """All messages up to and including the next end of turn."""
        messages: list[dict[str, Any]] = []
        while not (messages and messages[-1].get("end_of_turn")):
            messages.append(await self.receive())
        return messages

    async def until(self, kind: str) -> dict[str, Any]:
        """The next message of a type."""
        while (message := await self.receive())["type"] != kind:
            pass
        return message

    async def _until_closed(self) -> AsyncIterator[str | bytes]:
        try:
            while True:
                yield await self.socket.recv()
        except websockets.ConnectionClosed:
            return


@dataclass
class Running:
    """`host` and `port` of a stand-in."""

    port: int
    speech: SpeechServices
    faults: Faults

    @property
    def host(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.host}/v3/ws"

    @asynccontextmanager
    async def session(self, query: str = "", key: str | None = "any") -> AsyncIterator[Client]:
        headers = {"Authorization": key} if key else {}
        url = f"{self.url}?sample_rate={RATE}&{query}"
        async with websockets.connect(url, additional_headers=headers, proxy=None, compression=None) as connection:
            yield Client(connection)

    async def hear(self, samples: np.ndarray, query: str = "") -> list[dict[str, Any]]:
        """All messages of a session that is told `samples` and then ended."""
        async with self.session(query) as client:
            await client.say(samples)
            await client.send(type="Terminate")
            return await client.rest()

    async def line(self, *pieces: str | int) -> np.ndarray:
        """Lines of text and milliseconds of silence, as they come out of µ-law at 8 kHz."""
        samples = [
            np.zeros(piece * 8, np.int16)
            if isinstance(piece, int)
            else (await self.speech.synthesiser.speak(piece)).samples
            for piece in pieces
        ]
        return ulaw_decode(ulaw_encode(np.concatenate(samples)))

    async def token(self, key: str | None = "any", **query: object) -> httpx.Response:
        """What `GET /v3/token` answers."""
        headers = {"Authorization": key} if key else {}
        asked = {name: str(value) for name, value in query.items()}
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.get(f"http://127.0.0.1:{self.port}/v3/token", params=asked, headers=headers)


@asynccontextmanager
async def running(speech: SpeechServices | None = None, limits: Limits | None = None) -> AsyncIterator[Running]:
    """A stand-in; without `speech` it hears with what is installed."""
    real = None if speech else SpeechServices()
    faults = Faults()
    app = Starlette(routes=assemblyai.routes(speech or cast("SpeechServices", real), faults, limits))
    config = uvicorn.Config(app, ws="websockets-sansio", lifespan="off", log_config=None)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # asyncio turns Nagle's algorithm off only where the protocol is named.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    # Begun and ended by hand, because the server's own ways sleep for tenths of a second.
    await server.startup([listener])
    yield Running(listener.getsockname()[1], speech or cast("SpeechServices", real), faults)
    for one in server.servers:
        one.close()
    await asyncio.gather(*server.server_state.tasks)
    listener.close()
    if real:
        await real.close()


def spoken(*pieces: str | int) -> tuple[np.ndarray, list[HeardWord]]:
    """Words of 300 ms each as a tone, and milliseconds of silence; and when each word sounds."""
    samples: list[np.ndarray] = []
    words: list[HeardWord] = []
    now_ms = 0
    for piece in pieces:
        if isinstance(piece, int):
            samples.append(np.zeros(piece * 8, np.int16))
            now_ms += piece
            continue
        for text in piece.split():
            samples.append(np.full(WORD_MS * 8, 8000, np.int16))
            words.append(HeardWord(text, now_ms, now_ms + WORD_MS, 0.95))
            now_ms += WORD_MS
    return np.concatenate(samples), words


@dataclass
class Ears:
    """A recogniser that takes loud samples for speech and hears `words` when they are there."""

    words: Sequence[HeardWord]
    told: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    behind_at: tuple[tuple[int, int], ...] = ()
    engine: str = "ears"
    rough: bool = False
    _heard_ms: float = 0
    _began_ms: float = 0
    _rest: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int16))

    @property
    def behind(self) -> str:
        late = any(start <= self._heard_ms < end for start, end in self.behind_at)
        return "Too many calls at once." if late else ""

    def bias(self, keyterms: Iterable[str], language: str) -> dict[str, str]:
        self.told |= {"keyterms": list(keyterms), "language": language}
        return self.reasons

    def vad_threshold(self, value: float) -> None:
        self.told["vad_threshold"] = value

    async def push(self, samples: np.ndarray) -> list[bool]:
        self._heard_ms += len(samples) / 8
        heard = np.concatenate((self._rest, samples))
        whole = len(heard) // 160 * 160
        self._rest = heard[whole:]
        return [bool(frame.max() > 1000) for frame in heard[:whole].reshape(-1, 160)]

    async def hypothesis(self, moment: str) -> Hypothesis:
        words = [word for word in self.words if self._began_ms <= word.start_ms < self._heard_ms - WORD_MS / 2]
        return Hypothesis(tuple(words), self.engine)

    async def end_utterance(self) -> None:
        self._began_ms = self._heard_ms - WORD_MS / 2


@dataclass
class Hearing:
    """Speech services whose recognisers have `words` in their ears; `ears` is the last one."""

    words: Sequence[HeardWord] = ()
    reasons: dict[str, str] = field(default_factory=dict)
    behind_at: tuple[tuple[int, int], ...] = ()
    ears: Ears = field(default_factory=lambda: Ears(()))

    def recogniser(self, sample_rate: int) -> Ears:
        self.ears = Ears(self.words, reasons=self.reasons, behind_at=self.behind_at)
        return self.ears


@asynccontextmanager
async def hearing(
    *pieces: str | int, limits: Limits | None = None
) -> AsyncIterator[tuple[Running, Hearing, np.ndarray]]:
    """A stand-in that hears `pieces`, and their audio."""
    samples, words = spoken(*pieces) if pieces else (np.zeros(0, np.int16), [])
    heard = Hearing(words)
    async with running(cast("SpeechServices", heard), limits) as stand_in:
        yield stand_in, heard, samples


def turns(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [message for message in messages if message["type"] == "Turn"]


def finals(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ends of turn with words."""
    return [turn for turn in turns(messages) if turn["end_of_turn"] and turn["words"]]

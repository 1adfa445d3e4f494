"""AssemblyAI's clients, driven as their users drive them, and what each of them tells its user.

Every driver is an async context manager over one session: entering connects, leaving ends the session the client's
own way (Terminate, EndFrame, end_input). What was heard counts what reached the user, not what was on the wire.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Any, Protocol

import pytest

NAMES = ("sdk", "sdk_async", "pipecat", "livekit")
U3 = "universal-3-6-pro"
STREAMING = "universal-streaming-english"
FRAME_MS = 50
PATIENCE_S = 30
"""How long a test waits for what must come; it never waits for nothing to come."""
# assemblyai 1.8.2 uses what websockets 17 will not have for ever.
SDK_WARNINGS = [
    pytest.mark.filterwarnings(r"ignore:connect\(\) must be used as a context manager:DeprecationWarning"),
    pytest.mark.filterwarnings(r"ignore:ConnectionClosed\.\w+ is deprecated:DeprecationWarning"),
]
_PACKAGES = {
    "sdk": "assemblyai",
    "sdk_async": "assemblyai",
    "pipecat": "pipecat-ai",
    "livekit": "livekit-plugins-assemblyai",
}


@dataclass(frozen=True)
class Setup:
    """How a client is configured. `options` are parameters by their name on the wire.

    `ended_by_vad` is Pipecat's `vad_force_turn_endpoint`: the models without turn detection of their own need it.
    """

    model: str = U3
    rate: int = 16000
    ended_by_vad: bool | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def by_vad(self) -> bool:
        return self.model.startswith("universal-streaming") if self.ended_by_vad is None else self.ended_by_vad


@dataclass
class Heard:
    """What one client told its user."""

    finals: list[str] = field(default_factory=list)
    """Those with words: Universal-Streaming ends a session with one that is empty."""
    partials: int = 0
    """Turns of any kind for the SDK, interim transcripts for the others."""
    started: int = 0
    stopped: int = 0
    confirmed: int = 0
    """Finals that Pipecat marks as the answer to its ForceEndpoint, or as AssemblyAI's own end of turn."""
    begun: int = 0
    terminated: int = 0
    errors: list[str] = field(default_factory=list)
    died: str = ""
    """The exception that ended the reading of messages without a word to the user."""
    gave_up: str = ""
    """How the client said that it will hear nothing more."""


class Driver(Protocol):
    """One session of one client."""

    heard: Heard

    async def __aenter__(self) -> Driver: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def feed(self, pcm: bytes) -> None:
        """Audio of 16 bits mono at the rate of the setup."""
        ...

    async def tune(self, **fields: Any) -> None:
        """Change settings of the live session, the way this client does that."""
        ...

    async def force(self) -> None:
        """End the caller's turn now."""
        ...

    async def until(self, enough: Callable[[], bool]) -> None:
        """Wait until there is enough, or the client hears nothing more."""
        ...


class News:
    """Lets a test wait for what a client tells, from whatever thread it does."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self.over = False

    def tell(self, change: Callable[[], object] = lambda: None) -> None:
        self._loop.call_soon_threadsafe(self._tell, change)

    def end(self, change: Callable[[], object] = lambda: None) -> None:
        """The last news: nothing more will be heard."""
        self._loop.call_soon_threadsafe(self._end, change)

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not (enough() or self.over):
                self._news.clear()
                await self._news.wait()

    def _tell(self, change: Callable[[], object]) -> None:
        change()
        self._news.set()

    def _end(self, change: Callable[[], object]) -> None:
        self.over = True
        self._tell(change)


def missing(name: str) -> str:
    """Why a client cannot be tried here, or nothing."""
    try:
        version(_PACKAGES[name])
    except PackageNotFoundError:
        return f"{_PACKAGES[name]} is not installed"
    return ""


def installed() -> list[str]:
    return [name for name in NAMES if not missing(name)]


def driver(name: str, base: str, setup: Setup) -> Driver:
    """A session that is not open yet; `base` is a WebSocket address to which clients add `/v3/ws`."""
    house, kind = {
        "sdk": ("sdk_house", "SyncSdk"),
        "sdk_async": ("sdk_house", "AsyncSdk"),
        "pipecat": ("pipecat_house", "PipecatService"),
        "livekit": ("livekit_house", "LiveKitPlugin"),
    }[name]
    return getattr(importlib.import_module(f"tests.clients.{house}"), kind)(base, setup)

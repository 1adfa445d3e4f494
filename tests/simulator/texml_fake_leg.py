"""A call leg that records what TeXML does to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Literal

from simulator.telnyx.call_rules import GatherRules, RecordRules
from simulator.telnyx.facts import CallFacts, Hangup
from simulator.telnyx.happenings import GatherEnded, RecordingSaved
from simulator.telnyx.identifiers import CallIds
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.routing import AnsweredBy
from simulator.telnyx.texml.port import DialOrder, DialResult

CALLER, CLINIC = "+15550100011", "+15550100012"


def facts(direction: Literal["incoming", "outgoing"] = "incoming") -> CallFacts:
    return CallFacts(
        ids=CallIds(),
        connection_id="1494404757140276705",
        direction=direction,
        from_number=CALLER,
        to_number=CLINIC,
        client_state=None,
        codec="PCMU",
        started_at=datetime.now(UTC),
    )


class FakeLeg:
    """`done` is what was done to it, in order. `gathered`, `recorded` and `dialled` are what it gives back."""

    def __init__(self, direction: Literal["incoming", "outgoing"] = "incoming") -> None:
        self.facts = facts(direction)
        self.is_answered = direction == "outgoing"
        self.answered_by: AnsweredBy | None = None
        self.done: list[tuple[Any, ...]] = []
        self.warnings: list[str] = []
        self.hangup: Hangup | None = None
        self.gathered = GatherEnded("", "timeout")
        self.recorded: RecordingSaved | None = None
        self.dialled = DialResult("completed", "v3:other", 12, None)
        self.stream_ended = asyncio.Event()
        self.stream_ended.set()
        self.streaming = asyncio.Event()
        self.seconds_to_speak = 0.0
        self.spoken: asyncio.Queue[str] = asyncio.Queue()

    def answer(self) -> None:
        if not self.is_answered:
            self.is_answered = True
            self.done.append(("answer",))

    def warn(self, sentence: str) -> None:
        self.warnings.append(sentence)

    async def stream(self, options: StreamOptions) -> None:
        self.done.append(("stream", options.url))
        self.streaming.set()
        await self.stream_ended.wait()
        self.done.append(("stream ended",))

    def start_stream(self, options: StreamOptions) -> None:
        self.done.append(("start_stream", options.name))

    def stop_stream(self, name: str | None) -> None:
        self.done.append(("stop_stream", name))

    async def speak(self, text: str, voice: str, language: str | None) -> bool:
        await asyncio.sleep(self.seconds_to_speak)
        self.done.append(("speak", text, voice, language))
        self.spoken.put_nowait(text)
        return True

    async def play(self, url: str) -> bool:
        self.done.append(("play", url))
        return True

    async def send_digits(self, digits: str) -> None:
        self.done.append(("send_digits", digits))

    async def gather(self, rules: GatherRules, prompt: Callable[[], Awaitable[None]] | None) -> GatherEnded:
        self.done.append(("gather", rules))
        if prompt is not None:
            await prompt()
        return self.gathered

    async def record(self, rules: RecordRules) -> RecordingSaved | None:
        self.done.append(("record", rules))
        return self.recorded

    def start_recording(self, rules: RecordRules) -> None:
        self.done.append(("start_recording", rules))

    async def dial(self, order: DialOrder) -> DialResult:
        self.done.append(("dial", order))
        return self.dialled

    def hang_up(self, hangup: Hangup) -> None:
        if self.hangup is None:
            self.hangup = hangup
            self.done.append(("hang_up", hangup.cause, hangup.source, hangup.sip))

    def application_hangs_up(self) -> None:
        self.done.append(("application_hangs_up",))

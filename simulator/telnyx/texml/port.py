"""What a TeXML document can do to the call leg it runs on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from simulator.telnyx.call_rules import GatherRules, RecordRules
from simulator.telnyx.facts import CallFacts, Hangup
from simulator.telnyx.happenings import GatherEnded, RecordingSaved
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.routing import AnsweredBy, Callback


@dataclass(frozen=True, slots=True)
class DialTarget:
    """`to`: +E.164 or a SIP address. `send_digits` are pressed when it answers; `callback` is told of its call."""

    to: str
    send_digits: str = ""
    callback: Callback | None = None


@dataclass(frozen=True, slots=True)
class DialOrder:
    """Other simulated parties to be called, at once or in turn, until one answers and is bridged.

    `answer_on_bridge`: the leg itself is answered only then. `recording` None: not recorded.
    """

    targets: tuple[DialTarget, ...]
    from_number: str
    timeout_seconds: int = 30
    time_limit_seconds: int = 14_400
    recording: RecordRules | None = None
    sequential: bool = False
    answer_on_bridge: bool = False
    hang_up_on_star: bool = False


@dataclass(frozen=True, slots=True)
class DialResult:
    """`status` as TeXML's DialCallStatus; `seconds` were bridged; `recording` if it was recorded."""

    status: Literal["completed", "busy", "no-answer", "canceled", "failed"]
    call_sid: str
    seconds: int
    hangup: Hangup | None
    recording: RecordingSaved | None = None


class TexmlLeg(Protocol):
    """A call leg. `answered_by`: who answered, when a detection that was waited for has found it.

    Waiting methods return at once when the leg is over or what they wait for cannot be done, which is then said
    with `warn`; they are cancelled when the leg is hung up or told to run another document.
    """

    @property
    def facts(self) -> CallFacts: ...
    @property
    def is_answered(self) -> bool: ...
    @property
    def answered_by(self) -> AnsweredBy | None: ...

    def answer(self) -> None:
        """Answer the leg if it is not answered."""

    def warn(self, sentence: str) -> None:
        """Say something once, in the log and in the call's report."""

    async def stream(self, options: StreamOptions) -> None:
        """Stream until the application closes the socket for good or the stream is stopped."""

    def start_stream(self, options: StreamOptions) -> None:
        """Stream beside what comes next."""

    def stop_stream(self, name: str | None) -> None:
        """Stop the stream of that name, or the stream there is."""

    async def speak(self, text: str, voice: str, language: str | None) -> bool:
        """Say it once; False when something stopped it, so that it is not to be said again."""
        ...

    async def play(self, url: str) -> bool:
        """Fetch a WAV or MP3 file and play it once; False as for `speak`."""
        ...

    async def send_digits(self, digits: str) -> None: ...
    async def gather(self, rules: GatherRules, prompt: Callable[[], Awaitable[None]] | None) -> GatherEnded:
        """Collect keys; the first key stops `prompt`, which counts no time."""
        ...

    async def record(self, rules: RecordRules) -> RecordingSaved | None: ...
    def start_recording(self, rules: RecordRules) -> None: ...
    async def dial(self, order: DialOrder) -> DialResult: ...
    def hang_up(self, hangup: Hangup) -> None: ...
    def application_hangs_up(self) -> None: ...

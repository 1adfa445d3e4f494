"""One call that is not over yet."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from agent.assemblyai_tap import Tap
from agent.carriers import Line
from agent.carriers.line_codec import LineFormat
from agent.events import CallEnded, Direction
from agent.frameworks import Session
from agent.turns import Turns


def _token() -> str:
    return secrets.token_urlsafe(24)


async def _nothing() -> None:
    """There is nothing at the carrier yet."""


@dataclass(slots=True, eq=False)
class Call:
    """What the registry knows of a live call.

    ``carrier`` names what carries it; ``drop`` ends it there, which is no failure when it has ended already, and
    raises CarrierError. ``media`` is what the carrier is asked for. ``media_token`` opens the media socket once,
    ``stt_token`` the tap. ``answered`` is monotonic nanoseconds, 0 before the answer. ``ended_by`` is who of our
    side ended it: agent, operator or nobody yet; ``reason`` is why the agent could not go on, if that was it, and
    ``cause`` what the call's end is to be called where we ended it for a reason that the carrier does not know.
    ``outcome`` is settled before the call leaves the registry: it is told when the media are over as well, which
    is when the call is ``told``.
    """

    direction: Direction
    from_: str
    to: str
    parameters: dict[str, str]
    time_limit_s: int
    media: LineFormat
    carrier: str = "telnyx"
    drop: Callable[[], Awaitable[None]] = _nothing
    id: str = field(default_factory=lambda: f"c_{secrets.token_hex(5)}")
    media_token: str = field(default_factory=_token)
    stt_token: str = field(default_factory=_token)
    call_control_id: str = ""
    answered: int = 0
    ended_by: str = ""
    reason: str = ""
    cause: str = ""
    outcome: CallEnded | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    tap: Tap | None = None
    session: Session | None = None
    line: Line | None = None
    turns: Turns | None = None
    in_media: bool = False
    timers: list[asyncio.TimerHandle] = field(default_factory=list)

    def other_side(self, source: str = "") -> str:
        """Who ended it in the carrier's words; without any, the other party."""
        return source or ("caller" if self.direction == "inbound" else "callee")

    def cancel_timers(self) -> None:
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()

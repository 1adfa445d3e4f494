"""What a framework must offer to run the agent of one call, and what it is given for that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from agent.assemblyai_tap import Tap
from agent.carriers import Line
from agent.definition import Definition
from agent.events import Event
from agent.settings import Service
from agent.tools import ToolBox
from agent.turns import Turns


@dataclass(frozen=True, slots=True)
class Job:
    """One call for a framework.

    ``stt_url`` is the tap's address with the full path; ``hang_up`` ends the call at the carrier for a reason
    that people will read, empty when the conversation was over; it is no failure when it had ended already.
    """

    call: str
    definition: Definition
    instructions: str
    greeting: str
    line: Line
    tap: Tap
    stt_url: str
    llm: Service
    tts: Service
    tools: ToolBox
    turns: Turns
    emit: Callable[[Event], object]
    hang_up: Callable[[str], Awaitable[None]]


class Session(Protocol):
    """The agent of one call, at work.

    What an operator does to the line and to the turns is done before a session is asked: while the agent is to be
    silent, ``line.held`` drops whatever it still sends.
    """

    @property
    def leaving(self) -> bool:
        """Whether the agent is ending the call: its last words must not be cut off."""
        ...

    async def run(self) -> None:
        """Talk until the line is over."""
        ...

    async def trouble(self, reason: str) -> None:
        """Say the definition's ``trouble`` text if that is still possible, then hang up; while an operator has
        silenced the agent, not before :meth:`release`."""
        ...

    async def stop(self) -> None:
        """Leave at once, without a word and without hanging up."""
        ...

    async def hush(self) -> None:
        """Drop what is being generated and spoken; nothing of it reaches the line after this returns."""
        ...

    async def say(self, text: str) -> None:
        """Speak an operator's ``text`` in the agent's voice. It counts as the agent's own words from then on."""
        ...

    def whisper(self, text: str) -> None:
        """Take guidance of an operator that the caller does not hear; it counts from the next answer on."""
        ...

    async def hold(self) -> None:
        """Hush, and answer no turn until :meth:`release`; what the caller says is heard and kept."""
        ...

    async def release(self, words: str = "") -> None:
        """Answer again: speak ``words``, or without any answer what the caller said last and nobody answered, or
        else wait for the caller's next turn."""
        ...

    def operator_spoke(self, text: str, at: int) -> None:
        """An operator said this to the caller in the agent's place; the agent must know of it when it is back.
        ``at`` is when they had said it, in monotonic nanoseconds: the caller may have spoken since."""
        ...


class Framework(Protocol):
    """A way to run agents; one object for the whole process."""

    name: str

    def load(self) -> None:
        """Import and load what all calls share; slow, for a thread, before the first call."""
        ...

    async def warm(self) -> None:
        """Once, on the loop that calls run on: whatever would make the first call slower than the next."""
        ...

    def session(self, job: Job) -> Session: ...

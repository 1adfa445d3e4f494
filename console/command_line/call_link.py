"""The sound of one live call for a command without a screen."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Literal

from console.client import AgentError
from console.command_line.attendance import Attendance
from console.command_line.command_sound import CommandSound, SoundChoice
from console.sound.protocol import DeviceChanged, Listen, Listening, Report

Ears = Literal["mix", "split"]

_LAST_WORDS_S = 0.4
_END_S = 5.0
"""The sound of a call that is over may end so long before its last event comes."""


class CallLink:
    """What is lost of the sound, or the end of a recording that stands for the microphone, lets the operator
    leave; :meth:`check` tells them apart."""

    def __init__(self, one: Attendance, choice: SoundChoice) -> None:
        self._one, self._choice = one, choice
        self.sound = CommandSound(choice.configure(), one.output.detail, self._told)
        self._state: Listening | None = None
        self._problem = ""

    async def open(self, ears: Ears) -> None:
        """Raises AgentError or SoundError where the call cannot be heard."""
        one = self._one
        endpoint = await one.client.endpoint()
        line = "livekit" if one.state.line == "livekit" else "telnyx"
        self.sound.link.send(
            Listen(url=endpoint.url, token=endpoint.token, call=one.state.id, who=one.who, line=line, ears=ears)
        )
        await self.sound.until(lambda: self._state is not None or one.left.is_set())
        await self.check()

    async def check(self) -> None:
        """Raises AgentError where the sound was lost, unless the call is over."""
        if self._problem:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_END_S):
                    await self._one.over.wait()
                    return
            raise AgentError(self._problem)

    def lose(self) -> None:
        """The sound process has ended; it has said why."""
        self._problem = self._problem or "Without sound this cannot go on."
        self._one.left.set()

    def _told(self, report: Report) -> None:
        if isinstance(report, Listening):
            self._state = report
            if report.state == "open":
                if report.message:
                    self._one.output.detail(report.message)
            else:
                self._problem = report.message or "The call's sound was lost."
                self._one.left.set()
        elif (
            isinstance(report, DeviceChanged)
            and self._choice.microphone_file
            and (report.kind, report.state) == ("microphone", "closed")
        ):
            # Its last words are still on their way to the caller.
            asyncio.get_running_loop().call_later(_LAST_WORDS_S, self._one.left.set)


@contextlib.asynccontextmanager
async def linked(
    one: Attendance, choice: SoundChoice, *, ears: Ears = "mix", microphone: bool = False
) -> AsyncIterator[CallLink]:
    """The call is heard, and the microphone is there where it is needed.

    Raises:
        AgentError: the agent does not send the call's sound.
        SoundError: a device is missing.
    """
    link = CallLink(one, choice)
    try:
        await link.sound.need(microphone=microphone, speaker=not choice.microphone_file)
        ended = asyncio.create_task(link.sound.link.ended())
        ended.add_done_callback(lambda _: link.lose())
        await link.open(ears)
        yield link
    finally:
        await link.sound.link.close()

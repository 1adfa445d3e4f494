"""The person at this machine as the caller: microphone and speaker in place of a script, for ``sidetone call
--mic``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from console.command_line.command_sound import CommandSound, SoundChoice
from console.process import RunningFile
from console.sound.protocol import Accept, Dial, HangUp, OpenPhone, Phone, Report
from console.sound_link import SoundError


class Person:
    """``detail`` is told what happens to the devices, a line each."""

    def __init__(self, choice: SoundChoice, detail: Callable[[str], None]) -> None:
        self._sound = CommandSound(choice.configure(), detail, self._told)
        self._phone = Phone(state="off")
        self._picked_up = asyncio.Event()

    async def pick_up(self, simulator: RunningFile, number: str, order: dict[str, Any]) -> None:
        """Take the telephone with this ``number``, at which the next call is answered at once. ``order`` is
        what :meth:`console.caller.Caller.order` says of its line.

        Raises:
            SoundError: microphone or speaker are missing, or the simulator refuses.
        """
        await self._sound.need(microphone=True, speaker=True)
        self._sound.link.send(OpenPhone(url=simulator.url, token=simulator.token, number=number, order=order))
        await self._until(lambda phone: phone.state != "off")
        self._picked_up.set()

    async def dial(self, order: dict[str, Any]) -> str:
        """Call; returns the call_control_id.

        Raises:
            SoundError: the simulator refuses.
        """
        self._sound.link.send(Dial(order=order))
        await self._until(lambda phone: bool(phone.call_control_id))
        return self._phone.call_control_id

    def hang_up(self) -> None:
        self._sound.link.send(HangUp())

    async def gone(self) -> None:
        """Wait until the sound process is lost that picked up: there is nobody on the line any more."""
        await self._picked_up.wait()
        await self._sound.link.ended()

    async def close(self) -> None:
        await self._sound.link.close()

    async def _until(self, reached: Callable[[Phone], bool]) -> None:
        await self._sound.until(lambda: reached(self._phone) or bool(self._phone.message))
        if not reached(self._phone):
            raise SoundError(self._phone.message)

    def _told(self, report: Report) -> None:
        if isinstance(report, Phone):
            self._phone = report
            if report.state == "ringing":
                self._sound.link.send(Accept())

"""A machine that answers: plays its sounds once, then listens or records, then hangs up. Voicemail, fax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.audio import FRAME_MS, Samples
from simulator.caller.hearing import Hearing, is_voiced
from simulator.caller.party import HANG_UP, SILENCE, Said
from simulator.caller.speaking_machine import SpeakingMachine
from simulator.caller.tones import Sound
from simulator.speech.services import SpeechServices
from simulator.telnyx.media.options import Codec


@dataclass(frozen=True, slots=True)
class Machine:
    """`sounds` in their order; `beep` is the place of the beep among them, None without one.

    After them the machine listens for at most `listen_ms`, and hangs up earlier after `quiet_ms` in which nothing
    was heard.
    """

    sounds: tuple[Sound, ...]
    beep: int | None = None
    listen_ms: int = 120_000
    quiet_ms: int = 10_000


class MachineParty(SpeakingMachine):
    def __init__(self, machine: Machine, speech: SpeechServices, codec: Codec = "PCMU") -> None:
        super().__init__(speech, codec)
        self.machine = machine
        self._hearing = Hearing()
        self._message_ticks = 0

    async def prepare(self) -> None:
        begins = await self._greet(self.machine.sounds)
        if self.machine.beep is not None:
            self.beep_at_ms = begins[self.machine.beep]

    def tick(self, heard: Samples | None) -> Said:
        hearing = self._hearing
        voiced = heard is not None and is_voiced(heard)
        hearing.tick(voiced)
        now = hearing.now
        if now < len(self._frames):
            return self._frames[now]
        if self._done:
            return SILENCE
        self._message_ticks += voiced
        listened = now - len(self._frames)
        quiet = min(listened, hearing.quiet_ticks())
        if listened * FRAME_MS >= self.machine.listen_ms or quiet * FRAME_MS >= self.machine.quiet_ms:
            self._done = True
            return HANG_UP
        return SILENCE

    def press(self, digit: str) -> None:
        """Machines do not mind keys."""

    def report(self) -> dict[str, Any]:
        """`message_ms`: how much was heard after the machine's own sounds, which is what a voicemail keeps."""
        return {
            "lines": [],
            "heard_ms": self._hearing.voiced_ticks * FRAME_MS,
            "message_ms": self._message_ticks * FRAME_MS,
            "beep_at_ms": self.beep_at_ms,
        }

"""Something is played before a person comes to the telephone: hold music, or an assistant that screens calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from simulator.audio import FRAME_MS, Samples
from simulator.caller.hearing import Hearing, is_voiced
from simulator.caller.party import HANG_UP, SILENCE, Said
from simulator.caller.script import Script
from simulator.caller.script_party import ScriptParty
from simulator.caller.speaking_machine import SpeakingMachine
from simulator.caller.tones import Sound
from simulator.speech.services import SpeechServices
from simulator.telnyx.media.options import Codec

_PATIENCE_MS: Final = 900


@dataclass(frozen=True, slots=True)
class Prelude:
    """`sounds`, then the person of `script`.

    `reply_ms`: the application must say something after the sounds within this time, or the machine hangs up;
    None: the person comes at once.
    """

    sounds: tuple[Sound, ...]
    script: Script
    reply_ms: int | None = None


class PreludeParty(SpeakingMachine):
    """Its greeting is that of the sounds; what the person says is told by the script's own report."""

    def __init__(self, prelude: Prelude, speech: SpeechServices, codec: Codec = "PCMU") -> None:
        """`codec` is for a script that names none."""
        self._person = ScriptParty(prelude.script, speech, codec)
        super().__init__(speech, self._person.codec)
        self._prelude = prelude
        self.warnings = self._person.warnings
        self._hearing = Hearing()
        self._person_came: int | None = None

    async def prepare(self) -> None:
        await self._greet(self._prelude.sounds)
        await self._person.prepare()

    def prepared(self) -> Iterable[Said]:
        """What the person says: it is not the music that is to be understood."""
        return self._person.prepared()

    def tick(self, heard: Samples | None) -> Said:
        if self._person_came is not None:
            return self._person.tick(heard)
        self._hearing.tick(heard is not None and is_voiced(heard))
        now = self._hearing.now
        if now < len(self._frames):
            return self._frames[now]
        if self._done:
            return SILENCE
        if self._is_time_for_the_person(now):
            self._person_came = now
            return self._person.tick(None)
        if (now - len(self._frames)) * FRAME_MS >= (self._prelude.reply_ms or 0):
            self._done = True
            self.warnings.append("The assistant hung up: the application did not say who was calling.")
            return HANG_UP
        return SILENCE

    def press(self, digit: str) -> None:
        self._person.press(digit)

    def close(self) -> None:
        super().close()
        self._person.close()

    def report(self) -> dict[str, Any]:
        """The times of `lines` count from `person_came_ms`, which counts from the answer."""
        person = self._person.report()
        person["heard_ms"] += self._hearing.voiced_ticks * FRAME_MS
        person["person_came_ms"] = None if self._person_came is None else self._person_came * FRAME_MS
        return person

    def _is_time_for_the_person(self, now: int) -> bool:
        if self._prelude.reply_ms is None:
            return True
        began = self._hearing.started
        replied = began is not None and began >= len(self._frames)
        return replied and self._hearing.quiet_ticks() * FRAME_MS >= _PATIENCE_MS

"""One simulated person on the telephone: speaks the lines of a script, hears what the agent says."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any, Final

from simulator.audio import FRAME_MS, Samples
from simulator.caller.conversation import BREATH_MS, Conversation
from simulator.caller.hearing import is_voiced
from simulator.caller.party import HANG_UP, SILENCE, Said, cut
from simulator.caller.script import Script, Turn
from simulator.caller.tones import Speech
from simulator.caller.voice import Voice
from simulator.speech.services import SpeechServices
from simulator.telnyx.media.options import Codec

_KEY_TICKS: Final = 13
"""260 ms from one key to the next."""
_MAX_KEYS: Final = 200


class ScriptParty:
    def __init__(self, script: Script, speech: SpeechServices, codec: Codec = "PCMU") -> None:
        """`codec` is for a script that names none."""
        self.script = script
        self._voice = Voice(speech, script.codec or codec, script.voice)
        self._frames: list[list[Said]] = []
        self._keys: list[str] = []
        self._conversation = Conversation(script, [0] * len(script.turns))

    @property
    def codec(self) -> Codec:
        return self._voice.codec

    @property
    def rate(self) -> int:
        return self._voice.rate

    @property
    def warnings(self) -> list[str]:
        return self._conversation.warnings

    @property
    def beep_at_ms(self) -> int | None:
        return None

    @property
    def greeting_end_ms(self) -> int | None:
        """The end of the first line, when it is said without waiting for the agent."""
        if self.script.wait_for_greeting or not self.script.turns or self.script.turns[0].user is None:
            return None
        first = self._conversation.lines[0]
        return BREATH_MS + first.turn.pause_ms + first.ticks * FRAME_MS

    async def prepare(self) -> None:
        spoken = [Speech(turn.user) for turn in self.script.turns if turn.user is not None]
        await self._voice.learn(spoken)
        self._frames = [await self._turn(turn) for turn in self.script.turns]
        self._conversation = Conversation(self.script, [len(frames) for frames in self._frames])

    def prepared(self) -> Iterable[Said]:
        return chain.from_iterable(self._frames)

    def tick(self, heard: Samples | None) -> Said:
        step = self._conversation.tick(heard is not None and is_voiced(heard))
        if step.line is not None:
            return self._frames[step.line][step.offset]
        return HANG_UP if step.hang_up else SILENCE

    def press(self, digit: str) -> None:
        if len(self._keys) < _MAX_KEYS:
            self._keys.append(digit)

    def close(self) -> None:
        self._conversation.end()
        self._frames = []
        self._voice.close()

    def report(self) -> dict[str, Any]:
        """`lines`, `heard_ms`, and `keys_heard` when the application pressed some."""
        report: dict[str, Any] = {
            "lines": [line.report() for line in self._conversation.lines],
            "heard_ms": self._conversation.hearing.voiced_ticks * FRAME_MS,
        }
        if self._keys:
            report["keys_heard"] = "".join(self._keys)
        return report

    async def _turn(self, turn: Turn) -> list[Said]:
        if turn.user is None:
            return [said for key in turn.dtmf or "" for said in (Said(digit=key), *[SILENCE] * (_KEY_TICKS - 1))]
        rendered = await self._voice.render([Speech(turn.user)])
        return cut(rendered.samples, self.rate) or [SILENCE]

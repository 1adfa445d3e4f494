"""What machines that speak have in common: a voice, and a greeting that is rendered before the call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simulator.caller.party import Said, cut
from simulator.caller.tones import Sound, Speech
from simulator.caller.voice import MACHINE_VOICE, Voice
from simulator.speech.services import SpeechServices
from simulator.telnyx.media.options import Codec


class SpeakingMachine:
    """Times count in milliseconds from the answer."""

    def __init__(self, speech: SpeechServices, codec: Codec) -> None:
        self.warnings: list[str] = []
        self.beep_at_ms: int | None = None
        self.greeting_end_ms: int | None = None
        self._voice = Voice(speech, codec, MACHINE_VOICE)
        self._frames: list[Said] = []
        self._done = False

    @property
    def codec(self) -> Codec:
        return self._voice.codec

    @property
    def rate(self) -> int:
        return self._voice.rate

    def prepared(self) -> Iterable[Said]:
        return self._frames

    def close(self) -> None:
        self._done = True
        self._frames = []
        self._voice.close()

    async def _greet(self, sounds: Sequence[Sound]) -> list[int]:
        """What is played first; the greeting ends with the last words in it.

        Returns where each of the sounds begins, with the end of the last one. Raises SpeechUnavailable or
        ValueError.
        """
        await self._voice.learn(sounds)
        rendered = await self._voice.render(sounds)
        self._frames = cut(rendered.samples, self.rate)
        edges = [edge * 1000 // self.rate for edge in rendered.edges]
        spoken = [index for index, sound in enumerate(sounds) if isinstance(sound, Speech)]
        self.greeting_end_ms = edges[spoken[-1] + 1] if spoken else None
        return edges

"""A call leg as a TeXML document sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simulator.telnyx.call_rules import GatherRules, RecordRules
from simulator.telnyx.calls import sounds
from simulator.telnyx.calls.digits import send_digits
from simulator.telnyx.calls.recordings import TooManyRecordings
from simulator.telnyx.calls.texml_dial import dial_from
from simulator.telnyx.facts import CallFacts, Hangup
from simulator.telnyx.happenings import GatherEnded, RecordingSaved
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.routing import AnsweredBy
from simulator.telnyx.texml.port import DialOrder, DialResult

if TYPE_CHECKING:
    from simulator.telnyx.calls.exchange import Exchange
    from simulator.telnyx.calls.keypad import Prompt
    from simulator.telnyx.calls.leg import CallLeg


_VOICES: Final = {"man": "male", "woman": "female", "alice": "female"}
"""TeXML's basic voices by their names in Call Control."""


class TexmlCallLeg:
    """Implements `TexmlLeg` of `texml.port`."""

    def __init__(self, leg: CallLeg, exchange: Exchange, answered_by: AnsweredBy | None = None) -> None:
        """`answered_by`: what a detection found that the instructions waited for."""
        self._leg = leg
        self._exchange = exchange
        self._answered_by: AnsweredBy | None = answered_by

    @property
    def facts(self) -> CallFacts:
        return self._leg.facts

    @property
    def is_answered(self) -> bool:
        return self._leg.is_answered

    @property
    def answered_by(self) -> AnsweredBy | None:
        return self._answered_by

    def answer(self) -> None:
        self._leg.answer()

    def warn(self, sentence: str) -> None:
        self._leg.warn(sentence)

    async def stream(self, options: StreamOptions) -> None:
        if self._refused_second_stream():
            return
        await self._leg.stream.run(options)

    def start_stream(self, options: StreamOptions) -> None:
        if not self._refused_second_stream():
            self._leg.stream.start(options)

    def stop_stream(self, name: str | None) -> None:
        stream = self._leg.stream
        if not stream.active or (name and stream.name != name):
            self.warn(f"<Stop> names the stream {name!r}, which is not on." if name else "<Stop> found no stream.")
            return
        self._leg.spawn(stream.close())

    async def speak(self, text: str, voice: str, language: str | None) -> bool:
        source = sounds.spoken(self._leg, text, _VOICES.get(voice.lower(), voice))
        return await sounds.play_unless_stopped(self._leg, source)

    async def play(self, url: str) -> bool:
        return await sounds.play_unless_stopped(self._leg, sounds.fetched(self._leg, url))

    async def send_digits(self, digits: str) -> None:
        await send_digits(self._leg, digits)

    async def gather(self, rules: GatherRules, prompt: Prompt | None) -> GatherEnded:
        return await self._leg.keypad.gather(rules, prompt)

    async def record(self, rules: RecordRules) -> RecordingSaved | None:
        try:
            return await self._leg.recordings.record(rules)
        except TooManyRecordings as error:
            self.warn(str(error))
            return None

    def start_recording(self, rules: RecordRules) -> None:
        try:
            self._leg.recordings.start(rules)
        except TooManyRecordings as error:
            self.warn(str(error))

    async def dial(self, order: DialOrder) -> DialResult:
        return await dial_from(self._exchange, self._leg, order)

    def hang_up(self, hangup: Hangup) -> None:
        self._leg.hang_up(hangup)

    def application_hangs_up(self) -> None:
        self._leg.application_hangs_up()

    def _refused_second_stream(self) -> bool:
        if not self._leg.stream.active:
            return False
        self.warn("One stream at a time is possible on a call; the second <Stream> was not opened.")
        return True

"""A call leg as a TeXML document sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.telnyx.calls import sounds
from simulator.telnyx.calls.dialling import dial_from
from simulator.telnyx.calls.digits import send_digits
from simulator.telnyx.calls.recordings import TooManyRecordings
from simulator.telnyx.facts import CallFacts, Hangup
from simulator.telnyx.happenings import GatherEnded, RecordingSaved
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.texml.port import DialOrder, DialResult, GatherRules, RecordRules
from simulator.telnyx.webhooks.announce import TexmlAnnouncer

if TYPE_CHECKING:
    from simulator.telnyx.calls.exchange import Exchange
    from simulator.telnyx.calls.keypad import Prompt
    from simulator.telnyx.calls.leg import CallLeg


class TexmlCallLeg:
    """Implements `TexmlLeg` of `texml.port`."""

    def __init__(self, leg: CallLeg, exchange: Exchange) -> None:
        self._leg = leg
        self._exchange = exchange

    @property
    def facts(self) -> CallFacts:
        return self._leg.facts

    @property
    def is_answered(self) -> bool:
        return self._leg.is_answered

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
            self._leg.spawn(self._leg.stream.run(options))

    def stop_stream(self, name: str | None) -> None:
        stream = self._leg.stream
        if not stream.active or (name and stream.name != name):
            self.warn(f"<Stop> names the stream {name!r}, which is not on." if name else "<Stop> found no stream.")
            return
        self._leg.spawn(stream.close())

    async def speak(self, text: str, voice: str, language: str | None) -> None:
        await sounds.play_quietly(self._leg, sounds.spoken(self._leg, text, voice))

    async def play(self, url: str) -> None:
        await sounds.play_quietly(self._leg, sounds.fetched(self._leg, url))

    async def send_digits(self, digits: str) -> None:
        await send_digits(self._leg, digits)

    async def gather(self, rules: GatherRules, prompt: Prompt | None) -> GatherEnded:
        return await self._leg.keypad.gather(rules, prompt)

    async def record(self, rules: RecordRules) -> RecordingSaved | None:
        self._tell_recordings(rules)
        try:
            return await self._leg.recordings.record(rules)
        except TooManyRecordings as error:
            self.warn(str(error))
            return None

    def start_recording(self, rules: RecordRules) -> None:
        self._tell_recordings(rules)
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

    def _tell_recordings(self, rules: RecordRules) -> None:
        announcer = self._leg.announcer
        if rules.callback is not None and isinstance(announcer, TexmlAnnouncer):
            announcer.recording = rules.callback

    def _refused_second_stream(self) -> bool:
        if not self._leg.stream.active:
            return False
        self.warn("One stream at a time is possible on a call; the second <Stream> was not opened.")
        return True

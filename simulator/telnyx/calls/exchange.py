"""The telephone exchange: every call there is, and the numbers somebody answers at."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from simulator.caller.demo import DEMO
from simulator.caller.party import Party
from simulator.caller.script import Script
from simulator.pacing import Wheel
from simulator.speech.services import SpeechServices
from simulator.telnyx.calls.flows import Method, TexmlFlow, dial_out
from simulator.telnyx.calls.leg import Call
from simulator.telnyx.facts import CallFacts
from simulator.telnyx.identifiers import CallIds
from simulator.telnyx.requests.calls import DialRequest
from simulator.telnyx.webhooks.announce import ControlAnnouncer, TexmlAnnouncer
from simulator.telnyx.webhooks.delivery import Webhooks

log = logging.getLogger(__name__)

_MAX_LIVE: Final = 500
_MAX_ENDED: Final = 200
_MAX_NUMBERS: Final = 1000
_MAX_COMMANDS: Final = 10_000
_COMMAND_SECONDS: Final = 60.0
"""A command id seen again within this time is the same command (Telnyx API reference, `command_id`)."""

TEXML_CONNECTION_ID: Final = "1494404757140276705"
"""The simulated TeXML application that incoming calls belong to."""


class ExchangeFull(Exception):
    """The exchange takes no more; the text says of what and why, in one sentence."""


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """A caller who dials the application's number."""

    from_number: str
    to_number: str
    texml_url: str
    texml_method: Method
    status_callback: str | None
    script: Script


class Exchange:
    def __init__(self, speech: SpeechServices, webhooks: Webhooks, wheel: Wheel, ring_ms: int) -> None:
        """`ring_ms`: how long a dialled number rings when its script does not say."""
        self._speech = speech
        self._webhooks = webhooks
        self._wheel = wheel
        self._ring_ms = ring_ms
        self._calls: OrderedDict[str, Call] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._scripts: dict[str, tuple[Script, bool]] = {}
        self._commands: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._closed = False

    @property
    def live(self) -> int:
        return len(self._tasks)

    def find(self, call_control_id: str) -> Call | None:
        """A live call, or one of the last that ended."""
        return self._calls.get(call_control_id)

    def answer_at(self, number: str, script: Script, keep: bool) -> None:
        """Who answers the next call to `number`, or all of them (`keep`). Raises ExchangeFull."""
        if number not in self._scripts and len(self._scripts) >= _MAX_NUMBERS:
            raise ExchangeFull(f"Scripts are kept for {_MAX_NUMBERS} numbers at most; restart the simulator.")
        self._scripts[number] = (script, keep)

    def take_script(self, number: str) -> Script:
        """Who answers this call to `number`: its script, which is gone then unless kept, or the demo's caller."""
        script, keep = self._scripts.get(number, (DEMO, True))
        if not keep:
            del self._scripts[number]
        return script

    def dial(self, request: DialRequest) -> Call:
        """A Call Control dial, or the call that the same command made before. Raises ExchangeFull."""
        repeated = self.recent(request.command_id)
        if repeated is not None:
            return repeated
        self._check_room()
        script = self.take_script(request.to_number)
        facts = CallFacts(
            ids=CallIds(),
            connection_id=request.connection_id,
            direction="outgoing",
            from_number=request.from_number,
            to_number=request.to_number,
            client_state=request.client_state,
            codec=script.codec,
            started_at=datetime.now(UTC),
        )
        announcer = ControlAnnouncer(self._webhooks.channel(), request.webhook_url)
        call = Call(facts, Party(script, self._speech), announcer, self._wheel)
        if request.ignored:
            call.warn(f"The simulator ignores these dial parameters: {', '.join(request.ignored)}.")
        self.remember(request.command_id, call)
        ring_ms = self._ring_ms if script.answer_after_ms is None else script.answer_after_ms
        return self._start(call, dial_out(request, ring_ms))

    def dial_in(self, request: IncomingCall) -> Call:
        """A caller dials the application. Raises ExchangeFull."""
        self._check_room()
        facts = CallFacts(
            ids=CallIds(),
            connection_id=TEXML_CONNECTION_ID,
            direction="incoming",
            from_number=request.from_number,
            to_number=request.to_number,
            client_state=None,
            codec=request.script.codec,
            started_at=datetime.now(UTC),
        )
        announcer = TexmlAnnouncer(self._webhooks.channel(), request.status_callback)
        call = Call(facts, Party(request.script, self._speech), announcer, self._wheel)
        return self._start(call, TexmlFlow(request.texml_url, request.texml_method, self._webhooks))

    def recent(self, command_id: str | None) -> Call | None:
        """The call that a command of the last minute was given to."""
        while self._commands and next(iter(self._commands.values()))[0] < monotonic():
            self._commands.popitem(last=False)
        if command_id is None or command_id not in self._commands:
            return None
        return self._calls.get(self._commands[command_id][1])

    def remember(self, command_id: str | None, call: Call) -> None:
        if command_id is None:
            return
        if len(self._commands) >= _MAX_COMMANDS:
            self._commands.popitem(last=False)
        self._commands[command_id] = (monotonic() + _COMMAND_SECONDS, call.id)

    async def close(self) -> None:
        """Take no more calls, hang up every one and wait until their streams are closed."""
        self._closed = True
        for call in self._calls.values():
            call.application_hangs_up()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _check_room(self) -> None:
        if self._closed:
            raise ExchangeFull("The simulator is shutting down and takes no more calls.")
        if self.live >= _MAX_LIVE:
            raise ExchangeFull(f"{_MAX_LIVE} calls are live, as many as the simulator carries; hang some up.")

    def _start(self, call: Call, flow: Callable[[Call], Awaitable[None]]) -> Call:
        self._calls[call.id] = call
        task = asyncio.create_task(call.run(flow))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return call

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("A call failed.", exc_info=error)
        ended = [call_id for call_id, call in self._calls.items() if call.over.is_set()]
        for call_id in ended[:-_MAX_ENDED]:
            del self._calls[call_id]

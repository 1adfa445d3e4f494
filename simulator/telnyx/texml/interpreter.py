"""Runs TeXML on a call leg: verb by verb, from document to document.

Source: Telnyx, "TeXML Fundamentals" and the page of each verb. A call whose document cannot be had or run is hung
up, as is one whose document is exhausted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from simulator.telnyx.call_rules import GatherRules
from simulator.telnyx.facts import Hangup
from simulator.telnyx.routing import Method
from simulator.telnyx.texml import parameters
from simulator.telnyx.texml.errors import TexmlError
from simulator.telnyx.texml.fetch import Requester, fetch
from simulator.telnyx.texml.parse import parse
from simulator.telnyx.texml.playing import Sleep, play
from simulator.telnyx.texml.port import DialOrder, TexmlLeg
from simulator.telnyx.texml.source import Fetch, Inline, Source
from simulator.telnyx.texml.verbs import (
    ConnectStream,
    Dial,
    Document,
    Gather,
    HangUp,
    Pause,
    Play,
    PlayDigits,
    Record,
    Redirect,
    Reject,
    Say,
    StartRecording,
    StartStream,
    StopStream,
    Verb,
)
from simulator.telnyx.webhooks import texml_wire

MAX_REDIRECTS: Final = 20
MAX_DOCUMENTS: Final = 100

_ALL_KEYS: Final = "0123456789#*"
_LONGEST_GATHER_MS: Final = 14_400_000
_REJECTIONS: Final = MappingProxyType(
    {"busy": Hangup("user_busy", "callee", "486"), "rejected": Hangup("call_rejected", "callee", "603")}
)


async def run(leg: TexmlLeg, source: Source, requester: Requester, sleep: Sleep = asyncio.sleep) -> None:
    """Run until the leg is hung up, which this does in the end. Cancel it to run something else instead."""
    try:
        await _Run(leg, source, requester, sleep).run()
    except TexmlError as error:
        leg.warn(str(error))
        ours = "callee" if leg.facts.direction == "incoming" else "caller"
        leg.hang_up(Hangup("unspecified", ours, "unspecified"))


@dataclass(frozen=True, slots=True)
class _Onward:
    """Where the next document is, and what it is asked with."""

    url: str
    method: Method
    form: parameters.Form = field(default_factory=dict[str, str])


class _Run:
    def __init__(self, leg: TexmlLeg, source: Source, requester: Requester, sleep: Sleep) -> None:
        self._leg = leg
        self._source = source
        self._requester = requester
        self._sleep = sleep
        self._documents = 0
        self._redirects = 0
        """In a row, without anything between them that takes the caller's time."""

    async def run(self) -> None:
        source = self._source
        if isinstance(source, Inline):
            document = self._begun(parse(source.document, source.base_url))
        else:
            document = await self._fetch(_Onward(source.url, source.method))
        while (onward := await self._execute(document)) is not None:
            document = await self._fetch(onward)

    async def _fetch(self, onward: _Onward) -> Document:
        if self._documents == MAX_DOCUMENTS:
            raise TexmlError(f"A call runs at most {MAX_DOCUMENTS} TeXML documents; end the loop between them.")
        place = Fetch(onward.url, onward.method)
        if isinstance(self._source, Fetch):
            source = self._source
            place = replace(
                place,
                fallback_url=source.fallback_url,
                fallback_method=source.fallback_method or source.method,
            )
        form = texml_wire.instruction_request(self._leg.facts, self._leg.answered_by) | onward.form
        return self._begun(await fetch(place, form, self._requester, self._leg.warn))

    def _begun(self, document: Document) -> Document:
        self._documents += 1
        for warning in document.warnings:
            self._leg.warn(warning)
        return document

    async def _execute(self, document: Document) -> _Onward | None:
        """Where to go on, or None when the leg was hung up."""
        for verb in document.verbs:
            match verb:
                case HangUp():
                    break
                case Reject(reason):
                    if self._leg.is_answered or self._leg.facts.direction == "outgoing":
                        break
                    self._leg.hang_up(_REJECTIONS[reason])
                    return None
                case Redirect(url, method):
                    return self._redirected(_Onward(url, method))
                case StopStream(name):
                    self._leg.stop_stream(name)
                case _:
                    self._redirects = 0
                    onward = await self._occupy(verb)
                    if onward is not None:
                        return onward
        self._leg.application_hangs_up()
        return None

    def _redirected(self, onward: _Onward) -> _Onward:
        self._redirects += 1
        if self._redirects > MAX_REDIRECTS:
            raise TexmlError(
                f"The TeXML was redirected more than {MAX_REDIRECTS} times in a row; end the loop of <Redirect>."
            )
        return onward

    async def _occupy(self, verb: Verb) -> _Onward | None:
        """Run a verb that needs an answered call; the result is where its action goes on, if it does."""
        if not (isinstance(verb, Dial) and verb.answer_on_bridge):
            self._leg.answer()
        match verb:
            case ConnectStream(stream):
                await self._leg.stream(stream)
            case StartStream(stream):
                self._leg.start_stream(stream)
            case StartRecording(rules):
                self._leg.start_recording(rules)
            case Gather():
                return await self._gather(verb)
            case Record():
                return await self._record(verb)
            case Dial():
                return await self._dial(verb)
            case Say() | Play() | PlayDigits() | Pause():
                await play(self._leg, verb, self._sleep)
            case HangUp() | Redirect() | Reject() | StopStream():
                pass
        return None

    async def _gather(self, verb: Gather) -> _Onward | None:
        prompt = self._prompt(verb)
        if not verb.listens:
            if prompt is not None:
                await prompt()
            await self._sleep(verb.timeout_seconds)
            return None
        patience_ms = verb.timeout_seconds * 1000
        rules = GatherRules(
            minimum=verb.minimum,
            maximum=verb.maximum,
            terminating_digit=verb.finish_on_key,
            # Invalid keys that the application wants to be told of must not be dropped on the way.
            valid_digits=verb.valid_digits if verb.invalid_url is None else _ALL_KEYS,
            inter_digit_timeout_ms=patience_ms,
            timeout_ms=min(patience_ms * (verb.maximum + 1), _LONGEST_GATHER_MS),
        )
        ended = await self._leg.gather(rules, prompt)
        if not ended.digits or ended.status not in ("valid", "invalid", "timeout"):
            return None
        is_valid = len(ended.digits) >= verb.minimum and set(ended.digits) <= set(verb.valid_digits)
        url = verb.action_url if is_valid else verb.invalid_url
        return None if url is None else _Onward(url, self._source.method, parameters.gathered(ended.digits))

    def _prompt(self, verb: Gather) -> Callable[[], Awaitable[None]] | None:
        async def prompt() -> None:
            for part in verb.prompts:
                await play(self._leg, part, self._sleep)

        return prompt if verb.prompts else None

    async def _record(self, verb: Record) -> _Onward | None:
        recording = await self._leg.record(verb.rules)
        if recording is None or verb.action is None:
            return None
        return _Onward(verb.action.url, verb.action.method, parameters.recorded(recording))

    async def _dial(self, verb: Dial) -> _Onward | None:
        order = DialOrder(
            targets=verb.targets,
            from_number=verb.caller_id or self._leg.facts.from_number,
            timeout_seconds=verb.timeout_seconds,
            time_limit_seconds=verb.time_limit_seconds,
            recording=verb.recording,
            sequential=verb.sequential,
            answer_on_bridge=verb.answer_on_bridge,
            hang_up_on_star=verb.hang_up_on_star,
        )
        result = await self._leg.dial(order)
        if verb.action is None:
            return None
        return _Onward(verb.action.url, verb.action.method, parameters.dialled(result))

"""One connection of Rime's WebSocket v1: contexts, each one continuous synthesis that ends with one last event."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from simulator.rime.parameters import MAX_TEXT, Refused, Voicing, of_context
from simulator.rime.speaking import Speaker
from simulator.rime.v1_wire import Envelopes, Request, Start, Undecodable, decode
from simulator.speech.sentences import split_sentences
from simulator.speech.synthesiser import Speech
from simulator.voice_socket import Closed, Send

_MOST_CONTEXTS: Final = 32
_MOST_TEXTS: Final = 500
_LONGEST_NAME: Final = 128
_ACCUMULATES: Final = 3
"""SPLIT_STRATEGY_ACCUMULATE_SENTENCE."""


@dataclass(slots=True)
class _Context:
    """`None` in the queue is the end of its input."""

    name: str
    voicing: Voicing
    accumulates: bool
    stamped: bool
    texts: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(_MOST_TEXTS))
    ended: bool = False
    unfinished: str = ""
    task: asyncio.Task[None] | None = None


class V1Session:
    """`receive` takes the client's frames, `run` waits for what closes the connection."""

    def __init__(self, envelopes: Envelopes, speaker: Speaker, send: Send) -> None:
        self._envelopes = envelopes
        self._speaker = speaker
        self._send = send
        self._contexts: dict[str, _Context] = {}
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Raises Closed when the connection is to be closed."""
        try:
            await self._send(self._envelopes.ready())
            await self._broken
        finally:
            tasks = [context.task for context in self._contexts.values() if context.task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def receive(self, message: str | bytes) -> None:
        """Raises Closed after a frame that cannot be decoded."""
        try:
            request = decode(message)
        except Undecodable as error:
            await self._send(self._envelopes.error("", "invalid_input", str(error)[:500]))
            raise Closed(1011, "400: the frame cannot be decoded") from None
        name = request.context_id or "default"
        try:
            await self._take(name, request)
        except Refused as refused:
            await self._fail(name, "invalid_input", str(refused))

    async def _take(self, name: str, request: Request) -> None:
        """Raises Refused."""
        context = self._contexts.get(name)
        match request.WhichOneof("payload"):
            case "start":
                await self._start(name, request.start)
            case "text":
                if context is None or context.ended:
                    raise Refused(400, f"Context {name[:40]!r} is not open for input.")
                self._add(context, request.text)
            case "end":
                if context is not None and not context.ended:
                    self._end(context)
            case "cancel":
                if context is not None:
                    await self._drop(context)
                await self._send(self._envelopes.cancelled(name))
            case "config":
                # The key came with the upgrade.
                raise Refused(400, "The upgrade request carried an Authorization header already.")
            case _:
                raise Refused(400, "The envelope has no payload.")

    async def _start(self, name: str, start: Start) -> None:
        if name in self._contexts:
            raise Refused(400, f"Context {name[:40]!r} is open already.")
        if len(name.encode()) > _LONGEST_NAME or len(self._contexts) >= _MOST_CONTEXTS:
            raise Refused(400, f"A connection has at most {_MOST_CONTEXTS} contexts, with names of 128 bytes.")
        audio = start.audio_parameters
        scale = audio.time_scale_factor if audio.HasField("time_scale_factor") else None
        voicing = of_context(start.speaker, start.language, audio.audio_format, audio.sampling_rate, scale)
        context = _Context(
            name, voicing, accumulates=start.split_strategy == _ACCUMULATES, stamped=start.timestamps.enable
        )
        if start.text:
            self._add(context, start.text)
            self._end(context)
        self._contexts[name] = context
        await self._send(self._envelopes.started(name))
        context.task = asyncio.create_task(self._speak(context))

    def _add(self, context: _Context, text: str) -> None:
        """Raises Refused."""
        if len(text) > MAX_TEXT or len(context.unfinished) > MAX_TEXT:
            raise Refused(400, "text is too long")
        if context.accumulates:
            text, context.unfinished = split_sentences(context.unfinished + text)
        _put(context, text)

    def _end(self, context: _Context) -> None:
        _put(context, context.unfinished)
        _put(context, None)
        context.ended = True

    async def _speak(self, context: _Context) -> None:
        """Speak a context's texts until their end. A fault, or a voice that fails, closes the connection."""
        name, voicing = context.name, context.voicing
        spoken: list[tuple[int, Speech]] = []
        at_ms = 0
        try:
            while (text := await context.texts.get()) is not None:
                speech = await self._speaker.speech(text, voicing)
                async for audio in self._speaker.chunks(speech, voicing, headed=not spoken):
                    await self._send(self._envelopes.audio(name, audio))
                spoken.append((at_ms, speech))
                at_ms += speech.duration_ms
        except Closed as closed:
            if not self._broken.done():
                self._broken.set_exception(closed)
            return
        self._contexts.pop(name, None)
        await self._send(self._envelopes.done(name, spoken if context.stamped else None))

    async def _drop(self, context: _Context) -> None:
        self._contexts.pop(context.name, None)
        if context.task is not None:
            context.task.cancel()
            await asyncio.gather(context.task, return_exceptions=True)

    async def _fail(self, name: str, kind: str, message: str) -> None:
        """An error is the last event of the context that it names."""
        context = self._contexts.get(name)
        if context is not None:
            await self._drop(context)
        await self._send(self._envelopes.error(name[:_LONGEST_NAME], kind, message))


def _put(context: _Context, text: str | None) -> None:
    if text is not None and not text.strip():
        return
    try:
        context.texts.put_nowait(text)
    except asyncio.QueueFull:
        raise Refused(400, f"More than {_MOST_TEXTS} texts wait to be spoken.") from None

"""Rime's voice for Pipecat: upstream's service for `/ws3`, made safe against what Rime's `done` means."""

from __future__ import annotations

import base64
import json
import textwrap
from collections.abc import AsyncGenerator
from typing import Any, cast

from pipecat.frames.frames import ErrorFrame, Frame, TTSAudioRawFrame, TTSStartedFrame, TTSStoppedFrame
from pipecat.services.rime.tts import RimeTTSService
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

_LONGEST_TEXT = 1000
"""Characters that Rime takes at once (docs.rime.ai, "Error reference")."""


class RimeVoice(RimeTTSService):
    """Sends one piece of text at a time and flushes it, the next when that is done.

    Rime says ``done`` whenever it has nothing left to speak, which upstream takes for the end of the answer: what
    the LLM wrote later would be lost. Here an answer ends when its input has ended and every piece is done. Needs
    ``segment="never"``, so that Rime speaks at a flush and then alone.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._waiting: dict[str, list[str]] = {}
        """The open answers by context, and what of each Rime has not been given."""
        self._ended: set[str] = set()
        self._asked = ""
        """The context of the piece that Rime is at."""
        self._timed = ""
        """The context that upstream's cumulative time belongs to."""

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        if self._websocket is None or self._websocket.state is State.CLOSED:
            self._forget_all()
            await self._connect()
        if not self.audio_context_available(context_id):
            await self.create_audio_context(context_id)
            yield TTSStartedFrame(context_id=context_id)
        pieces = textwrap.wrap(text, _LONGEST_TEXT) if len(text) > _LONGEST_TEXT else [text]
        self._waiting.setdefault(context_id, []).extend(pieces)
        await self.start_tts_usage_metrics(text)
        if self._websocket is None:
            # Why has been told by the connection.
            yield ErrorFrame("Rime cannot be reached.")
            await self._finish(context_id)
        else:
            await self._ask()
        yield None

    async def flush_audio(self, context_id: str | None = None) -> None:
        """The input of an answer has ended."""
        context = context_id or self.get_active_audio_context_id()
        if context in self._waiting:
            self._ended.add(context)
            await self._end_if_over(context)

    async def on_audio_context_interrupted(self, context_id: str) -> None:
        # Rime's clear would change nothing: what it has been given is flushed, and it finishes what it is at.
        self._forget(context_id)
        await self.stop_all_metrics()

    async def on_audio_context_completed(self, context_id: str) -> None:
        if context_id == self._asked:
            # It was quiet for longer than Pipecat waits: the rest does not wait for a `done` that may never come.
            await self._done(context_id)

    async def _receive_messages(self) -> None:
        try:
            async for message in cast("ClientConnection", self._get_websocket()):
                await self._take(json.loads(message))
        except ConnectionClosed as closed:
            if self._asked:
                reason = closed.rcvd.reason if closed.rcvd is not None else ""
                await self.push_error(f"Rime closed the connection: {reason or closed}")
            raise

    async def _take(self, event: dict[str, Any]) -> None:
        context = event.get("contextId") or ""
        match event.get("type"):
            case "error":
                # It names no context, and no `done` follows for what Rime did not understand.
                await self.push_error(f"Rime did not understand: {event.get('message')}")
                await self._done(self._asked)
            case _ if context not in self._waiting:
                # Of an answer that was interrupted.
                pass
            case "chunk":
                audio = base64.b64decode(event["data"])
                frame = TTSAudioRawFrame(audio, self.sample_rate, 1, context_id=context)
                await self.append_to_audio_context(context, frame)
            case "timestamps":
                await self._tell_words(event.get("word_timestamps") or {}, context)
            case "done":
                await self._done(context)
            case _:
                pass

    async def _tell_words(self, stamps: dict[str, Any], context: str) -> None:
        """Rime counts from the beginning of each piece, Pipecat from that of the answer."""
        words, starts, ends = (stamps.get(name) or [] for name in ("words", "start", "end"))
        if self._timed != context:
            self._timed, self._cumulative_time = context, 0
        pairs = self._calculate_word_times(words, starts, ends)
        if pairs:
            await self.add_word_timestamps(pairs, context_id=context)
            self._cumulative_time += ends[-1]

    async def _ask(self) -> None:
        """Give Rime the next piece, unless it is at one."""
        context = next((context for context, pieces in self._waiting.items() if pieces), "")
        if self._asked or not context or self._websocket is None:
            return
        self._asked = context
        text = {"text": self._waiting[context].pop(0), "contextId": context}
        try:
            await self._websocket.send(json.dumps(text))
            await self._websocket.send(json.dumps({"operation": "flush"}))
        except ConnectionClosed:
            # The receive loop notices as well, tells and connects again.
            pass

    async def _done(self, context: str) -> None:
        if context == self._asked:
            self._asked = ""
        if context in self._waiting:
            await self._end_if_over(context)
        await self._ask()

    async def _end_if_over(self, context: str) -> None:
        if context in self._ended and not self._waiting[context] and self._asked != context:
            await self._finish(context)

    async def _finish(self, context: str) -> None:
        self._forget(context)
        await self.stop_ttfb_metrics()
        if self.audio_context_available(context):
            await self.append_to_audio_context(context, TTSStoppedFrame(context_id=context))
            await self.remove_audio_context(context)

    def _forget(self, context: str) -> None:
        self._waiting.pop(context, None)
        self._ended.discard(context)
        if self._asked == context:
            self._asked = ""

    def _forget_all(self) -> None:
        self._waiting.clear()
        self._ended.clear()
        self._asked = ""

    async def _close_connection_contexts(self) -> None:
        self._forget_all()
        await super()._close_connection_contexts()

    async def _disconnect_websocket(self) -> None:
        if self._websocket is not None and self._websocket.state is not State.OPEN:
            # Upstream would say goodbye to nobody, and tell that as an error.
            self._websocket = None
        await super()._disconnect_websocket()

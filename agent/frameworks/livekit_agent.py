"""The agent of a call for LiveKit: what it is told, what it may call, and what is reported of its work."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from typing import Any

from livekit import rtc
from livekit.agents import (
    Agent,
    APIError,
    FlushSentinel,
    ModelSettings,
    RunContext,
    StopResponse,
    llm,
    tokenize,
    tts,
)
from livekit.agents.types import APIConnectOptions

from agent.definition import ToolDefinition
from agent.frameworks import Job

_SENTENCE = 10
"""Characters of the shortest piece that is spoken by itself."""
_CONTEXT = 5
_CUT_OFF = "CANCELLED"


class Whole(str):
    """Words that are spoken in one piece, since they are there from the beginning."""

    __slots__ = ()


class CallAgent(Agent):
    """The one agent of a session.

    Args:
        job: the call.
        voice: speaks one sentence at a time, with ``connect`` for each.
        turn_over: told what the caller said when LiveKit would have it answered; says whether it may.
        tts_asked: told once a sentence has gone to the voice.
        voiceless: told when a sentence could not be spoken at all.
    """

    def __init__(
        self,
        job: Job,
        voice: tts.TTS,
        connect: APIConnectOptions,
        *,
        turn_over: Callable[[llm.ChatMessage], bool],
        tts_asked: Callable[[], object],
        voiceless: Callable[[], object],
    ) -> None:
        super().__init__(instructions=job.instructions, tools=[self._tool(tool) for tool in job.definition.tools])
        self._job, self._voice, self._connect = job, voice, connect
        self._turn_over, self._asked, self._voiceless = turn_over, tts_asked, voiceless
        self._sentences = tokenize.blingfire.SentenceTokenizer(
            min_sentence_len=_SENTENCE, stream_context_len=_CONTEXT
        )
        self.held = False
        """While set, nothing is asked of the model: what the caller says is kept."""

    @property
    def messages(self) -> list[llm.ChatItem]:
        """The conversation as the model will be told it, to be read and changed; the instructions come first."""
        return self._chat_ctx.items

    @property
    def was_cut_off(self) -> bool:
        """Whether what was said last is the agent's, and did not come to its end."""
        said = (item for item in reversed(self.messages) if isinstance(item, llm.ChatMessage))
        return next((item.interrupted for item in said if item.role in ("user", "assistant")), False)

    async def on_user_turn_completed(self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage) -> None:
        if not self._turn_over(new_message):
            self._chat_ctx.insert(new_message)
            raise StopResponse

    async def llm_node(
        self, chat_ctx: llm.ChatContext, tools: list[llm.Tool], model_settings: ModelSettings
    ) -> AsyncGenerator[llm.ChatChunk | str | FlushSentinel, None]:
        if self.held:
            return
        turns = self._job.turns
        told = sum(_counts(item) for item in chat_ctx.items)
        turns.llm_asked(time.monotonic_ns(), self._job.definition.llm.model, told)
        usage: llm.CompletionUsage | None = None
        try:
            async for chunk in Agent.default.llm_node(self, chat_ctx, tools, model_settings):
                if isinstance(chunk, llm.ChatChunk):
                    usage = chunk.usage or usage
                    if chunk.delta is not None and chunk.delta.content:
                        turns.llm_token(time.monotonic_ns(), chunk.delta.content)
                yield chunk
        finally:
            turns.llm_done(
                time.monotonic_ns(),
                usage.prompt_tokens if usage is not None else None,
                usage.completion_tokens if usage is not None else None,
            )

    async def tts_node(
        self, text: AsyncIterable[str], model_settings: ModelSettings
    ) -> AsyncGenerator[rtc.AudioFrame, None]:
        """Speak sentence by sentence: each is a request of its own, so that the first is heard while the model
        still writes, and what fails is asked again alone."""
        turns = self._job.turns
        async for sentence in self._sentences_of(text):
            spoken = False
            async with self._voice.stream(conn_options=self._connect) as stream:
                turns.tts_asked(time.monotonic_ns(), sentence)
                self._asked()
                stream.push_text(sentence)
                stream.end_input()
                try:
                    async for audio in stream:
                        spoken = True
                        turns.tts_audio(time.monotonic_ns(), audio.frame.duration * 1000)
                        yield audio.frame
                except APIError:
                    if not spoken:
                        self._voiceless()
                    raise
        turns.tts_done()

    async def _sentences_of(self, text: AsyncIterable[str]) -> AsyncGenerator[str, None]:
        pieces = aiter(text)
        first = await anext(pieces, "")
        if isinstance(first, Whole):
            yield str(first)
            return
        stream = self._sentences.stream()
        stream.push_text(first)

        async def feed() -> None:
            async for piece in pieces:
                stream.push_text(piece)
            stream.end_input()

        feeding = asyncio.create_task(feed())
        try:
            async for sentence in stream:
                if sentence.token.strip():
                    yield sentence.token
            await feeding
        finally:
            feeding.cancel()
            await stream.aclose()

    def _tool(self, tool: ToolDefinition) -> llm.RawFunctionTool:
        async def run(raw_arguments: dict[str, Any], context: RunContext[None]) -> str:
            call = context.function_call
            box = self._job.tools
            work = asyncio.create_task(
                _given(box.call(call.name, call.call_id, raw_arguments, self._job.turns.turn))
            )
            await context.speech_handle.wait_if_not_interrupted([work])
            if work.done():
                return work.result()
            work.cancel()
            return _CUT_OFF

        schema = {"type": "object", "properties": tool.parameters, "required": tool.required}
        return llm.function_tool(
            run, raw_schema={"name": tool.name, "description": tool.description, "parameters": schema}
        )


def _counts(item: llm.ChatItem) -> bool:
    """Whether the model is told it, beside its instructions."""
    if isinstance(item, llm.ChatMessage):
        return item.role != "system"
    return isinstance(item, llm.FunctionCall | llm.FunctionCallOutput)


async def _given(value: Awaitable[Any]) -> str:
    return json.dumps(dict(await value), ensure_ascii=False)

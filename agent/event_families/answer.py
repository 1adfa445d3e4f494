"""How an answer is made: ``llm.*``, ``tool.*`` and ``tts.*``."""

from __future__ import annotations

from typing import Any

from agent.event_families.envelope import Event


class LlmRequest(Event, tag="llm.request"):
    """A request to the LLM with ``messages`` messages of context."""

    turn: int
    model: str
    messages: int


class LlmFirstToken(Event, tag="llm.first_token"):
    """The first text token of an LLM answer."""

    turn: int
    took_ms: int


class LlmDone(Event, tag="llm.done"):
    """An LLM answer is complete; token counts are null where the service did not report them."""

    turn: int
    text: str
    took_ms: int
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class ToolCalled(Event, tag="tool.called"):
    """The LLM called a tool of the agent definition."""

    turn: int
    tool_call_id: str
    name: str
    arguments: dict[str, Any]


class ToolReturned(Event, tag="tool.returned"):
    """A tool came back. ``summary`` is one short line for people; ``ok`` is false when it failed."""

    turn: int
    tool_call_id: str
    name: str
    ok: bool
    summary: str
    took_ms: int


class TtsRequest(Event, tag="tts.request"):
    """Text handed to the TTS, usually one sentence of an answer."""

    turn: int
    text: str


class TtsFirstAudio(Event, tag="tts.first_audio"):
    """The first audio of an answer arrived from the TTS, ``took_ms`` after its first text was sent."""

    turn: int
    took_ms: int


class TtsDone(Event, tag="tts.done"):
    """The TTS delivered all audio of an answer: ``audio_ms`` of it."""

    turn: int
    audio_ms: int

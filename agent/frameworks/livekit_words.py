"""Operators' words in LiveKit's chat context."""

from __future__ import annotations

import time
from typing import cast

from livekit.agents.llm import ChatItem, ChatMessage, ChatRole, FunctionCall, FunctionCallOutput

from agent.frameworks.operator_words import OperatorWords


class LiveKitWords(OperatorWords[ChatItem]):
    """LiveKit keeps its items in the order of ``created_at``, so a new one takes that of its neighbour."""

    def _role(self, message: ChatItem) -> str:
        if isinstance(message, FunctionCall | FunctionCallOutput):
            return "tool"
        return message.role if isinstance(message, ChatMessage) else ""

    def _make(self, role: str, text: str, before: ChatItem | None) -> ChatMessage:
        at = before.created_at if before is not None else time.time()
        return ChatMessage(role=cast("ChatRole", role), content=[text], created_at=at)

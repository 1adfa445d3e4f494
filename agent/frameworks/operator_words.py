"""What operators whisper and say, in a chat model's messages; for any framework that keeps such a list. Pure."""

from __future__ import annotations

from typing import Any, Final

Messages = list[dict[str, Any]]

_GUIDANCE: Final = (
    "Use what follows from your next answer on. Your supervisor hears this call and tells you; the caller does "
    "not know of it. Never quote or mention it."
)
_BY_COLLEAGUE: Final = "(A colleague spoke to the caller in your place:)"


def add_guidance(messages: Messages, text: str) -> None:
    """Put guidance before what is still to be answered: models answer what comes last, and the results of tools
    must follow their calls."""
    place = len(messages)
    while place and _to_be_answered(messages[place - 1]):
        place -= 1
    messages.insert(place, {"role": "developer", "content": f"{_GUIDANCE}\n{text}"})


def add_spoken(messages: Messages, text: str, before: dict[str, Any] | None = None) -> None:
    """What an operator said to the caller counts as an answer, and is told from the model's own.

    ``before`` is what the caller said after it, where that was understood first.
    """
    later = (place for place, message in enumerate(messages) if message is before)
    messages.insert(next(later, len(messages)), {"role": "assistant", "content": f"{_BY_COLLEAGUE} {text}"})


def last_of_caller(messages: Messages) -> dict[str, Any] | None:
    return next((message for message in reversed(messages) if message.get("role") == "user"), None)


def unanswered(messages: Messages) -> bool:
    """Whether the caller, or a tool, has spoken last."""
    last = next((message for message in reversed(messages) if message.get("role") != "developer"), {})
    return _to_be_answered(last)


def _to_be_answered(message: dict[str, Any]) -> bool:
    return message.get("role") in ("user", "tool") or bool(message.get("tool_calls"))

"""The stand-in's model: a clinic's front desk that answers from the messages alone. Pure and deterministic.

The whole conversation is read again for every reply, so nothing is kept between requests, and a bot that rewrites,
cuts off or replays its context is answered as a model would answer it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, cast

import msgspec

from simulator.openai import facts, intents
from simulator.openai.desk import Desk, Say, UseTool
from simulator.openai.tools import Role, Tool, result_of, tools_by_role

_CAN_DO: Final = "I can book, move or cancel an appointment, or tell you when we are open."
_MAX_QUOTED_WORDS: Final = 12
_RUNNING: Final = "IN_PROGRESS"
_CANCELLED: Final = "CANCELLED"
"""What Pipecat puts in a tool message until the tool has answered, and when the caller interrupted it
(`llm_response_universal.py`)."""


_ENDING: Final = re.compile(r"good ?bye|end the call", re.IGNORECASE)
_UNCLEAR: Final = re.compile(r"transcri|understand|understood|catch|unclear|hear", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ToolCall:
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """Words to say, tools to call, or both."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


def reply(messages: list[dict[str, Any]], tools: Sequence[Tool], today: date) -> Reply:
    """The desk's next move. `today` counts only if the system prompt names no ISO date."""
    return _Reading(messages, tools, today).reply()


class _Reading:
    """One pass over the messages of a request."""

    def __init__(self, messages: list[dict[str, Any]], tools: Sequence[Tool], today: date) -> None:
        self._prompt = "\n".join(text_of(m) for m in messages if m.get("role") in ("system", "developer"))
        self._roles = tools_by_role(tools)
        self._desk = Desk(facts.today_in(self._prompt) or today, self._roles)
        self._calls: dict[str, str] = {}
        self._running: set[str] = set()
        self._last: tuple[str, str] = ("", "")
        self._last_said = ""
        self._last_result: tuple[Role | None, Any] | None = None
        for message in messages:
            self._read(message)

    def reply(self) -> Reply:
        kind, text = self._last
        match kind:
            case "user":
                return self._to_caller(text)
            case "result":
                return self._to_result()
            case "instruction" if self._last_said:
                return self._to_instruction(text)
            case _:
                return Reply(facts.greeting(self._prompt))

    def _read(self, message: dict[str, Any]) -> None:
        text = text_of(message)
        match message.get("role"):
            case "user" if text:
                self._desk.hear(text)
                self._last = ("user", text)
            case "assistant":
                self._read_assistant(message, text)
            case "tool":
                self._read_result(str(message.get("tool_call_id", "")), text)
            case "developer":
                deferred = _deferred_result(text)
                if deferred is None:
                    self._last = ("instruction", text)
                else:
                    self._read_result(*deferred)
            case _:
                pass

    def _read_assistant(self, message: dict[str, Any], text: str) -> None:
        if text:
            self._last_said = text
            self._last = ("assistant", text)
        for call in message.get("tool_calls") or ():
            name = str(call.get("function", {}).get("name", ""))
            self._calls[str(call.get("id", ""))] = name
            self._desk.remember_call(self._role(name))

    def _read_result(self, call_id: str, content: str) -> None:
        if content == _RUNNING or _is_running(content):
            self._running.add(call_id)
            return
        self._running.discard(call_id)
        role = self._role(self._calls.get(call_id, ""))
        if content.startswith(_CANCELLED):
            self._desk.forget_call(role)
            return
        result = result_of(content)
        self._desk.see_result(role, result)
        self._last_result = (role, result)
        self._last = ("result", content)

    def _to_caller(self, text: str) -> Reply:
        desk = self._desk
        if self._running:
            return Reply("One moment, I am still looking.")
        if desk.topic is not None:
            told = facts.fact(desk.topic, self._prompt)
            step = desk.next_step() if self._is_open() else None
            return Reply(f"{told} {step.text}" if isinstance(step, Say) else told)
        if intents.is_goodbye(text):
            return self._goodbye()
        if self._is_open() and desk.asked == "slot" and not desk.progressed and intents.is_no(text):
            return Reply("Which other day or time would suit you?")
        if self._is_open() and (desk.progressed or not _is_aside(text)):
            return self._next_step()
        return Reply(self._small_talk(text))

    def _small_talk(self, text: str) -> str:
        if intents.is_repeat(text) and self._last_said:
            return self._last_said
        if intents.is_thanks(text):
            return "You are welcome. Is there anything else I can do for you?"
        if intents.is_wait(text):
            return "Of course, take your time."
        if intents.is_greeting(text):
            return f"Hello! {_CAN_DO}"
        if intents.is_no(text) and self._desk.done:
            return "All right. Thank you for calling, and goodbye!"
        if intents.is_yes(text):
            return "What can I do for you?"
        heard = " ".join(text.split()[:_MAX_QUOTED_WORDS]).rstrip(".,!?")
        return f"I heard: {heard}. {_CAN_DO}"

    def _to_result(self) -> Reply:
        desk = self._desk
        role, result = self._last_result or (None, None)
        if desk.trouble is not None and role != "search":
            step = self._next_step() if role is not None and self._is_open() else Reply()
            sorry = "I am sorry, that did not work."
            return Reply(f"{sorry} {step.text}".strip()) if not step.tool_calls else Reply(sorry)
        if role in ("book", "cancel"):
            return Reply(desk.outcome())
        if role == "search" and desk.trouble is not None:
            return Reply("I am sorry, I cannot see the calendar just now. Shall I try another day?")
        if self._is_open():
            return self._next_step()
        return Reply(result if isinstance(result, str) and len(result) < 300 else "All right, that is done.")

    def _to_instruction(self, text: str) -> Reply:
        """A developer message in mid-call, as Pipecat sends when the caller is silent or was not understood."""
        if _ENDING.search(text):
            return self._goodbye()
        if _UNCLEAR.search(text):
            return Reply("Sorry, I did not catch that. Could you say it again?")
        return Reply("Are you still there?")

    def _next_step(self) -> Reply:
        match self._desk.next_step():
            case Say(text=text):
                return Reply(text)
            case UseTool(tool=tool, arguments=arguments):
                return Reply(tool_calls=(ToolCall(tool.name, arguments),))

    def _goodbye(self) -> Reply:
        hang_up: Tool | None = self._roles.get("hang_up")
        calls = () if hang_up is None or hang_up.required else (ToolCall(hang_up.name, {}),)
        return Reply("Thank you for calling. Goodbye!", calls)

    def _is_open(self) -> bool:
        return self._desk.task is not None and not self._desk.done

    def _role(self, name: str) -> Role | None:
        return next((role for role, tool in self._roles.items() if tool.name == name), None)


def text_of(message: dict[str, Any]) -> str:
    """The text of a message whose content is a string, a list of parts, or absent."""
    content = message.get("content")
    if isinstance(content, str):
        return content.strip()
    if not isinstance(content, list):
        return ""
    parts = [cast("dict[str, Any]", part) for part in cast("list[Any]", content) if isinstance(part, dict)]
    return " ".join(text for part in parts if isinstance(text := part.get("text"), str)).strip()


def _is_aside(text: str) -> bool:
    """Words that want an answer of their own before the task goes on."""
    return intents.is_wait(text) or intents.is_repeat(text) or intents.is_thanks(text)


def _async_tool(text: str) -> dict[str, Any] | None:
    """Pipecat's message about a tool that runs in the background (`async_tool_messages.py`)."""
    if not text.startswith("{"):
        return None
    try:
        payload = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
    is_one = isinstance(payload, dict) and cast("dict[str, Any]", payload).get("type") == "async_tool"
    return cast("dict[str, Any]", payload) if is_one else None


def _is_running(content: str) -> bool:
    payload = _async_tool(content)
    return payload is not None and payload.get("status") == "running"


def _deferred_result(text: str) -> tuple[str, str] | None:
    payload = _async_tool(text)
    if payload is None:
        return None
    result = payload.get("result", _RUNNING if payload.get("status") == "running" else "")
    content = result if isinstance(result, str) else msgspec.json.encode(result).decode()
    return str(payload.get("tool_call_id", "")), content

"""Chat Completions requests, chunks, completions and errors. Pure.

Source: types of the openai package 3.52 (`types/chat/chat_completion_chunk.py`, `types/completion_usage.py`) and
OpenAI's API reference, "Chat" and "Errors".
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec

from simulator.openai.dialogue import Reply, ToolCall
from simulator.openai.tools import Tool, parse_tools

_ROLES: Final = {"system", "developer", "user", "assistant", "tool", "function"}
_PIECES: Final = re.compile(r"\S+\s*")
_CHARACTERS_PER_TOKEN: Final = 4

DONE: Final = "data: [DONE]\n\n"


@dataclass
class OpenAIError(Exception):
    """A refusal in OpenAI's shape."""

    status: int
    message: str
    kind: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None

    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


@dataclass(frozen=True, slots=True)
class ChatRequest:
    model: str
    messages: list[dict[str, Any]]
    tools: list[Tool]
    stream: bool
    include_usage: bool


class _CalledFunction(msgspec.Struct):
    name: str


class _Called(msgspec.Struct):
    id: str
    function: _CalledFunction


def parse_request(body: bytes) -> ChatRequest:
    """Raises OpenAIError for what the service would refuse."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise OpenAIError(400, "We could not parse the JSON body of your request.") from None
    if not isinstance(decoded, dict):
        raise OpenAIError(400, "The request body must be a JSON object.")
    fields = cast("dict[str, Any]", decoded)
    model = fields.get("model")
    if not isinstance(model, str) or not model:
        raise OpenAIError(400, "you must provide a model parameter")
    if fields.get("n") not in (None, 1):
        raise OpenAIError(400, "The simulator gives one choice only; leave out n.", param="n")
    options = fields.get("stream_options")
    return ChatRequest(
        model=model,
        messages=_messages(fields.get("messages")),
        tools=[] if fields.get("tool_choice") == "none" else _tools(fields.get("tools")),
        stream=fields.get("stream") is True,
        include_usage=isinstance(options, dict) and cast("dict[str, Any]", options).get("include_usage") is True,
    )


def _tools(value: Any) -> list[Tool]:
    try:
        return parse_tools(value or [])
    except msgspec.ValidationError as error:
        raise OpenAIError(
            400, f"Invalid value for 'tools': {error}.", param="tools", code="invalid_type"
        ) from None


def _messages(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value:
        raise OpenAIError(400, "Invalid 'messages': expected an array of at least one message.", param="messages")
    messages: list[dict[str, Any]] = []
    unanswered: set[str] = set()
    for index, message in enumerate(cast("list[Any]", value)):
        fields = cast("dict[str, Any]", message) if isinstance(message, dict) else {}
        role = fields.get("role")
        if role not in _ROLES:
            detail = f"Invalid value: {role!r}. Supported values are: {', '.join(sorted(_ROLES))}."
            raise OpenAIError(400, detail, param=f"messages[{index}].role", code="invalid_value")
        if role == "tool":
            _check_tool_message(fields, unanswered, index)
        elif unanswered:
            raise _unanswered(unanswered)
        if role == "assistant":
            unanswered = _called(fields, index)
        messages.append(fields)
    if unanswered:
        raise _unanswered(unanswered)
    return messages


def _called(message: dict[str, Any], index: int) -> set[str]:
    try:
        calls = msgspec.convert(message.get("tool_calls") or [], list[_Called])
    except msgspec.ValidationError as error:
        param = f"messages[{index}].tool_calls"
        raise OpenAIError(400, f"Invalid value for 'tool_calls': {error}.", param=param) from None
    return {call.id for call in calls}


def _check_tool_message(message: dict[str, Any], unanswered: set[str], index: int) -> None:
    call_id = str(message.get("tool_call_id", ""))
    if call_id not in unanswered:
        detail = "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
        raise OpenAIError(400, detail, param=f"messages[{index}].role")
    unanswered.discard(call_id)


def _unanswered(call_ids: set[str]) -> OpenAIError:
    detail = (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        f"each 'tool_call_id'; these had no response messages: {', '.join(sorted(call_ids))}"
    )
    return OpenAIError(400, detail, param="messages")


class Completion:
    """One reply on the wire. `created` is in unix seconds."""

    def __init__(self, request: ChatRequest, reply: Reply, created: int) -> None:
        self._request = request
        self._reply = reply
        self._head: dict[str, Any] = {
            "id": "chatcmpl-" + secrets.token_hex(14),
            "created": created,
            "model": request.model,
        }
        self._calls = [("call_" + secrets.token_hex(12), call) for call in reply.tool_calls]

    def whole(self) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": self._reply.text or None, "refusal": None}
        if self._calls:
            message["tool_calls"] = [_tool_call(call_id, call) for call_id, call in self._calls]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish_reason()}
        return self._head | {"object": "chat.completion", "choices": [choice], "usage": self._usage()}

    def chunks(self) -> Iterator[str]:
        """Server-sent events: the role, a delta per word, the tool calls, the finish, the usage, and `[DONE]`."""
        yield self._delta({"role": "assistant", "content": "", "refusal": None})
        for piece in _PIECES.findall(self._reply.text):
            yield self._delta({"content": piece})
        for index, (call_id, call) in enumerate(self._calls):
            yield from self._call_deltas(index, call_id, call)
        yield self._delta({}, self._finish_reason())
        if self._request.include_usage:
            yield self._chunk([], self._usage())
        yield DONE

    def _call_deltas(self, index: int, call_id: str, call: ToolCall) -> Iterator[str]:
        function = {"name": call.name, "arguments": ""}
        yield self._delta(
            {"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": function}]}
        )
        for piece in _PIECES.findall(_arguments(call)):
            yield self._delta({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})

    def _delta(self, delta: dict[str, Any], finish_reason: str | None = None) -> str:
        return self._chunk([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}], None)

    def _chunk(self, choices: list[dict[str, Any]], usage: dict[str, Any] | None) -> str:
        chunk: dict[str, Any] = self._head | {"object": "chat.completion.chunk", "choices": choices}
        if self._request.include_usage:
            chunk["usage"] = usage
        return f"data: {msgspec.json.encode(chunk).decode()}\n\n"

    def _finish_reason(self) -> str:
        return "tool_calls" if self._calls else "stop"

    def _usage(self) -> dict[str, Any]:
        """Estimates by length; nobody pays for them."""
        prompt = len(msgspec.json.encode(self._request.messages)) // _CHARACTERS_PER_TOKEN
        answer = len(_PIECES.findall(self._reply.text)) + sum(
            len(_PIECES.findall(_arguments(call))) for _, call in self._calls
        )
        return {
            "prompt_tokens": prompt,
            "completion_tokens": answer,
            "total_tokens": prompt + answer,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }


def _tool_call(call_id: str, call: ToolCall) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": _arguments(call)}}


def _arguments(call: ToolCall) -> str:
    return msgspec.json.format(msgspec.json.encode(call.arguments), indent=0).decode()

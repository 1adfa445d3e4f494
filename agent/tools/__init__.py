"""Runs an agent definition's tools: finds the functions, bounds their time, and tells what they did."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agent import events
from agent.definition import DefinitionError, ToolDefinition
from agent.events import Event


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool gives back: ``value`` (JSON) for the LLM, ``summary`` in a few words for people."""

    value: Mapping[str, Any]
    summary: str


Tool = Callable[..., Awaitable[Result]]


def find(tools: list[ToolDefinition]) -> dict[str, tuple[ToolDefinition, Tool]]:
    """Each tool with its function.

    Raises:
        DefinitionError: a function cannot be imported.
    """
    found: dict[str, tuple[ToolDefinition, Tool]] = {}
    for tool in tools:
        module, _, name = tool.function.partition(":")
        try:
            found[tool.name] = tool, getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise DefinitionError(
                f"The tool {tool.name} names {tool.function}, which is not there: {error}."
            ) from error
    return found


class ToolBox:
    """The tools of one call."""

    def __init__(self, tools: dict[str, tuple[ToolDefinition, Tool]], emit: Callable[[Event], object]) -> None:
        self._tools = tools
        self._emit = emit

    async def call(
        self, name: str, tool_call_id: str, arguments: Mapping[str, Any], turn: int
    ) -> Mapping[str, Any]:
        """Run a tool and give its value to the LLM; a failure is a value too, so that the LLM can say so."""
        began = time.monotonic()
        self._emit(events.ToolCalled(turn=turn, tool_call_id=tool_call_id, name=name, arguments=dict(arguments)))
        try:
            tool, function = self._tools[name]
            async with asyncio.timeout(tool.timeout_s):
                result = await function(**arguments)
            ok = True
        except TimeoutError:
            ok, result = False, _failure("took too long")
        except Exception as error:
            ok, result = False, _failure(f"{type(error).__name__}: {error}")
        self._emit(
            events.ToolReturned(
                turn=turn,
                tool_call_id=tool_call_id,
                name=name,
                ok=ok,
                summary=result.summary[:200],
                took_ms=round((time.monotonic() - began) * 1000),
            )
        )
        if not ok:
            self._emit(
                events.Error(
                    where="tool", message=f"The tool {name} failed: {result.summary}.", fix="See its code."
                )
            )
        return result.value


def _failure(text: str) -> Result:
    return Result({"error": text}, text)

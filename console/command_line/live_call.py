"""The agent that a command is for, and which of its calls."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from agent import api, paths
from agent.call_state import CallState
from console import environment
from console.client import AgentClient, AgentError, Endpoint
from console.http_client import Http
from console.operator_name import operator_name
from console.sound_link import SoundError


@dataclass(frozen=True, slots=True)
class At:
    """``call`` is an id or a beginning of one; empty means the only live call. ``url`` is empty for the agent of
    this data folder."""

    call: str = ""
    url: str = ""
    token: str = field(default="", repr=False)


def run(at: At, act: Callable[[AgentClient], Awaitable[int]]) -> int:
    """Do ``act`` with the agent; returns its exit status, or 1 when something refused or cannot be reached."""
    return asyncio.run(_run(at, act))


async def _run(at: At, act: Callable[[AgentClient], Awaitable[int]]) -> int:
    http = Http()
    try:
        return await act(AgentClient(lambda: endpoint(at), http))
    except AgentError as error:
        print(error, file=sys.stderr)
    except SoundError as error:
        print(f"{error} {error.fix}".rstrip(), file=sys.stderr)
    finally:
        await http.close()
    return 1


async def endpoint(at: At) -> Endpoint:
    if at.url:
        return Endpoint(at.url, at.token)
    running = await asyncio.to_thread(api.AgentFile.read, paths.agent_file())
    if running is None:
        raise AgentError(f"No agent runs in {paths.data_dir()}: start `sidetone`, or give --attach.")
    return Endpoint(running.url, running.token)


async def find(client: AgentClient, name: str) -> CallState:
    """Raises AgentError where ``name`` fits no call or several."""
    calls = await client.calls()
    exact = [state for state in calls if state.id == name]
    fitting = exact or [state for state in calls if (state.id.startswith(name) if name else state.live)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise AgentError(f"Which call: {', '.join(state.id for state in fitting[:5])}?")
    raise AgentError(f"There is no call {name}: `sidetone calls` lists them." if name else "No call is live.")


def me() -> str:
    """Who acts, for the journal and the transcript."""
    return operator_name(environment.read_settings())

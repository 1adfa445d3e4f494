"""LiveKit Agents as a framework: what all of its calls share."""

from __future__ import annotations

import importlib
import os
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from openai import AsyncOpenAI

from agent import on_demand
from agent.definition import Definition
from agent.frameworks import Job, openai_client
from agent.settings import Service

if TYPE_CHECKING:
    from agent.frameworks.livekit_session import LiveKitSession

_SLOW: Final = ("livekit.agents", "openai.types.responses")
# Of these the OpenAI plugin's realtime models need a few types, and import all: 1.3 s of CPU.
_UNUSED: Final = ("openai.types.beta", "openai.types.realtime")
_VAD_THREADS: Final = 2


class LiveKit:
    """Runs calls with LiveKit Agents; ``load`` before the first.

    Its plugins can only be imported on the main thread (livekit-agents 1.8.9 ``plugin.py``), which takes little
    once ``load`` has imported what they stand on.
    """

    name = "livekit"

    def __init__(self, definition: Definition, llm: Service) -> None:
        self._definition = definition
        self._llm = llm
        self._client: AsyncOpenAI | None = None
        self._threads: Executor | None = None

    def load(self) -> None:
        # LiveKit would load models that nothing here asks for, 260 MB of them.
        os.environ["LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE"] = "0"
        on_demand.prepare(*_UNUSED)
        for module in _SLOW:
            importlib.import_module(module)
        self._threads = ThreadPoolExecutor(_VAD_THREADS, thread_name_prefix="vad")
        self._client = openai_client.llm_client(self._llm, self._definition.llm.timeout_s)

    async def warm(self) -> None:
        assert self._client is not None
        importlib.import_module("agent.frameworks.livekit_session")
        await openai_client.warm(self._client)

    def session(self, job: Job) -> LiveKitSession:
        from agent.frameworks.livekit_session import LiveKitSession

        assert self._client is not None
        assert self._threads is not None
        return LiveKitSession(job, self._client, self._threads)

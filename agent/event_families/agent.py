"""The agent process: ``agent.*``."""

from __future__ import annotations

from agent.event_families.envelope import Event


class AgentStarting(Event, tag="agent.starting"):
    """The agent process begins to start. ``services`` maps line, stt, llm and tts to SIM or LIVE."""

    version: str
    pid: int
    framework: str
    definition: str
    services: dict[str, str]


class AgentReady(Event, tag="agent.ready"):
    """The agent listens and takes calls. ``startup_ms`` counts from the start of its process."""

    host: str
    port: int
    startup_ms: int


class AgentLog(Event, tag="agent.log"):
    """A warning or error line of the agent's own log or of a library inside it, cut to 500 characters."""

    level: str
    logger: str
    message: str


class AgentStopped(Event, tag="agent.stopped"):
    """The agent ends in an orderly way; it is the last event of a run."""

    reason: str


class AgentCrashed(Event, tag="agent.crashed"):
    """Written by the next run when the journal shows that the one before it ended without agent.stopped."""

    detail: str

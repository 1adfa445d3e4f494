"""Who speaks when: ``turn.*``."""

from __future__ import annotations

from typing import Literal

from agent.event_families.envelope import Event


class TurnUserStarted(Event, tag="turn.user_started"):
    """The caller began to speak, as the framework decided. ``turn`` counts the caller's turns from 1."""

    turn: int


class TurnUserStopped(Event, tag="turn.user_stopped"):
    """The caller's turn is over and goes to the LLM.

    ``text`` is what was understood. ``decided_by`` is assemblyai or vad, or hangup where the call was over before
    that and nobody answers. ``silence_ms`` is the time from the last voiced frame on the line to this decision.
    ``confidence`` is AssemblyAI's end_of_turn_confidence of the final message, or null where there was none.
    """

    turn: int
    text: str
    decided_by: str
    silence_ms: int
    confidence: float | None = None


class TurnAgentStarted(Event, tag="turn.agent_started"):
    """The first frame of an answer was handed to the line. ``turn`` is 0 for the greeting."""

    turn: int


class TurnAgentStopped(Event, tag="turn.agent_stopped"):
    """The answer was played to its end. ``text`` is all of it."""

    turn: int
    text: str
    audio_ms: int


class TurnInterrupted(Event, tag="turn.interrupted"):
    """``by`` cut the agent off. ``said`` is what had been generated, ``heard`` the part that the caller had heard.

    ``heard_ms`` is the audio that the carrier had played before the clear, measured with its mark messages.
    """

    turn: int
    said: str
    heard: str
    heard_ms: int
    by: Literal["caller", "operator"] = "caller"


class TurnLatency(Event, tag="turn.latency"):
    """How long the caller waited for the answer to ``turn``: from the last voiced frame that came from the
    line to the first frame of the answer that went to it. The parts add up to the total::

        end_of_turn      last voiced caller frame → the turn was declared over
        llm_first_token  → the first token of the text that was spoken (tool calls included)
        tts_first_audio  → the first audio from the TTS
        first_media      → the first media message to the line
    """

    turn: int
    total_ms: int
    parts: dict[str, int]

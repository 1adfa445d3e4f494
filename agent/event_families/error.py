"""What failed: ``error``."""

from __future__ import annotations

from agent.event_families.envelope import Event


class Error(Event, tag="error"):
    """Something failed. ``where`` is line, stt, llm, tts, tool, webhook, media, recording, journal or agent;
    ``message`` says what happened in one sentence, ``fix`` what to do about it."""

    where: str
    message: str
    fix: str = ""
    code: str = ""

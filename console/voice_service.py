"""Whose voice the agent of this machine will speak with, before it runs: its definition file says so."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from agent import paths

VoiceService = Literal["deepgram", "rime"]


def voice_service(settings: Mapping[str, str]) -> VoiceService:
    """Deepgram for the shipped definition, and for a file that cannot be read: the agent tells what is wrong."""
    named = settings.get("SIDETONE_AGENT", "").strip()
    file = Path(named) if named else paths.saved_definition()
    try:
        voice = tomllib.loads(file.read_text(encoding="utf-8")).get("voice")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return "deepgram"
    return "rime" if isinstance(voice, dict) and voice.get("service") == "rime" else "deepgram"

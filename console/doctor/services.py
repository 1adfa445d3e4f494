"""Which services are real, by the keys that are set; what the keys are is never told."""

from __future__ import annotations

from collections.abc import Mapping

from console import environment
from console.doctor.finding import Finding, good, note
from console.voice_service import voice_service

_WHAT = {"stt": "speech to text", "llm": "language model", "tts": "text to speech"}
_LINE = (
    "TELNYX_API_KEY",
    "TELNYX_PUBLIC_KEY",
    "TELNYX_CONNECTION_ID",
    "TELNYX_PHONE_NUMBER",
    "SIDETONE_PUBLIC_URL",
)


def services(settings: Mapping[str, str]) -> list[Finding]:
    found = [
        good(_WHAT[service], f"live: {key} is set" if settings.get(key, "").strip() else f"simulated: no {key}")
        for service, key in environment.keys(voice_service(settings)).items()
    ]
    unset = [name for name in _LINE if not settings.get(name, "").strip()]
    if not unset:
        line = good("line", "simulated, and live with --line telnyx: all its settings are set")
    elif len(unset) == len(_LINE):
        line = good("line", "simulated: no TELNYX_API_KEY")
    else:
        line = note("line", "simulated: a live one lacks settings", f"Set {', '.join(unset)} for --line telnyx.")
    return [line, *found]

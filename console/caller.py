"""Who is on the simulated telephone, as the command line says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Caller:
    """Nothing given leaves it to the demonstration's caller. `faults` are those of the line, by name.

    `record` is a folder for the call's stereo WAV and raw frames.
    """

    script: dict[str, Any] | None = None
    preset: str = ""
    wav: Path | None = None
    codec: str = ""
    faults: dict[str, Any] = field(default_factory=dict[str, Any])
    record: Path | None = None

    def order(self) -> dict[str, Any]:
        """What the simulator is asked for; it checks the values."""
        given = {
            "script": self.script,
            "codec": self.codec or None,
            "preset": self.preset or None,
            "wav": None if self.wav is None else str(self.wav.resolve()),
            "faults": self.faults or None,
            "record": None if self.record is None else str(self.record.resolve()),
        }
        return {name: value for name, value in given.items() if value is not None}


def faults(items: Sequence[str] | None, seed: int | None) -> dict[str, Any]:
    """`name=value` texts as the simulator takes them.

    Raises:
        ValueError: one is no such text; one sentence.
    """
    given: dict[str, Any] = {} if seed is None else {"seed": seed}
    for item in items or ():
        name, equals, value = item.partition("=")
        if not equals:
            raise ValueError(f"{item!r} is no fault: write it as name=value, such as loss=0.02.")
        given[name.strip()] = _value(value.strip())
    return given


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text

"""``--stt-fault NAME=VALUE``: what goes wrong with the simulated speech recognition in a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

_FIRST_MS: Final = 1_000
_CODE: Final = 3005
_ALL: Final = 1_000_000
# The least and the most of each.
_NAMES: Final[dict[str, tuple[int, int]]] = {
    "drop_at_ms": (0, 3_600_000),
    "storm": (1, 100),
    "code": (1000, 4999),
    "slow_final_ms": (1, 60_000),
}
HELP: Final = (
    "Of the simulated speech recognition; may be repeated. drop_at_ms=3000 breaks a session after so much audio, "
    "storm=4 that many in a row, code=1011 says how; slow_final_ms=2000 makes every final so late."
)


def orders(items: Sequence[str]) -> list[dict[str, Any]]:
    """What the simulator is asked for, fault by fault.

    Raises:
        ValueError: one is no such fault; one sentence.
    """
    given = dict(map(_parsed, items))
    found: list[dict[str, Any]] = []
    if given.keys() & {"drop_at_ms", "storm", "code"}:
        after_ms, times = given.get("drop_at_ms", _FIRST_MS), given.get("storm", 1)
        found.append({"where": "after_ms", "after_ms": after_ms, "code": given.get("code", _CODE), "times": times})
    if "slow_final_ms" in given:
        found.append({"where": "final", "after_ms": given["slow_final_ms"], "times": _ALL})
    return found


def _parsed(item: str) -> tuple[str, int]:
    name, equals, value = (part.strip() for part in item.partition("="))
    if not equals or name not in _NAMES:
        raise ValueError(f"{item!r} is no fault of speech recognition: choose from {', '.join(_NAMES)}.")
    least, most = _NAMES[name]
    if not (value.isascii() and value.isdecimal() and least <= int(value) <= most):
        raise ValueError(f"{name} takes a whole number from {least} to {most}, not {value[:40]!r}.")
    return name, int(value)

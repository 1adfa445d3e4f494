"""The faults of one line, as tests and operators order them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal, get_type_hints

import msgspec

OneWay = Literal["none", "to_agent", "to_caller"]

_RANGES: Final = {
    "seed": (0, 2**63 - 1),
    "jitter_ms": (0, 2000),
    "loss": (0, 1),
    "burst_loss": (0, 0.9),
    "burst_length": (1, 1000),
    "reorder": (0, 1),
    "duplicate": (0, 1),
    "drift_ppm": (-50_000, 50_000),
    "stall_at_ms": (0, 14_400_000),
    "stall_ms": (0, 600_000),
    "drop_at_ms": (0, 14_400_000),
}

_TAKES: Final = {
    "seed": "a whole number",
    "stall_at_ms": "a whole number",
    "stall_ms": "a whole number",
    "drop_at_ms": "a whole number",
    "one_way": "none, to_agent or to_caller",
    "drop_stop": "true or false",
}


class LineFaultPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What goes wrong on one line. The same plan does the same to the same call.

    `loss`, `reorder` and `duplicate` are shares of packets of 20 ms, 0 to 1.
    `burst_loss`: share of packets lost in bursts, beside `loss`; `burst_length` is their mean length in packets.
    `jitter_ms`: a packet is late by up to so much, evenly spread, and holds up those behind it.
    `drift_ppm`: by how many millionths the telephone's clock is fast, or slow when negative.
    `one_way`: the direction in which nothing arrives.
    `stall_at_ms`, `stall_ms`: when the media socket stops moving, and for how long; then it bursts.
    `drop_at_ms`: when the media socket goes, after a stop frame (`drop_stop`) or by a reset. Both times count
    while a stream is open.

    Raises ValueError with one sentence when a value makes no sense.
    """

    seed: int = 0
    jitter_ms: float = 0.0
    loss: float = 0.0
    burst_loss: float = 0.0
    burst_length: float = 5.0
    reorder: float = 0.0
    duplicate: float = 0.0
    drift_ppm: float = 0.0
    one_way: OneWay = "none"
    stall_at_ms: int | None = None
    stall_ms: int = 0
    drop_at_ms: int | None = None
    drop_stop: bool = False

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise ValueError(f"{name} must be between {least} and {most}, not {value}.")
        if self.burst_loss > self.burst_length / (self.burst_length + 1):
            raise ValueError(f"burst_loss={self.burst_loss} needs longer bursts: raise burst_length.")
        if (self.stall_at_ms is None) != (self.stall_ms == 0):
            raise ValueError("A stall needs both stall_at_ms and stall_ms.")
        if self.drop_stop and self.drop_at_ms is None:
            raise ValueError("drop_stop needs drop_at_ms, the time of the drop.")


FAULTS: Final = LineFaultPlan.__struct_fields__
_KINDS: Final = get_type_hints(LineFaultPlan)


def parse_faults(items: Iterable[str], seed: int | None = None) -> LineFaultPlan:
    """A plan from `name=value` texts, as `--fault jitter_ms=40 --fault loss=0.02 --seed 7` gives them.

    Raises ValueError with one sentence.
    """
    given: dict[str, Any] = {} if seed is None else {"seed": seed}
    for item in items:
        name, equals, value = (part.strip() for part in item.partition("="))
        if not equals or name not in FAULTS:
            raise ValueError(f"{item[:60]!r} is no line fault; write name=value with one of {', '.join(FAULTS)}.")
        try:
            given[name] = msgspec.convert(value, _KINDS[name], strict=False)
        except msgspec.ValidationError:
            raise ValueError(f"{name} takes {_TAKES.get(name, 'a number')}, not {value[:40]!r}.") from None
    return LineFaultPlan(**given)

"""Disorder on request among the deliveries of a call, the same again for the same seed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Annotated

import msgspec

Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=60_000)]
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Disorder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Telnyx promises neither order nor uniqueness; this makes use of it. Nothing is disturbed by default.

    Every delivery leaves `delay_ms` late, and up to `jitter_ms` more. `duplicate`, `lose` and `reorder` are
    probabilities of each: delivered twice, never, or after the one that follows it.
    """

    seed: int = 0
    delay_ms: Milliseconds = 0
    jitter_ms: Milliseconds = 0
    duplicate: Probability = 0.0
    lose: Probability = 0.0
    reorder: Probability = 0.0


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What happens to one delivery. `copies` 0: it is lost."""

    delay_seconds: float = 0.0
    copies: int = 1
    overtaken: bool = False


class Disturber:
    """The disturbances of one call, in the order of its events. `call` counts calls, so that each has its own."""

    def __init__(self, disorder: Disorder, call: int) -> None:
        self._disorder = disorder
        self._random = Random(f"{disorder.seed}:{call}")

    def next(self) -> Disturbance:
        # All four are drawn every time: one probability must not move the draws of another.
        jitter, duplicate, lose, reorder = (self._random.random() for _ in range(4))
        chances = self._disorder
        if lose < chances.lose:
            return Disturbance(copies=0)
        return Disturbance(
            delay_seconds=(chances.delay_ms + jitter * chances.jitter_ms) / 1000,
            copies=2 if duplicate < chances.duplicate else 1,
            overtaken=reorder < chances.reorder,
        )


class Disorders:
    """The disorder in force, which may change in mid-call, and the count of calls it disturbs."""

    def __init__(self) -> None:
        self.current = Disorder()
        self._calls = 0

    def set(self, disorder: Disorder) -> None:
        """Counts for what is sent from now on; calls are counted anew."""
        self.current = disorder
        self._calls = 0

    def disturber(self) -> Disturber:
        """The disturbances of one more call."""
        self._calls += 1
        return Disturber(self.current, self._calls)

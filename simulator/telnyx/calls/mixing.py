"""Adding up what several speak at once. Pure."""

from __future__ import annotations

import numpy as np

from simulator.audio import Samples


def mix(one: Samples | None, other: Samples | None) -> Samples | None:
    """The sum, clipped; None is silence, and a shorter frame is silent at its end."""
    if one is None or other is None:
        return one if other is None else other
    if len(one) < len(other):
        one, other = other, one
    total = one.astype(np.int32)
    total[: len(other)] += other
    return np.clip(total, -32768, 32767).astype(np.int16)

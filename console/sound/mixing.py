"""Several voices for one speaker."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

_FULL = 32767.0
_KNEE = 0.75 * _FULL
"""From here on the sum is bent, so that it never passes full scale and never clips hard."""


def mix(blocks: Sequence[Samples]) -> Samples | None:
    """The sum of equally shaped int16 blocks, bent smoothly towards full scale where it passes three quarters of
    it. One block alone is given back as it is; None for none."""
    if len(blocks) < 2:
        return blocks[0] if blocks else None
    total = np.asarray(np.sum(blocks, axis=0, dtype=np.int32))
    size = np.abs(total)
    if int(size.max(initial=0)) <= _KNEE:
        return total.astype(np.int16)
    beyond = np.maximum(size - _KNEE, 0) / (_FULL - _KNEE)
    bent = np.minimum(size, _KNEE) + (_FULL - _KNEE) * beyond / (1 + beyond)
    return (np.sign(total) * bent).astype(np.int16)


def mono(block: Samples) -> Samples:
    """Both ears of int16[n, 2] as one."""
    return ((block[:, 0].astype(np.int32) + block[:, 1]) >> 1).astype(np.int16)

"""G.711 decoding tables: index one with bytes to get int16 samples."""

from __future__ import annotations

import audioop

import numpy as np
from numpy.typing import NDArray

_EVERY_BYTE = bytes(range(256))

DECODERS: dict[str, NDArray[np.int16]] = {
    "PCMU": np.frombuffer(audioop.ulaw2lin(_EVERY_BYTE, 2), np.int16),
    "PCMA": np.frombuffer(audioop.alaw2lin(_EVERY_BYTE, 2), np.int16),
}

"""What a leg knows of whoever is at its telephone: 20 ms in, 20 ms out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from simulator.audio import FRAME_MS, Samples
from simulator.telnyx.media.options import Codec

NARROWBAND: Final = 8000
WIDEBAND: Final = 16_000


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What a party does in 20 ms: samples at its rate or silence (None), a key, or hanging up."""

    samples: Samples | None = None
    digit: str | None = None
    hang_up: bool = False


SILENCE: Final = Said()
HANG_UP: Final = Said(hang_up=True)


class Party(Protocol):
    """Whoever is at the telephone of a leg. `prepare` comes before the first tick, `close` after the last."""

    @property
    def codec(self) -> Codec:
        """What the telephone's leg negotiates."""
        ...

    @property
    def rate(self) -> int:
        """Hertz of what is heard and said: 8000 on PCMU and PCMA legs, 16000 on the others."""
        ...

    @property
    def warnings(self) -> list[str]: ...

    @property
    def beep_at_ms(self) -> int | None:
        """Milliseconds from the answer to the beep of a machine, once prepared; None without one."""
        ...

    @property
    def greeting_end_ms(self) -> int | None:
        """Milliseconds from the answer to the end of what is said first, once prepared; None when nothing is."""
        ...

    async def prepare(self) -> None:
        """Raises SpeechUnavailable, or ValueError in one sentence for what cannot be spoken or read."""

    def prepared(self) -> Iterable[Said]:
        """All that may be said, once prepared; nothing of a party that nobody knows beforehand."""
        ...

    def tick(self, heard: Samples | None) -> Said:
        """The next 20 ms of the call; `heard` is what the telephone plays in them, None for silence."""
        ...

    def press(self, digit: str) -> None:
        """A key that the application sent arrives; one of 0-9, A-D, * and #."""

    def close(self) -> None:
        """The call is over. The report stays."""

    def report(self) -> dict[str, Any]:
        """What is worth telling of the call, times in milliseconds from the answer. `heard_ms` is always there."""
        ...


def rate_of(codec: Codec) -> int:
    """Hertz of a leg that negotiated `codec`."""
    return NARROWBAND if codec in ("PCMU", "PCMA") else WIDEBAND


def frame_samples(rate: int) -> int:
    return rate * FRAME_MS // 1000


def cut(samples: Samples, rate: int) -> list[Said]:
    """`samples` in frames of 20 ms, the last one filled up with silence."""
    length = frame_samples(rate)
    padded = np.zeros(-(-len(samples) // length) * length, np.int16)
    padded[: len(samples)] = samples
    return [Said(frame) if frame.any() else SILENCE for frame in padded.reshape(-1, length)]

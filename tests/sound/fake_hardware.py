"""Devices that hear what a test gives them, and keep what is played."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from console.sound.clock import BLOCK
from console.sound.protocol import Counters

Samples = npt.NDArray[np.int16]


class FakeHardware:
    microphone_delay_ms = 20
    speaker_delay_ms = 40
    headset = False
    speaker_open = True

    def __init__(self, echo: bool = False) -> None:
        self.echo_wanted = echo
        self.wanted = (False, False)
        self.played: list[Samples] = []
        self.heard = 0
        self.dropped_ms = 0
        self.microphone: Callable[[int], Samples] = lambda at: np.zeros(BLOCK, np.int16)

    def want(self, *, microphone: bool, speaker: bool) -> None:
        self.wanted = (microphone, speaker)

    def hear(self) -> Samples:
        block = self.microphone(self.heard)
        self.heard += 1
        return block

    def say(self, block: Samples) -> None:
        assert block.shape == (BLOCK, 2)
        assert block.dtype == np.int16
        self.played.append(block.copy())

    def counters(self) -> Counters:
        return Counters(dropped_ms=self.dropped_ms, microphone_ms=20, speaker_ms=40)

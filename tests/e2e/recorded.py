"""The recording of a call of the house, and where in it somebody speaks."""

from __future__ import annotations

import io

import numpy as np
import soundfile
from numpy.typing import NDArray

from agent import events
from agent.events import Event
from tests.e2e.house import House, of

_FRAME_MS = 20
_LOUD = 300.0
_PAUSE_MS = 600


class Recorded:
    """The voices as lists of (start, end) in milliseconds; pauses of up to 600 ms belong to what is said."""

    def __init__(self, wav: bytes, call: list[Event]) -> None:
        with soundfile.SoundFile(io.BytesIO(wav)) as file:
            rate, samples = file.samplerate, np.asarray(file.read(dtype="int16"), np.int16)
        self.length_ms = len(samples) * 1000 // rate
        self.caller, self.agent = (_spoken(samples[:, channel], rate) for channel in (0, 1))
        self.told = of(call, events.CallRecording)

    def ms(self, event: Event) -> int:
        """Where in the recording an event of the call was."""
        return (event.mono - self.told[0].mono) // 1_000_000


async def recorded(house: House, call: list[Event]) -> Recorded:
    answer = await house.ask(house.agent, "GET", f"/calls/{call[0].call}/recording")
    assert answer.status_code == 200, answer.text
    return Recorded(answer.content, call)


def _spoken(samples: NDArray[np.int16], rate: int) -> list[tuple[int, int]]:
    frame = rate * _FRAME_MS // 1000
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame).astype(float)
    found: list[tuple[int, int]] = []
    for number in np.flatnonzero(np.sqrt((frames**2).mean(axis=1)) > _LOUD):
        start = int(number) * _FRAME_MS
        if found and start - found[-1][1] <= _PAUSE_MS:
            found[-1] = (found[-1][0], start + _FRAME_MS)
        else:
            found.append((start, start + _FRAME_MS))
    return found

"""Sounds that a telephone plays besides speech, as lists of simple parts. Pure.

Sources: ITU-T T.30 (fax: CED and the V.21 preamble), ITU-T V.21.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.audio import Samples

_EDGE_MS: Final = 4
"""Tones fade in and out, or they click."""


@dataclass(frozen=True, slots=True)
class Speech:
    """`text` in an espeak-ng voice; None is the voice of whoever speaks."""

    text: str
    voice: str | None = None


@dataclass(frozen=True, slots=True)
class Tone:
    """Sine waves that sound together. `level` in dBFS is that of the sum's peak."""

    hertz: tuple[float, ...]
    ms: int
    level: float = -12.0
    soft: bool = True


@dataclass(frozen=True, slots=True)
class Pause:
    ms: int


Sound = Speech | Tone | Pause

BEEP: Final = Tone((1000.0,), 500)
"""What most voicemail systems play before they record."""

CED: Final = (Pause(600), Tone((2100.0,), 3000, soft=False), Pause(80))
"""The answer of a called fax machine: 2100 Hz for 2.6 to 4 s."""

_FLAG: Final = (
    Tone((1850.0,), 3, soft=False),
    Tone((1650.0,), 20, soft=False),
    Tone((1850.0,), 4, soft=False),
)
V21_PREAMBLE: Final = (*_FLAG * 37, Pause(2000))
"""A second of HDLC flags at 300 bit/s on V.21's upper channel, then the wait for an answer."""

FAX_ANSWER: Final = (*CED, *V21_PREAMBLE * 3)

_CHORDS: Final = ((261.6, 329.6, 392.0), (220.0, 261.6, 329.6), (174.6, 220.0, 261.6), (196.0, 246.9, 293.7))
RINGBACK: Final = Tone((440.0, 480.0), 2000, -19.0)
"""What a caller in North America hears every 6 s while it rings (ANSI T1.401)."""
HOLD_MUSIC: Final = tuple(Tone((note, note * 2), 300, -20.0) for chord in _CHORDS for note in (*chord, chord[1]))
"""Four chords, one note after the other: 4.8 s."""


def render_tone(tone: Tone, rate: int) -> Samples:
    """`tone` as samples at `rate` hertz."""
    count = tone.ms * rate // 1000
    times = np.arange(count) / rate
    wave = np.zeros(count)
    for hertz in tone.hertz:
        wave += np.sin(2 * np.pi * hertz * times)
    wave *= 32767 * 10 ** (tone.level / 20) / max(1, len(tone.hertz))
    if tone.soft:
        edge = min(count // 2, _EDGE_MS * rate // 1000)
        ramp = np.arange(edge) / max(1, edge)
        wave[:edge] *= ramp
        wave[count - edge :] *= ramp[::-1]
    return np.rint(wave).astype(np.int16)

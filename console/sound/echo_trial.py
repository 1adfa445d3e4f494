"""The echo canceller tried on a computed room, or on what the devices played and heard."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from console.sound.clock import BLOCK, RATE
from console.sound.echo import FIX, Canceller, Remover
from console.sound.echo_meter import enhancement
from console.sound.protocol import EchoMeasured

Samples = npt.NDArray[np.int16]
Wave = npt.NDArray[np.float64]

ROOM_DELAYS_MS = (80, 160, 250)
_ROOM_SECONDS = 5.0
_SETTLED_S = 1.5
_DOUBLE_TALK_S = 3.5
_ECHO_GAIN = 0.4
_NEAR_GAIN = 0.2
_LOST_DB = 60.0
_FULL_SCALE_DB = 20 * float(np.log10(32768))
_FORMANTS = ((500, 80, 1.0), (1500, 120, 0.6), (2500, 160, 0.3), (3500, 200, 0.2))
"""Hertz, bandwidth and weight of a neutral vowel."""


def speechlike(seconds: float, pitch: float, seed: int) -> Wave:
    """A made-up voice of ``pitch`` hertz, within -1 and 1: pulses and breath through a vowel's formants, in
    syllables."""
    random = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    wander = 1 + 0.15 * np.sin(2 * np.pi * 0.7 * time + seed) + 0.05 * np.sin(2 * np.pi * 3.1 * time)
    pulses = np.diff(np.floor(np.cumsum(pitch * wander) / RATE), prepend=0.0)
    ring = np.arange(RATE // 20) / RATE
    tract = sum(w * np.exp(-np.pi * width * ring) * np.sin(2 * np.pi * hz * ring) for hz, width, w in _FORMANTS)
    voice = _convolve(pulses + 0.03 * random.normal(size=len(time)), np.asarray(tract))
    syllables = np.sin(2 * np.pi * (1.7 + 0.4 * seed) * time + seed) + 0.3 * np.sin(2 * np.pi * 0.31 * time + 1)
    voice *= np.clip(syllables, 0, None)
    return voice / np.abs(voice).max()


def measure(load: Callable[[], Remover] = Canceller) -> EchoMeasured:
    """In a computed room, no device, about a second: the worst of three delays. Blocks: call it in a thread."""
    far = speechlike(_ROOM_SECONDS, pitch=120, seed=1) * 0.6
    near = speechlike(_ROOM_SECONDS, pitch=190, seed=2) * _NEAR_GAIN
    near[: int(_DOUBLE_TALK_S * RATE)] = 0
    noise = np.random.default_rng(3).normal(size=len(far)) * 1e-4
    trials: list[Trial] = []
    for delay_ms in ROOM_DELAYS_MS:
        echo = _convolve(far, _room(delay_ms)) * _ECHO_GAIN
        # A small speaker at its limit: the third harmonic is about 3 %.
        echo = np.tanh(1.5 * echo) / 1.5
        try:
            remover = load()
        except Exception as error:
            return unavailable(error, real=False)
        trials.append(
            try_out(remover, to_int16(far), to_int16(echo + near + noise), delay_ms, near=to_int16(near))
        )
    return EchoMeasured(
        real=False,
        erle_db=min(trial.erle_db for trial in trials),
        before_db=trials[0].before_db,
        near_loss_db=max(trial.near_loss_db for trial in trials),
    )


@dataclass(frozen=True, slots=True)
class Trial:
    """As in :class:`~console.sound.protocol.EchoMeasured`; ``echo`` is false where there was none to speak of."""

    erle_db: float
    before_db: float
    near_loss_db: float
    echo: bool


def try_out(
    remover: Remover,
    played: Samples,
    heard: Samples,
    delay_ms: float,
    alone: tuple[float, float] = (_SETTLED_S, _DOUBLE_TALK_S),
    near: Samples | None = None,
    slips: Collection[int] = (),
) -> Trial:
    """``alone``: from and until which second the far end alone speaks, once the canceller has learnt. ``near`` is
    the voice that is in ``heard`` after that. ``slips``: the ticks at which the devices left something out."""
    length = min(len(played), len(heard)) // BLOCK * BLOCK
    played, heard = played[:length], heard[:length]
    parts: list[Samples] = []
    for tick, at in enumerate(range(0, length, BLOCK)):
        if tick in slips:
            remover.restart()
        parts.append(remover.cancel(played[at : at + BLOCK], heard[at : at + BLOCK], delay_ms))
    clean = np.concatenate(parts)
    part = slice(int(alone[0] * RATE), int(alone[1] * RATE))
    levels = np.array([[_db(block) for block in one[part].reshape(-1, BLOCK)] for one in (played, heard, clean)])
    erle_db = enhancement(levels - _FULL_SCALE_DB)
    return Trial(
        erle_db=erle_db or 0.0,
        before_db=round(_db(heard[part]) - _db(played[part]), 1),
        near_loss_db=round(_loss(near[part.stop :], clean[part.stop :]), 1) if near is not None else 0.0,
        echo=erle_db is not None,
    )


def unavailable(error: Exception, real: bool) -> EchoMeasured:
    return EchoMeasured(real=real, problem=f"The echo canceller cannot be loaded here ({error}).", fix=FIX)


def _room(delay_ms: int) -> Wave:
    """The impulse response of a small room after ``delay_ms``, of unit energy: 80 reflections within 120 ms."""
    random = np.random.default_rng(delay_ms)
    length = int(0.12 * RATE)
    at = random.choice(length, 80, replace=False)
    response = np.zeros(length)
    response[at] = random.normal(size=80) * np.exp(-at / (0.03 * RATE))
    response[0] = 1
    response /= np.sqrt(np.sum(response**2))
    return np.concatenate([np.zeros(delay_ms * RATE // 1000), response])


def _loss(near: Samples, clean: Samples) -> float:
    """How many dB weaker ``near`` is in ``clean``, which is up to 50 ms behind it."""
    length = min(len(near), len(clean))
    voice, rest = near[:length].astype(np.float64), clean[:length].astype(np.float64)
    size = 2 * len(voice)
    match = np.fft.irfft(np.fft.rfft(rest, size) * np.conj(np.fft.rfft(voice, size)))[: RATE // 20]
    gain = float(np.max(np.abs(match))) / float(voice @ voice)
    return min(-20 * float(np.log10(max(gain, 1e-9))), _LOST_DB)


def _convolve(signal: Wave, response: Wave) -> Wave:
    size = 1 << (len(signal) + len(response)).bit_length()
    return np.fft.irfft(np.fft.rfft(signal, size) * np.fft.rfft(response, size), size)[: len(signal)]


def to_int16(wave: Wave) -> Samples:
    return np.clip(np.round(wave * 32767), -32768, 32767).astype(np.int16)


def _db(samples: Samples) -> float:
    """Without :func:`loudness_db`'s floor, since a quiet rest counts here."""
    return float(10 * np.log10(np.mean(samples.astype(np.float64) ** 2) + 1e-3))

"""The echo canceller tried on the operator's own speaker, microphone and room."""

from __future__ import annotations

import asyncio

import numpy as np
import numpy.typing as npt

from console.sound.clock import BLOCK
from console.sound.echo import Canceller
from console.sound.echo_trial import speechlike, to_int16, try_out, unavailable
from console.sound.engine import Engine
from console.sound.protocol import EchoMeasured

Samples = npt.NDArray[np.int16]

_QUIET_TICKS = 50
"""A second: the devices open, and the room's noise is heard."""
_SPEECH_S = 4.0
_TAIL_TICKS = 20
_LEARNT_S = 2.5
_ENDS_S = 5.0
_LOUDNESS = 0.4
_GIVE_UP_S = 15.0


async def measure(engine: Engine) -> EchoMeasured:
    """Plays four seconds of a made-up voice. Only while nothing else is heard or spoken."""
    if engine.in_use:
        return EchoMeasured(
            real=True, problem="The speaker or the microphone is in use.", fix="Measure again after the call."
        )
    trial = _Heard(engine)
    engine.add_sink(trial, raw=True)
    engine.add_source(trial)
    try:
        async with asyncio.timeout(_GIVE_UP_S):
            await trial.over.wait()
    except TimeoutError:
        return EchoMeasured(real=True, problem=f"The devices did not run within {_GIVE_UP_S:g} s.")
    finally:
        engine.remove_source(trial)
        engine.remove_sink(trial)
    delay_ms = engine.speaker_delay_ms + engine.microphone_delay_ms
    return await asyncio.to_thread(_judged, trial, delay_ms)


def _judged(trial: _Heard, delay_ms: float) -> EchoMeasured:
    try:
        remover = Canceller()
    except Exception as error:
        return unavailable(error, real=True)
    heard = np.concatenate(trial.heard)
    found = try_out(remover, trial.played, heard, delay_ms, alone=(_LEARNT_S, _ENDS_S), slips=trial.slips)
    if not np.any(heard):
        return EchoMeasured(
            real=True,
            problem="The microphone heard nothing at all.",
            fix="Choose another one, or see whether it is muted or used by another program.",
        )
    if not found.echo:
        return EchoMeasured(
            real=True,
            before_db=found.before_db,
            problem="The microphone does not hear the speaker, so there is no echo to cancel.",
            fix="That is right with a headset; otherwise turn the speaker up and measure again.",
        )
    return EchoMeasured(real=True, erle_db=found.erle_db, before_db=found.before_db)


class _Heard:
    """A source and a sink: what was played, and what the microphone heard at the same ticks."""

    def __init__(self, engine: Engine) -> None:
        voice = to_int16(speechlike(_SPEECH_S, pitch=120, seed=1) * _LOUDNESS)
        quiet, tail = np.zeros(_QUIET_TICKS * BLOCK, np.int16), np.zeros(_TAIL_TICKS * BLOCK, np.int16)
        self.played = np.concatenate([quiet, voice, tail])
        self.heard: list[Samples] = []
        self.slips: set[int] = set()
        self._engine, self._slips_ms = engine, 0
        self.over = asyncio.Event()
        self._at = 0

    def take(self) -> Samples | None:
        block = self.played[self._at : self._at + BLOCK]
        self._at += BLOCK
        return np.column_stack([block, block]) if len(block) == BLOCK else None

    def put(self, block: Samples, at: float) -> None:
        if len(self.heard) * BLOCK < len(self.played):
            if self._engine.slips_ms != self._slips_ms:
                self._slips_ms = self._engine.slips_ms
                self.slips.add(len(self.heard))
            self.heard.append(block)
        else:
            self.over.set()

"""The speaker's echo is taken out of the microphone, so that the agent does not hear itself as the caller.

WebRTC's canceller from the ``livekit`` wheel (no server): frames of 10 ms. It delays the microphone by 16 ms,
measured at 48 kHz.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from console.sound.clock import RATE
from console.sound.echo_meter import EchoMeter
from console.sound.levels import SILENCE_DB, loudness_db
from console.sound.protocol import Report, Trouble

Samples = npt.NDArray[np.int16]

_FRAME = RATE // 100
_DELAY_STEP_MS = 10
_SPEAKS_DB = -50.0
_DUCK_TICKS = 15
"""The room and the devices still sound for so long (300 ms) after the last word."""
_REST_DB = 15.0
"""Where so much was taken away there was no voice beside the echo."""
_LEARNING_TICKS = 40
"""Of speech from the far end (0.8 s)."""
FIX = "Use a headset and set SIDETONE_HEADSET=yes."


class Remover(Protocol):
    def cancel(self, played: Samples, heard: Samples, delay_ms: float) -> Samples:
        """``heard`` without the echo of ``played``, both int16 mono at 48 kHz of one length, whole 10 ms;
        ``delay_ms`` after ``played``, about."""
        ...

    def restart(self) -> None:
        """Forget what was learnt."""


class Canceller:
    """Loads the native library, which takes a third of a second, the first time. Raises whatever it raises where
    there is none for the platform."""

    def __init__(self) -> None:
        # The package, not modules of it: a thread that begins with the package meanwhile would wait for this one,
        # and this one for it, which Python gives up with an error.
        from livekit import rtc

        self._new, self._frame = rtc.AudioProcessingModule, rtc.AudioFrame
        self.restart()

    def restart(self) -> None:
        # Suppressing noise was measured to take 10 dB off the first seconds of speech after silence.
        self._module = self._new(
            echo_cancellation=True, noise_suppression=False, high_pass_filter=True, auto_gain_control=False
        )
        self._delay_ms = -_DELAY_STEP_MS

    def cancel(self, played: Samples, heard: Samples, delay_ms: float) -> Samples:
        # A hint: it finds the delay itself. Each call costs as much as the cancelling, so only changes are told.
        if abs(delay_ms - self._delay_ms) >= _DELAY_STEP_MS:
            self._delay_ms = round(min(max(delay_ms, 0), 500))
            self._module.set_stream_delay_ms(self._delay_ms)
        clean = np.empty_like(heard)
        for start in range(0, len(heard), _FRAME):
            part = slice(start, start + _FRAME)
            self._module.process_reverse_stream(self._frame(bytearray(played[part].tobytes()), RATE, 1, _FRAME))
            frame = self._frame(bytearray(heard[part].tobytes()), RATE, 1, _FRAME)
            self._module.process_stream(frame)
            clean[part] = frame.data
        return clean


class Ducker:
    """Silences the microphone while the speaker is not silent."""

    def __init__(self) -> None:
        self._left = 0
        self._gain = 1.0

    def follow(self, played_db: float, delay_ms: float) -> None:
        """Each tick: how loud the speaker is, and how much later the microphone hears it."""
        if played_db > _SPEAKS_DB:
            self._left = _DUCK_TICKS + int(delay_ms / 20)
        elif self._left:
            self._left -= 1

    def duck(self, heard: Samples, wanted: bool = True) -> Samples:
        """Each tick; ``wanted``: or let it through, smoothly."""
        before, self._gain = self._gain, 0.0 if wanted and self._left else 1.0
        if before == self._gain == 1:
            return heard
        return (heard * np.linspace(before, self._gain, len(heard), dtype=np.float32)).astype(np.int16)


class Echo:
    """Cancels, and ducks too until the canceller has learnt the room, and where what it leaves is so little that
    it can only be the rest of the echo. Where there is no canceller it ducks for good, and says so."""

    def __init__(self, report: Callable[[Report], object], load: Callable[[], Remover] = Canceller) -> None:
        self._report, self._load = report, load
        self._remover: Remover | None = None
        self._loading: asyncio.Task[None] | None = None
        self._ducker = Ducker()
        self._to_learn = _LEARNING_TICKS
        self._heard_db: float = SILENCE_DB
        self._meter = EchoMeter()

    @property
    def erle_db(self) -> float | None:
        """The echo return loss enhancement now, None while there is no echo."""
        return self._meter.erle_db

    def prepare(self) -> None:
        """Begin to load the canceller, once."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._prepare(), name="echo canceller")

    async def prepared(self) -> None:
        """Wait until it is loaded."""
        self.prepare()
        assert self._loading is not None
        await self._loading

    def cancel(self, played: Samples, heard: Samples, delay_ms: float) -> Samples:
        """``heard`` without the echo; as :meth:`Remover.cancel`."""
        played_db = loudness_db(played)
        self._ducker.follow(played_db, delay_ms)
        if self._remover is None:
            self.prepare()
            return self._ducker.duck(heard)
        try:
            clean = self._remover.cancel(played, heard, delay_ms)
        except Exception as error:
            self._go_without(f"The echo canceller failed ({error})")
            return self._ducker.duck(heard)
        heard_db, clean_db = loudness_db(heard), loudness_db(clean)
        self._meter.add(played_db, heard_db, clean_db)
        learning = self._to_learn > 0
        if learning:
            self._to_learn -= played_db > _SPEAKS_DB
        # The canceller is most of a tick late, so what is left may be of the tick before.
        before_db, self._heard_db = self._heard_db, heard_db
        rest = max(before_db, heard_db) - clean_db > _REST_DB
        return self._ducker.duck(clean, wanted=learning or rest)

    def slipped(self) -> None:
        """The microphone jumped against the speaker. A canceller that begins anew takes 20 dB in half a second;
        one that finds the jump by itself was measured to let the echo through for up to two."""
        if self._remover is not None:
            self._remover.restart()
            self._to_learn = _LEARNING_TICKS

    async def close(self) -> None:
        if self._loading is not None:
            self._loading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loading

    async def _prepare(self) -> None:
        try:
            self._remover = await asyncio.to_thread(self._load)
        except Exception as error:
            self._go_without(f"The echo canceller cannot be loaded here ({error})")

    def _go_without(self, what: str) -> None:
        self._remover = None
        self._report(Trouble(message=f"{what}: your microphone is silent while the speaker plays.", fix=FIX))

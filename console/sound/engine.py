"""The clock of the sound process: every 20 ms the sources are mixed for the speaker and the microphone, without
the speaker's echo, goes to the sinks. Devices never clock a call; without one this goes on in silence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from console.sound.clock import BLOCK, TICK_S, Clock
from console.sound.echo import Echo
from console.sound.levels import PeakHold, loudness_db
from console.sound.mixing import mix, mono
from console.sound.protocol import Level, Report, Trouble

if TYPE_CHECKING:
    from console.sound.file_devices import FileDevices

Samples = npt.NDArray[np.int16]

_LEVEL_EVERY = 5
_COUNTERS_EVERY = 50
_SLIP_MS = 2
_SILENCE = np.zeros((BLOCK, 2), np.int16)
_SILENCE.setflags(write=False)


class Source(Protocol):
    """Something to hear."""

    def take(self) -> Samples | None:
        """The next int16[960, 2] at 48 kHz, left and right; None is silence."""


class Sink(Protocol):
    """Somebody who hears the microphone."""

    def put(self, block: Samples, at: float) -> None:
        """int16[960] mono at 48 kHz, to be read only; ``at`` is the tick's ``time.monotonic``."""


class Engine:
    """``report`` must not wait. While there is neither a source nor a sink nor a meter it does nothing and wants
    no device. A source or sink that raises is let go of and told as :class:`Trouble`."""

    def __init__(self, hardware: FileDevices, report: Callable[[Report], object]) -> None:
        self._hardware, self._report = hardware, report
        self.echo = Echo(report)
        self._sources: tuple[Source, ...] = ()
        self._sinks: tuple[Sink, ...] = ()
        self._raw_sinks: tuple[Sink, ...] = ()
        self._metering = False
        self._clock: Clock | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ticks = 0
        self._slips_ms = 0
        self._microphone, self._speaker = PeakHold(), PeakHold()

    @property
    def running(self) -> bool:
        return self._timer is not None

    @property
    def in_use(self) -> bool:
        """Whether something is heard or spoken."""
        return bool(self._sources or self._sinks or self._raw_sinks)

    @property
    def speaker_open(self) -> bool:
        """Whether what is played now is heard."""
        return self._hardware.speaker_open

    @property
    def speaker_delay_ms(self) -> float:
        """From a block's tick until it is heard."""
        return self._hardware.speaker_delay_ms

    @property
    def microphone_delay_ms(self) -> float:
        """From the mouth until its block's tick."""
        return self._hardware.microphone_delay_ms

    @property
    def slips_ms(self) -> int:
        """What was filled in, dropped or skipped until now: it moves the microphone against the speaker."""
        counted = self._hardware.counters()
        return counted.filled_ms + counted.dropped_ms + (self._skipped_ms(self._clock) if self._clock else 0)

    def add_source(self, source: Source) -> None:
        if source not in self._sources:
            self._sources = (*self._sources, source)
            self._changed()

    def remove_source(self, source: Source) -> None:
        """One that is not there is fine."""
        self._sources = tuple(one for one in self._sources if one is not source)
        self._changed()

    def add_sink(self, sink: Sink, raw: bool = False) -> None:
        """``raw``: before the echo is cancelled, for who measures it."""
        if sink in self._sinks or sink in self._raw_sinks:
            return
        if raw:
            self._raw_sinks = (*self._raw_sinks, sink)
        else:
            self._sinks = (*self._sinks, sink)
            self.prepare_echo()
        self._changed()

    def remove_sink(self, sink: Sink) -> None:
        """One that is not there is fine."""
        self._sinks = tuple(one for one in self._sinks if one is not sink)
        self._raw_sinks = tuple(one for one in self._raw_sinks if one is not sink)
        self._changed()

    def meter(self, on: bool) -> None:
        """Open the microphone for its level alone."""
        self._metering = on
        self._changed()

    def prepare_echo(self) -> None:
        """Load the canceller where one is wanted, so that the first word need not wait for it."""
        if self._hardware.echo_wanted:
            self.echo.prepare()

    async def close(self) -> None:
        self._sources = self._sinks = self._raw_sinks = ()
        self._metering = False
        self._changed()
        await self.echo.close()

    def _changed(self) -> None:
        microphone = bool(self._sinks or self._raw_sinks or self._metering)
        speaker = bool(self._sources)
        self._hardware.want(microphone=microphone, speaker=speaker)
        if not (microphone or speaker):
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._clock = None
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._clock = Clock(loop.time())
            self._timer = loop.call_at(self._clock.next_at, self._wake)

    def _wake(self) -> None:
        loop = asyncio.get_running_loop()
        clock = self._clock
        assert clock is not None
        due = clock.due(loop.time())
        # First, so that nothing that goes wrong in a tick stops the clock.
        self._timer = loop.call_at(clock.next_at, self._wake)
        for _ in range(due):
            self._tick(loop.time())
            if self._clock is not clock:
                return
            if self._ticks % _COUNTERS_EVERY == 0:
                self._count(clock)

    def _tick(self, now: float) -> None:
        hardware = self._hardware
        played = mix(self._take())
        if played is None:
            played = _SILENCE
        else:
            self._speaker.add(loudness_db(played))
        if self._sinks or self._raw_sinks or self._metering:
            heard = hardware.hear()
            self._put(self._raw_sinks, heard, now)
            if self._sinks and hardware.echo_wanted:
                heard = self._without_echo(played, heard)
            self._microphone.add(loudness_db(heard))
            self._put(self._sinks, heard, now)
        if self._sources:
            hardware.say(played)
        self._ticks += 1
        if self._ticks % _LEVEL_EVERY == 0:
            self._report(Level(microphone=self._microphone.take(), speaker=self._speaker.take()))

    def _without_echo(self, played: Samples, heard: Samples) -> Samples:
        hardware = self._hardware
        slips_ms = self.slips_ms
        if abs(slips_ms - self._slips_ms) > _SLIP_MS:
            self._slips_ms = slips_ms
            self.echo.slipped()
        return self.echo.cancel(mono(played), heard, hardware.microphone_delay_ms + hardware.speaker_delay_ms)

    def _take(self) -> list[Samples]:
        blocks: list[Samples] = []
        for source in self._sources:
            try:
                block = source.take()
            except Exception as error:
                self.remove_source(source)
                self._failed("hear", source, error)
            else:
                if block is not None:
                    blocks.append(block)
        return blocks

    def _put(self, sinks: tuple[Sink, ...], block: Samples, now: float) -> None:
        for sink in sinks:
            try:
                sink.put(block, now)
            except Exception as error:
                self.remove_sink(sink)
                self._failed("speak to", sink, error)

    def _failed(self, what: str, who: object, error: Exception) -> None:
        self._report(Trouble(message=f"There is no more to {what}: {type(who).__name__} failed ({error!r})."))

    def _count(self, clock: Clock) -> None:
        self._report(
            msgspec.structs.replace(
                self._hardware.counters(),
                echo_db=self.echo.erle_db if self._hardware.echo_wanted else None,
                clock_late_ms=round(clock.take_lateness() * 1000, 1),
                skipped_ms=self._skipped_ms(clock),
            )
        )

    @staticmethod
    def _skipped_ms(clock: Clock) -> int:
        return round(clock.skipped * TICK_S * 1000)

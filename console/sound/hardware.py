"""The microphone and the speaker for the engine's clock, whatever devices there are, come and go."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from console.sound import protocol
from console.sound.clock import BLOCK
from console.sound.devices import Backend, Found, NoSound, Stream, Stuck, choose, listed
from console.sound.lanes import MicrophoneLane, SpeakerLane, Tally
from console.sound.miniaudio_backend import Miniaudio
from console.sound.port import Port
from console.sound.portaudio import PortAudio
from console.sound.protocol import Configure, Counters, Devices, Report, Trouble
from console.sound.silent import Silent

Samples = npt.NDArray[np.int16]
R = TypeVar("R")

_WATCH_S: Final = 0.1
_LOOK_S: Final = 1.0
_REOPEN_S: Final = 5.0
_LAST_WORDS_S: Final = 0.2
_INTERNAL_ERROR: Final = 70
_MS: Final = 48
_SILENCE = np.zeros(BLOCK, np.int16)
_SILENCE.setflags(write=False)
_BACKENDS: Final[dict[protocol.Backend, tuple[Callable[[], Backend], ...]]] = {
    "": (PortAudio, Miniaudio),
    "sounddevice": (PortAudio,),
    "miniaudio": (Miniaudio,),
    "none": (),
}
_NO_DEVICE: Final = NoSound(
    "This machine has no microphone and no speaker.",
    "Plug one in, or start the sound server (systemctl --user start pipewire-pulse, or pulseaudio --start)."
    if sys.platform == "linux"
    else "Plug one in.",
)


def end_process() -> None:
    """At once, since an orderly end would wait for what is stuck."""
    os._exit(_INTERNAL_ERROR)


class Hardware:
    """Made on the loop. Devices are open only while they are wanted; ``report`` must not wait. What blocks runs in
    a thread of its own, so nothing here does."""

    def __init__(self, report: Callable[[Report], object]) -> None:
        self._report = report
        self._order = Configure()
        self._backend: Backend | None = None
        self._found: list[Found] = []
        self._problem: NoSound | None = None
        self._thread = ThreadPoolExecutor(1, "sound devices")
        self._microphone = Port("microphone", self._open_microphone, self._close_stream, report)
        self._speaker = Port("speaker", self._open_speaker, self._close_stream, report)
        self._ports = (self._microphone, self._speaker)
        self._busy = asyncio.Lock()
        self._wake = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._look_at = self._reopen_at = 0.0
        self._closing = False

    @property
    def microphone_delay_ms(self) -> int:
        """From the mouth until :meth:`hear`; 0 while no microphone is open."""
        return self._microphone.delay_ms

    @property
    def speaker_delay_ms(self) -> int:
        """From :meth:`say` until it is heard; 0 while no speaker is open."""
        return self._speaker.delay_ms

    @property
    def headset(self) -> bool:
        """As configured, or as the speaker's name says."""
        if self._order.headset is not None:
            return self._order.headset
        speaker = self._speaker.device or choose(self._order.speaker, "speaker", self._found)[0]
        return speaker is not None and speaker.headset

    @property
    def echo_wanted(self) -> bool:
        return self._order.echo == "on" or (self._order.echo == "auto" and not self.headset)

    async def configure(self, order: Configure) -> None:
        """Take other devices, or another backend, at once where they are open; :class:`Devices` is reported."""
        async with self._busy:
            if order.backend != self._order.backend:
                for port in self._ports:
                    await port.close()
                self._backend = None
            self._order = order
            self._microphone.name, self._speaker.name = order.microphone, order.speaker
            for port in self._ports:
                if port.state in ("lost", "missing"):
                    port.state = "closed"
            await self._look()
        self._look_at = 0.0
        self._wake.set()
        self._report(self._devices())

    async def list(self) -> Devices:
        """Look anew."""
        async with self._busy:
            await self._look()
        return self._devices()

    def want(self, *, microphone: bool, speaker: bool) -> None:
        """Open or close devices, soon."""
        if (microphone, speaker) == (self._microphone.wanted, self._speaker.wanted):
            return
        self._microphone.wanted, self._speaker.wanted = microphone, speaker
        self._look_at = 0.0
        self._wake.set()
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name="sound devices")

    def hear(self) -> Samples:
        """int16[960] each tick; silence where nothing came."""
        lane = self._microphone.lane
        return lane.take() if lane else _SILENCE

    def say(self, block: Samples) -> None:
        """int16[960, 2] each tick."""
        if lane := self._speaker.lane:
            lane.put(block)

    def counters(self) -> Counters:
        tallies = [port.tally for port in self._ports]
        return Counters(
            filled_ms=sum(one.filled for one in tallies) // _MS,
            dropped_ms=sum(one.dropped for one in tallies) // _MS,
            underruns=sum(one.underruns for one in tallies),
            overruns=sum(one.overruns for one in tallies),
            microphone_ms=self._microphone.latency_ms,
            speaker_ms=self._speaker.latency_ms,
        )

    async def close(self) -> None:
        """Close the devices for good."""
        self._closing = True
        self._microphone.wanted = self._speaker.wanted = False
        self._wake.set()
        if self._keeper is not None:
            await self._keeper
        self._thread.shutdown(wait=False)

    async def _keep(self) -> None:
        while True:
            self._wake.clear()
            pause = _WATCH_S
            try:
                async with self._busy:
                    await self._tend()
            except Exception as error:
                self._report(Trouble(message=f"The sound devices failed ({error!r}); they are tried again."))
                pause = _REOPEN_S
            if self._closing:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(
                    self._wake.wait(), pause if any(port.wanted for port in self._ports) else None
                )

    async def _tend(self) -> None:
        for port in self._ports:
            if not port.wanted and port.state != "closed":
                await port.close()
        wanted = [port for port in self._ports if port.wanted]
        now = asyncio.get_running_loop().time()
        if wanted and (now >= self._look_at or any(port.state == "open" and port.failing for port in wanted)):
            self._look_at = now + _LOOK_S
            # What ends during the look may be gone by the end of it: only the next one tells.
            ended = {port for port in wanted if port.ended}
            await self._look()
            for port in wanted:
                await self._fit(port, now, ended=port in ended)
        for port in wanted:
            port.watch()

    async def _fit(self, port: Port[MicrophoneLane] | Port[SpeakerLane], now: float, *, ended: bool) -> None:
        """Have the right device open."""
        target, problem = choose(port.name, port.kind, self._found)
        try:
            if port.device is not None and port.device.id not in {
                one.id for one in self._found if one.kind == port.kind
            }:
                await port.lose(target)
            if target is None:
                missing = self._problem or NoSound(f"This machine has no {port.kind}.", _NO_DEVICE.fix)
                port.miss(str(missing), missing.fix)
            elif port.device is None or port.device.id != target.id:
                chosen = f"The system's {port.kind} is now {target.name}." if port.device and not port.name else ""
                await port.open(target, problem or chosen)
            elif ended or (port.state == "silent" and now >= self._reopen_at):
                self._reopen_at = now + _REOPEN_S
                await port.reopen()
        except NoSound as error:
            port.miss(str(error), error.fix)

    async def _look(self) -> None:
        try:
            self._found = await self._in_thread(self._looked)
            self._problem = None if self._found else _NO_DEVICE
        except NoSound as error:
            self._found, self._problem = [], error

    def _looked(self) -> list[Found]:
        """In the devices' thread."""
        if self._backend is not None:
            return self._backend.look()
        missing: NoSound | None = None
        for backend in _BACKENDS[self._order.backend]:
            try:
                tried = backend()
                found = tried.look()
            except NoSound as error:
                missing = missing or error
            else:
                self._backend = tried
                return found
        if missing is not None:
            raise missing
        self._backend = silent = Silent()
        return silent.look()

    def _devices(self) -> Devices:
        microphone, no_microphone = choose(self._order.microphone, "microphone", self._found)
        speaker, no_speaker = choose(self._order.speaker, "speaker", self._found)
        problems = [str(self._problem)] if self._problem else [one for one in (no_microphone, no_speaker) if one]
        return Devices(
            backend=self._backend.name if self._backend else "none",
            devices=listed(self._found),
            microphone=microphone.name if microphone else "",
            speaker=speaker.name if speaker else "",
            echo=self.echo_wanted,
            problem=" ".join(problems),
            fix=self._problem.fix if self._problem else "",
        )

    async def _open_microphone(self, device: Found, tally: Tally) -> tuple[Stream, MicrophoneLane]:
        backend = self._backend
        assert backend is not None
        lanes: list[MicrophoneLane] = []

        def ready(rate: int) -> Callable[[Samples, bool], None]:
            lanes[:] = [MicrophoneLane(rate, tally)]
            return lanes[0].put

        return await self._in_thread(lambda: backend.open_microphone(device, ready)), lanes[0]

    async def _open_speaker(self, device: Found, tally: Tally) -> tuple[Stream, SpeakerLane]:
        backend = self._backend
        assert backend is not None
        lanes: list[SpeakerLane] = []

        def ready(rate: int) -> Callable[[int, bool], Samples]:
            lanes[:] = [SpeakerLane(rate, tally)]
            return lanes[0].take

        return await self._in_thread(lambda: backend.open_speaker(device, ready)), lanes[0]

    async def _close_stream(self, stream: Stream) -> None:
        try:
            await self._in_thread(stream.close)
        except Stuck as stuck:
            self._report(Trouble(message=f"{stuck} Sound starts anew."))
            # Once that is written: the console starts another process and opens there what was open here.
            asyncio.get_running_loop().call_later(_LAST_WORDS_S, end_process)

    async def _in_thread(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

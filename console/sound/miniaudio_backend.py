"""Devices through miniaudio, which needs nothing installed but itself: Core Audio, WASAPI, PulseAudio or ALSA.

Measured as PortAudio was: 15 ms from speaker to microphone with periods of 20 ms.
"""

from __future__ import annotations

import atexit
import sys
import weakref
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Final

import numpy as np

from console.sound import protocol, pulse_server
from console.sound.clock import RATE
from console.sound.devices import Fill, Found, Heard, NoSound, Stream, install, is_headset
from console.sound.protocol import Kind

_PERIOD_MS: Final = 20
_open: weakref.WeakSet[_Stream] = weakref.WeakSet()


class Miniaudio:
    """Raises :class:`NoSound` where there is no miniaudio for this machine."""

    name: protocol.Backend = "miniaudio"

    def __init__(self) -> None:
        try:
            import miniaudio
        except ImportError as error:
            raise NoSound(
                "miniaudio is not installed.", "pip install miniaudio (it compiles), or use sounddevice."
            ) from error
        self._ma: Any = miniaudio
        self._backends: list[Any] = []
        self._ids: dict[tuple[str, str], Any] = {}

    def look(self) -> list[Found]:
        over_server = pulse_server.look() if sys.platform == "linux" else None
        self._ids = {}
        if over_server is not None:
            self._backends = [self._ma.Backend.PULSEAUDIO]
            return over_server
        if sys.platform == "linux" and not Path("/proc/asound/cards").exists():
            return []
        self._backends = [self._ma.Backend.ALSA] if sys.platform == "linux" else []
        try:
            devices = self._ma.Devices(self._backends)
            pairs: tuple[tuple[Kind, Any], ...] = (
                ("microphone", devices.get_captures()),
                ("speaker", devices.get_playbacks()),
            )
        except self._ma.MiniaudioError as error:
            raise NoSound(
                f"miniaudio finds no sound system ({error}).",
                install("pulseaudio", "pipewire-pulseaudio", "Look in System Settings, Sound."),
            ) from error
        found: list[Found] = []
        for kind, those in pairs:
            for place, one in enumerate(those):
                name = one["name"]
                self._ids[kind, name] = one["id"]
                # It lists the system's choice first.
                found.append(Found(kind, name, name, devices.backend, default=not place, headset=is_headset(name)))
        return found

    def open_microphone(self, found: Found, ready: Callable[[int], Heard]) -> Stream:
        def take(heard: Heard) -> Generator[None, bytearray, None]:
            while True:
                heard(np.frombuffer((yield), np.int16)[:, None], False)

        return self._opened(self._ma.CaptureDevice, 1, found, lambda: take(ready(RATE)))

    def open_speaker(self, found: Found, ready: Callable[[int], Fill]) -> Stream:
        def give(fill: Fill) -> Generator[bytes, int, None]:
            count = yield b""
            while True:
                count = yield fill(count, False).tobytes()

        return self._opened(self._ma.PlaybackDevice, 2, found, lambda: give(ready(RATE)))

    def _opened(
        self, kind: Callable[..., Any], channels: int, found: Found, generator: Callable[[], Any]
    ) -> Stream:
        try:
            device = kind(
                self._ma.SampleFormat.SIGNED16,
                channels,
                RATE,
                _PERIOD_MS,
                self._id(found),
                backends=self._backends,
                app_name="Sidetone",
            )
            callback = generator()
            next(callback)
            device.start(callback)
        except self._ma.MiniaudioError as error:
            raise NoSound(
                f"{found.name} cannot be opened: {error}.", "Choose another, or close what uses it."
            ) from error
        return _Stream(device)

    def _id(self, found: Found) -> Any:
        if (known := self._ids.get((found.kind, found.id))) is not None:
            return known
        # A union of the systems' ids: PulseAudio's is the name, ended by a zero.
        device_id = self._ma.ffi.new("ma_device_id *")
        name = found.id.encode()[:255] + b"\0"
        self._ma.ffi.buffer(device_id)[: len(name)] = name
        return device_id


class _Stream:
    """It converts rates itself, and says nothing of its latency: a period in each direction."""

    rate = RATE
    latency_ms = _PERIOD_MS

    def __init__(self, device: Any) -> None:
        self._device = device
        _open.add(self)

    @property
    def alive(self) -> bool:
        return self._device.running

    def close(self) -> None:
        self._device.close()


@atexit.register
def _close_all() -> None:
    # One that is still open when Python ends waits for its own thread for ever.
    for stream in list(_open):
        stream.close()

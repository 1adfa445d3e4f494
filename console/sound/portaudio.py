"""Devices through PortAudio, with the package sounddevice: Core Audio, WASAPI or ALSA, and over ALSA those of
PulseAudio and PipeWire one by one.

Measured from speaker to microphone over a PulseAudio null sink: blocks of 20 ms at PortAudio's low latency take
40 ms and hold while both cores are busy; blocks of 10 ms take 20 ms and lose some then.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from console.sound import protocol, pulse_server
from console.sound.clock import RATE
from console.sound.devices import Fill, Found, Heard, NoSound, Stream, Stuck, install, is_headset
from console.sound.protocol import Kind

_CLOSE_S: Final = 1.0
_RATES: Final = (RATE, 44_100, 32_000, 16_000, 8_000)
# In ALSA, what leads to the sound server, the best first.
_TO_SERVER: Final = ("pulse", "pipewire", "default")
# Windows shows each device once for each of its interfaces.
_INTERFACES: Final = {"win32": "Windows WASAPI", "darwin": "Core Audio", "linux": "ALSA"}


class PortAudio:
    """Raises :class:`NoSound` where PortAudio is missing. The list of PortAudio itself is as old as its start, so
    it starts anew to look while nothing is open; the sound server's is always fresh."""

    name: protocol.Backend = "sounddevice"

    def __init__(self) -> None:
        try:
            import sounddevice
        except (ImportError, OSError) as error:
            raise NoSound(
                "PortAudio is not installed.",
                install(
                    "libportaudio2 libasound2-plugins",
                    "portaudio alsa-plugins-pulseaudio",
                    "brew install portaudio",
                ),
            ) from error
        self._sd: Any = sounddevice
        self._open: set[_Stream] = set()
        self._over_server = False

    def look(self) -> list[Found]:
        self._open = {one for one in self._open if not one.closed}
        if not self._open:
            self._sd._terminate()
            self._sd._initialize()
        over_server = pulse_server.look() if sys.platform == "linux" else None
        if over_server is None and self._over_server and self._open:
            # The server has gone with all that is open, and PortAudio's own list is older than that.
            return []
        self._over_server = over_server is not None
        if over_server is None:
            return self._own()
        if over_server and not any(one["name"] in _TO_SERVER for one in self._sd.query_devices()):
            raise NoSound(
                "PortAudio cannot reach the sound server: ALSA's plugin for it is missing.",
                install("libasound2-plugins", "alsa-plugins-pulseaudio", ""),
            )
        return over_server

    def open_microphone(self, found: Found, ready: Callable[[int], Heard]) -> Stream:
        take: list[Heard] = []

        def callback(samples: np.ndarray, _frames: int, _time: object, status: Any) -> None:
            take[0](samples[:, :1], status.input_overflow)

        def begin(rate: int) -> None:
            take[:] = [ready(rate)]

        return self._opened(self._sd.InputStream, found, "max_input_channels", (1, 2), callback, begin)

    def open_speaker(self, found: Found, ready: Callable[[int], Fill]) -> Stream:
        give: list[Fill] = []

        def callback(samples: np.ndarray, frames: int, _time: object, status: Any) -> None:
            both = give[0](frames, status.output_underflow)
            samples[:] = both if samples.shape[1] == 2 else both.astype(np.int32).sum(axis=1, keepdims=True) // 2

        def begin(rate: int) -> None:
            give[:] = [ready(rate)]

        return self._opened(self._sd.OutputStream, found, "max_output_channels", (2, 1), callback, begin)

    def _own(self) -> list[Found]:
        interfaces = self._sd.query_hostapis()
        wanted = _INTERFACES.get(sys.platform, "")
        if wanted not in {one["name"] for one in interfaces}:
            wanted = ""
        directions: tuple[tuple[Kind, str, str], ...] = (
            ("microphone", "max_input_channels", "default_input_device"),
            ("speaker", "max_output_channels", "default_output_device"),
        )
        found: list[Found] = []
        for one in self._sd.query_devices():
            api, name = interfaces[one["hostapi"]], one["name"]
            if wanted and api["name"] != wanted:
                continue
            for kind, channels, default in directions:
                if one[channels]:
                    usual = api[default] == one["index"]
                    found.append(Found(kind, name, name, api["name"], usual, is_headset(name)))
        return found

    def _opened(
        self,
        kind: Callable[..., Any],
        found: Found,
        channels_key: str,
        channels: tuple[int, int],
        callback: Callable[..., None],
        begin: Callable[[int], None],
    ) -> Stream:
        device = self._device(found, channels_key)
        rates = dict.fromkeys((RATE, int(device["default_samplerate"]), *_RATES))
        refused: Exception | None = None
        for rate, count in itertools.product(rates, channels):
            settings = {"samplerate": rate, "blocksize": rate // 50, "channels": count, "dtype": "int16"}
            with contextlib.ExitStack() as undo, pulse_server.chosen(found.id):
                try:
                    stream = kind(device=device["index"], latency="low", callback=callback, **settings)
                    undo.callback(stream.close)
                    begin(rate)
                    stream.start()
                except self._sd.PortAudioError as error:
                    refused = refused or error
                    continue
                undo.pop_all()
            opened = _Stream(stream, rate)
            self._open.add(opened)
            return opened
        raise NoSound(f"{found.name} cannot be opened: {refused}.", "Close what else uses it, or choose another.")

    def _device(self, found: Found, channels_key: str) -> dict[str, Any]:
        names = _TO_SERVER if self._over_server else (found.id,)
        for name in names:
            for one in self._sd.query_devices():
                api = self._sd.query_hostapis(one["hostapi"])["name"]
                if one["name"] == name and one[channels_key] and (self._over_server or api == found.api):
                    return one
        raise NoSound(f"{found.name} is gone.", "Plug it in, or choose another.")


class _Stream:
    def __init__(self, stream: Any, rate: int) -> None:
        self._stream, self.rate = stream, rate
        self.latency_ms = round(stream.latency * 1000)
        self.closed = False

    @property
    def alive(self) -> bool:
        return not self.closed and self._stream.active

    def close(self) -> None:
        self.closed = True
        # After a sound server died, PortAudio's thread over ALSA's plugin now and then runs for ever.
        closing = threading.Thread(target=self._stream.close, name="closing a device", daemon=True)
        closing.start()
        closing.join(_CLOSE_S)
        if closing.is_alive():
            raise Stuck("PortAudio does not let go of a device whose sound server has died.")

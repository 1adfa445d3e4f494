"""Files in the place of devices: a recording as the microphone, and a WAV that gets what is played."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import soundfile

from console.sound.clock import BLOCK, RATE
from console.sound.hardware import Hardware
from console.sound.protocol import Configure, Counters, DeviceChanged, Devices, Report, Trouble
from console.sound.resampling import Converter

Block = npt.NDArray[np.int16]
R = TypeVar("R")
_SILENCE = np.zeros(BLOCK, np.int16)
_SILENCE.setflags(write=False)


class FileDevices:
    """As :class:`Hardware`, of which it opens only what no file stands for."""

    def __init__(self, hardware: Hardware, report: Callable[[Report], object]) -> None:
        self._hardware, self._report = hardware, report
        self._microphone: _Reader | None = None
        self._broken = False
        """There was to be a file in place of the microphone: no other must be heard."""
        self._speaker: soundfile.SoundFile | None = None
        self._microphone_wanted = self._speaker_wanted = False

    @property
    def microphone_delay_ms(self) -> int:
        return 0 if self._microphone else self._hardware.microphone_delay_ms

    @property
    def speaker_delay_ms(self) -> int:
        return 0 if self._speaker else self._hardware.speaker_delay_ms

    @property
    def speaker_open(self) -> bool:
        """Whether what is said now is heard."""
        return self._speaker is not None or bool(self._hardware.speaker_delay_ms)

    @property
    def headset(self) -> bool:
        return self._hardware.headset

    @property
    def echo_wanted(self) -> bool:
        """No file hears what is played."""
        return not (self._microphone or self._speaker) and self._hardware.echo_wanted

    async def configure(self, order: Configure) -> None:
        self._close_files()
        self._microphone = self._opened(_Reader, order.microphone_file)
        self._broken = bool(order.microphone_file) and self._microphone is None
        self._speaker = self._opened(_writer, order.speaker_file)
        self.want(microphone=self._microphone_wanted, speaker=self._speaker_wanted)
        await self._hardware.configure(order)

    async def list(self) -> Devices:
        return await self._hardware.list()

    def want(self, *, microphone: bool, speaker: bool) -> None:
        self._microphone_wanted, self._speaker_wanted = microphone, speaker
        device = self._microphone is None and not self._broken
        self._hardware.want(microphone=microphone and device, speaker=speaker and self._speaker is None)

    def hear(self) -> Block:
        reader = self._microphone
        if reader is None:
            return _SILENCE if self._broken else self._hardware.hear()
        if not self._microphone_wanted or reader.over:
            return _SILENCE
        message = f"{reader.name} is over."
        try:
            block = reader.block()
        except (OSError, RuntimeError) as error:
            reader.over, block, message = True, _SILENCE, f"{reader.name} cannot be read on: {error}."
        if reader.over:
            self._report(DeviceChanged(kind="microphone", state="closed", name=reader.name, message=message))
        return block

    def say(self, block: Block) -> None:
        if self._speaker is None:
            self._hardware.say(block)
            return
        try:
            self._speaker.write(block)
        except (OSError, RuntimeError) as error:
            self._report(Trouble(message=f"{self._speaker.name} cannot be written: {error}."))
            self._speaker = None

    def counters(self) -> Counters:
        return self._hardware.counters()

    async def close(self) -> None:
        self._close_files()
        await self._hardware.close()

    def _opened(self, kind: Callable[[str], R], file: str) -> R | None:
        try:
            return kind(file) if file else None
        except (OSError, RuntimeError) as error:
            self._report(Trouble(message=f"{file} cannot be used: {error}."))
            return None

    def _close_files(self) -> None:
        for file in (self._microphone, self._speaker):
            if file is not None:
                file.close()
        self._microphone = self._speaker = None


class _Reader:
    """A recording of any format, rate and number of channels that libsndfile reads, as blocks."""

    def __init__(self, file: str) -> None:
        self._file = soundfile.SoundFile(file)
        self._converter = Converter(self._file.samplerate, RATE)
        self._ready = np.empty(0, np.int16)
        self.name = Path(file).name
        self.over = False

    def block(self) -> Block:
        """The next block; the last is filled with silence."""
        while len(self._ready) < BLOCK and not self.over:
            # libsndfile scales floats to integers only when the file holds integers.
            read = self._file.read(self._file.samplerate // 50, dtype="float32", always_2d=True)
            self.over = not len(read)
            # Silence at the end pushes the last samples out of the converter.
            mono = np.clip(read.mean(axis=1) * 32767, -32768, 32767).astype(np.int16) if len(read) else _SILENCE
            self._ready = np.concatenate((self._ready, self._converter.push(mono)))
        block, self._ready = self._ready[:BLOCK], self._ready[BLOCK:]
        return block if len(block) == BLOCK else np.pad(block, (0, BLOCK - len(block)))

    def close(self) -> None:
        self._file.close()


def _writer(file: str) -> soundfile.SoundFile:
    return soundfile.SoundFile(file, "w", RATE, 2, "PCM_16", format="WAV")

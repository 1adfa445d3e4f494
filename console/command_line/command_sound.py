"""The sound process for a command without a screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from agent import paths
from console import environment, sound_settings
from console.preferences import Preferences
from console.sound.protocol import (
    Configure,
    DeviceChanged,
    Devices,
    Echo,
    ListDevices,
    Report,
    Trouble,
)
from console.sound_link import SoundError, SoundLink


@dataclass(frozen=True, slots=True)
class SoundChoice:
    """What the command line says of devices; what is left out is for the settings to say."""

    microphone: str = ""
    speaker: str = ""
    headset: bool | None = None
    echo: Echo | None = None
    microphone_file: str = ""
    speaker_file: str = ""

    def configure(self) -> Configure:
        """Raises ValueError where a setting has a value that it cannot have; one sentence."""
        preferences = Preferences(paths.data_dir() / "console.json")
        found = sound_settings.configure(environment.read_settings(), preferences)
        return msgspec.structs.replace(
            found,
            microphone=self.microphone or found.microphone,
            speaker=self.speaker or found.speaker,
            headset=found.headset if self.headset is None else self.headset,
            echo=self.echo or found.echo,
            microphone_file=self.microphone_file,
            speaker_file=self.speaker_file,
        )

    def settings(self) -> dict[str, str]:
        """The same as settings of the environment, without the files."""
        headset = "" if self.headset is None else "yes" if self.headset else "no"
        found = {"MICROPHONE": self.microphone, "SPEAKER": self.speaker, "ECHO": self.echo, "HEADSET": headset}
        return {f"SIDETONE_{name}": value for name, value in found.items() if value}


class CommandSound:
    """Troubles and what happens to the devices go to ``detail``, a line each; ``told`` hears every report."""

    def __init__(
        self, configure: Configure, detail: Callable[[str], None], told: Callable[[Report], object]
    ) -> None:
        self._configure, self._detail, self._told = configure, detail, told
        self._changed = asyncio.Event()
        self._ready = False
        self._trouble: Trouble | None = None
        self.link = SoundLink(self._tell, configure, paths.data_dir())

    async def need(self, *, microphone: bool = False, speaker: bool = False) -> Devices:
        """Raises SoundError where a device or a file for it is missing, with what to do."""
        found = await self.link.ask(ListDevices(), Devices)
        self._ready = True
        if self._trouble is not None:
            raise SoundError(self._trouble.message, self._trouble.fix)
        if found.backend == "none":
            return found
        no_microphone = microphone and not (found.microphone or self._configure.microphone_file)
        no_speaker = speaker and not (found.speaker or self._configure.speaker_file)
        if no_microphone or no_speaker:
            missing = "microphone" if no_microphone else "speaker"
            raise SoundError(found.problem or f"There is no {missing}.", found.fix)
        return found

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait for reports until ``done``.

        Raises:
            SoundError: the sound process ended before.
        """
        ended = asyncio.create_task(self.link.ended())
        try:
            while not done():
                changed = asyncio.create_task(self._changed.wait())
                await asyncio.wait({changed, ended}, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                if ended.done() and not done():
                    raise SoundError("Without sound this cannot go on.")
                self._changed.clear()
        finally:
            ended.cancel()

    def _tell(self, report: Report) -> None:
        if isinstance(report, Trouble) and not self._ready:
            self._trouble = self._trouble or report
        elif isinstance(report, Trouble | DeviceChanged) and report.message:
            self._detail(f"{report.message} {report.fix}".rstrip())
        self._told(report)
        self._changed.set()

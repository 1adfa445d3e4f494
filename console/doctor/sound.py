"""Sound: the libraries, the devices, and what the echo canceller does."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Mapping
from pathlib import Path

from console.doctor.finding import Finding, good, missing, note
from console.preferences import Preferences
from console.sound.protocol import Devices, EchoMeasured, ListDevices, MeasureEcho, Report, Trouble
from console.sound_link import SoundError, SoundLink
from console.sound_settings import configure

_LEAST_DB = 20.0
_MOST = 10
_PORTAUDIO = (
    "apt install libportaudio2 libasound2-plugins, dnf install portaudio alsa-plugins-pulseaudio, "
    "or brew install portaudio"
)
_DEVICES_S, _ECHO_S, _REAL_ECHO_S = 10.0, 15.0, 30.0


async def sound(settings: Mapping[str, str], folder: Path, real: bool) -> list[Finding]:
    """``real`` plays and hears speech with the devices, which are needed then."""
    troubles: list[Trouble] = []

    def told(report: Report) -> None:
        if isinstance(report, Trouble) and len(troubles) < _MOST:
            troubles.append(report)

    try:
        link = SoundLink(told, configure(settings, Preferences(folder / "console.json")), folder)
    except ValueError as error:
        return [missing("sound", str(error), "Correct the setting.")]
    try:
        devices, computed = await asyncio.gather(
            link.ask(ListDevices(), Devices, _DEVICES_S), link.ask(MeasureEcho(), EchoMeasured, _ECHO_S)
        )
        found = [_library(devices), _fallback(), *_devices(devices, real), _echo("echo canceller", computed)]
        if real:
            found.append(_echo("echo here", await link.ask(MeasureEcho(real=True), EchoMeasured, _REAL_ECHO_S)))
        return found
    except SoundError as error:
        # What was told before is the cause.
        first = troubles[0] if troubles else Trouble(message=str(error), fix=error.fix)
        return [missing("sound", first.message, first.fix or error.fix)]
    finally:
        await link.close()


def _library(devices: Devices) -> Finding:
    if devices.backend == "sounddevice":
        return good("sound library", "sounddevice and PortAudio")
    if devices.backend == "miniaudio":
        return note("sound library", "miniaudio, since PortAudio is not there", _PORTAUDIO)
    return note("sound library", "none is used", devices.fix or "Unset SIDETONE_SOUND, or: " + _PORTAUDIO)


def _fallback() -> Finding:
    if importlib.util.find_spec("miniaudio") is None:
        return note("fall-back", "miniaudio is not installed; only PortAudio can be used", "pip install miniaudio")
    return good("fall-back", "miniaudio, which needs no PortAudio")


def _devices(devices: Devices, needed: bool) -> list[Finding]:
    absent = missing if needed else note
    if not (devices.microphone or devices.speaker):
        fix = devices.fix or "Plug in a headset, or a microphone and a speaker."
        return [absent("devices", devices.problem or "There is neither microphone nor speaker.", fix)]
    found: list[Finding] = []
    for kind, name in (("microphone", devices.microphone), ("speaker", devices.speaker)):
        if name:
            found.append(good(kind, name))
        else:
            fix = devices.fix or f"Plug one in, or set SIDETONE_{kind.upper()}."
            found.append(absent(kind, devices.problem or f"There is no {kind}.", fix))
    return found


def _echo(name: str, measured: EchoMeasured) -> Finding:
    """The canceller is needed only by those who talk without a headset."""
    if measured.problem:
        state = missing if measured.real else note
        return state(name, measured.problem, measured.fix or "Use a headset.")
    where = "in this room" if measured.real else "in a computed room"
    text = f"{measured.erle_db:.0f} dB quieter {where}"
    if measured.real and measured.before_db:
        text += f", where it comes back at {measured.before_db:.0f} dB"
    if measured.erle_db < _LEAST_DB:
        return note(name, text, "Use a headset, or turn the speaker down.")
    return good(name, text)

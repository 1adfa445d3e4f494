"""What a sound backend is, and which of its devices a name means."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from console.sound import protocol
from console.sound.protocol import Kind

Samples = npt.NDArray[np.int16]
Heard = Callable[[Samples, bool], None]
"""Takes int16[n, 1], and whether the device lost some before."""
Fill = Callable[[int, bool], Samples]
"""Gives int16[n, 2] for a count, which comes with whether the device ran dry before."""

_HEADSET = re.compile(
    r"head-?(set|phone)|ear-?(bud|phone|pod|piece)|air-?pods|hands-?free|galaxy buds", re.IGNORECASE
)


class NoSound(Exception):
    """What is missing or failed, in a sentence, and what to do about it."""

    def __init__(self, problem: str, fix: str = "") -> None:
        super().__init__(problem)
        self.fix = fix


@dataclass(frozen=True)
class Found:
    """A device for one direction. ``id`` is what its backend opens it by. A ``hidden`` one, such as the monitor of
    a speaker, is found by its exact name and not listed."""

    kind: Kind
    id: str
    name: str
    api: str
    default: bool = False
    headset: bool = False
    hidden: bool = False


class Stuck(Exception):
    """A device does not close: something of its library runs on in this process, and nothing but its end helps."""


class Stream(Protocol):
    """An open device."""

    rate: int
    latency_ms: int
    """As the device says, from the ear or mouth to the lane."""

    @property
    def alive(self) -> bool:
        """False once the device has ended it; a silent one may say that it is alive."""
        ...

    def close(self) -> None:
        """Raises :class:`Stuck`."""


class Backend(Protocol):
    """All of it blocks, and is called in one thread. Raises :class:`NoSound`."""

    name: protocol.Backend

    def look(self) -> list[Found]:
        """What there is now."""
        ...

    def open_microphone(self, found: Found, ready: Callable[[int], Heard]) -> Stream:
        """``ready`` is told the rate, before the first samples, and gives what takes them."""
        ...

    def open_speaker(self, found: Found, ready: Callable[[int], Fill]) -> Stream: ...


def choose(wanted: str, kind: Kind, devices: list[Found]) -> tuple[Found | None, str]:
    """The device of ``kind`` that ``wanted`` is the name of, or the only one whose name it is a part of. Empty
    means the system's choice, which also stands in for one that is not found: then the sentence says why. None
    where there is no device at all."""
    mine = [one for one in devices if one.kind == kind]
    shown = [one for one in mine if not one.hidden]
    # With no microphone left, PulseAudio takes a speaker's monitor: that is no ear.
    usual = next((one for one in shown if one.default), shown[0] if shown else None)
    if not wanted:
        return usual, ""
    word = wanted.casefold()
    exact = [one for one in mine if word in (one.name.casefold(), one.id.casefold())]
    fitting = exact or [one for one in shown if word in one.name.casefold()]
    if len(fitting) == 1:
        return fitting[0], ""
    instead = f" {usual.name} is used instead." if usual else ""
    if fitting:
        # Two of a kind have one name: their ids tell them apart.
        names = [one.name if len({other.name for other in fitting}) > 1 else one.id for one in fitting]
        return usual, f"“{wanted}” may be {_either(names)}: name one of them.{instead}"
    there = f"There is {_either([one.name for one in shown])}." if shown else f"There is no {kind} at all."
    return usual, f"No {kind} is called “{wanted}”. {there}{instead}"


def is_headset(name: str) -> bool:
    """As the name says."""
    return _HEADSET.search(name) is not None


def listed(devices: list[Found]) -> list[protocol.Device]:
    """For people: one line for a device, whichever directions it has."""
    lines: dict[tuple[str, str], protocol.Device] = {}
    for one in devices:
        if one.hidden:
            continue
        line = lines.setdefault(
            (one.name, one.api), protocol.Device(name=one.name, api=one.api, microphone=False, speaker=False)
        )
        line.headset |= one.headset
        if one.kind == "microphone":
            line.microphone, line.default_microphone = True, line.default_microphone or one.default
        else:
            line.speaker, line.default_speaker = True, line.default_speaker or one.default
    return list(lines.values())


def install(debian: str, fedora: str, macos: str) -> str:
    """The line that installs it on this system, and that of the others where there is no telling which one."""
    if sys.platform == "darwin":
        return macos
    if sys.platform == "win32":
        return "Install Sidetone anew: on Windows its sounddevice package brings PortAudio."
    return f"Debian and Ubuntu: sudo apt-get install {debian}. Fedora: sudo dnf install {fedora}."


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

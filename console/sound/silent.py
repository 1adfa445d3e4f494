"""No devices, because none are asked for: what is played goes nowhere and nothing is heard."""

from __future__ import annotations

from collections.abc import Callable

from console.sound import protocol
from console.sound.devices import Fill, Found, Heard, NoSound, Stream


class Silent:
    name: protocol.Backend = "none"

    def look(self) -> list[Found]:
        raise NoSound("Sound is switched off.", "Set SIDETONE_SOUND to sounddevice or miniaudio, or to nothing.")

    def open_microphone(self, found: Found, ready: Callable[[int], Heard]) -> Stream:
        raise AssertionError(found)

    def open_speaker(self, found: Found, ready: Callable[[int], Fill]) -> Stream:
        raise AssertionError(found)

"""``sidetone phone --list-devices``."""

from __future__ import annotations

import asyncio
import sys

import msgspec

from agent import paths
from console.command_line.command_sound import SoundChoice
from console.sound.protocol import Device, Devices, ListDevices
from console.sound_link import SoundError, SoundLink
from console.text import clean


def run(choice: SoundChoice, as_json: bool) -> int:
    """Print the devices; returns the exit status, 1 when there are none."""
    try:
        found = asyncio.run(_ask(choice))
    except SoundError as error:
        print(f"{error} {error.fix}".rstrip(), file=sys.stderr)
        return 1
    if as_json:
        print(msgspec.json.encode(found).decode())
    else:
        for device in found.devices:
            print(_line(device, found))
    if found.problem:
        print(f"{found.problem} {found.fix}".rstrip(), file=sys.stderr)
    return 0 if found.devices else 1


async def _ask(choice: SoundChoice) -> Devices:
    link = SoundLink(lambda _: None, choice.configure(), paths.data_dir())
    try:
        return await link.ask(ListDevices(), Devices)
    finally:
        await link.close()


def _line(device: Device, found: Devices) -> str:
    kinds = [kind for kind, there in (("microphone", device.microphone), ("speaker", device.speaker)) if there]
    used = [kind for kind in kinds if device.name == getattr(found, kind)]
    marks = ["used" if used == kinds else f"used as {used[0]}"] if used else []
    marks += ["headset"] if device.headset else []
    return clean(f"{device.name}  ({', '.join([*kinds, device.api, *marks])})")

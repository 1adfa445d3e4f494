"""``sidetone doctor``: one line a check, each with its fix."""

from __future__ import annotations

import asyncio
import os
import sys

import msgspec

from agent import paths
from console import environment, symbols
from console.doctor import machine, services, speech
from console.doctor.finding import Finding
from console.text import clean

_NAME_WIDTH = 15
_COLOURS = {"ok": "32", "note": "33", "missing": "31"}


def run(as_json: bool, real_sound: bool) -> int:
    """Check everything; returns the exit status, 1 when something that is needed is missing."""
    found = asyncio.run(_check(real_sound))
    for finding in found:
        print(msgspec.json.encode(finding).decode() if as_json else _line(finding))
    return 1 if any(finding.state == "missing" for finding in found) else 0


async def _check(real_sound: bool) -> list[Finding]:
    folder_found = machine.data_folder()
    settings = environment.read_settings()
    found = [machine.python(), folder_found]
    if folder_found.state != "missing":
        from console.doctor import processes, rooms, sound

        folder = paths.data_dir()
        heard, running, telephony = await asyncio.gather(
            sound.sound(settings, folder, real_sound), processes.processes(folder), rooms.rooms(settings, folder)
        )
        found += [*heard, machine.port(settings, processes.agent_port(folder)), *running, *telephony]
    return [*found, speech.voice(), speech.recogniser(settings), *services.services(settings)]


def _line(finding: Finding) -> str:
    drawn = symbols.choose()
    mark = {"ok": drawn.up, "note": drawn.slow, "missing": drawn.bad}[finding.state]
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        mark = f"\x1b[{_COLOURS[finding.state]}m{mark}\x1b[0m"
    line = f"{mark} {finding.name:<{_NAME_WIDTH}} {clean(finding.text)}"
    return f"{line}\n  {'':<{_NAME_WIDTH}} {clean(finding.fix)}" if finding.fix else line

"""``sidetone record`` and ``sidetone play``: the recordings of calls, without the screen."""

from __future__ import annotations

import asyncio
import signal
import sys

import msgspec

from agent import api, paths
from console import words
from console.client import AgentClient, AgentError
from console.command_line import live_call
from console.command_line.command_sound import CommandSound, SoundChoice
from console.command_line.live_call import At
from console.sound.protocol import Play, Playing, Report, StopPlaying

_DONE = {"start": "is recorded", "pause": "is not recorded for now", "resume": "is recorded again"}


def record(at: At, action: api.RecordingAction, as_json: bool) -> int:
    """Begin, pause or resume the recording of a live call; returns the exit status."""

    async def act(client: AgentClient) -> int:
        state = await live_call.find(client, at.call)
        await client.recording(state.id, action, live_call.me())
        if as_json:
            print(msgspec.json.encode({"call": state.id, "recording": action}).decode())
        else:
            print(f"{state.id} {_DONE[action]}")
        return 0

    return live_call.run(at, act)


def play(at: At, choice: SoundChoice, speed: float, from_s: float, as_json: bool) -> int:
    """Play a recording to its end; returns the exit status, 130 when interrupted."""

    async def act(client: AgentClient) -> int:
        order = Play(from_ms=round(from_s * 1000), speed=speed)
        if at.url:
            found = await client.recording_of((await live_call.find(client, at.call)).id)
            order.url, order.token = found.url, found.token
        else:
            order.file = await asyncio.to_thread(_file, at.call)
        return await _Playback(choice, as_json).run(order)

    return live_call.run(at, act)


def _file(call: str) -> str:
    """The recording of this data folder that ``call``, an id or a beginning of one, names."""
    found = sorted(file for file in paths.recordings_dir().glob("*.wav") if file.stem.startswith(call))
    exact = [file for file in found if file.stem == call]
    if len(exact or found) == 1:
        return str((exact or found)[0])
    if found:
        raise AgentError(f"Which call: {', '.join(file.stem for file in found[:5])}?")
    raise AgentError(
        f"There is no recording of {call} in {paths.recordings_dir()}: `sidetone calls` lists the calls."
    )


class _Playback:
    def __init__(self, choice: SoundChoice, as_json: bool) -> None:
        self._as_json = as_json
        self._last: Playing | None = None
        self._stopped = False
        self._shows = sys.stderr.isatty() and not as_json
        self._sound = CommandSound(choice.configure(), self._detail, self._told)

    async def run(self, order: Play) -> int:
        """Returns the exit status.

        Raises:
            SoundError: there is no speaker, or the sound process ended.
            AgentError: the recording cannot be played.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._stop)
        try:
            await self._sound.need(speaker=True)
            self._sound.link.send(order)
            await self._sound.until(self._over)
            return self._status()
        finally:
            await self._sound.link.close()
            if self._shows and self._last is not None:
                print(file=sys.stderr)

    def _status(self) -> int:
        if self._stopped:
            return 130
        if self._last is not None and self._last.state == "closed":
            raise AgentError(self._last.message or "The recording cannot be played.")
        return 0

    def _over(self) -> bool:
        return self._last is not None and self._last.state in ("over", "closed")

    def _stop(self) -> None:
        self._stopped = True
        self._sound.link.send(StopPlaying())

    def _told(self, report: Report) -> None:
        if not isinstance(report, Playing):
            return
        self._last = report
        if self._as_json:
            print(msgspec.json.encode(report).decode(), flush=True)
        elif self._shows:
            at, length = words.duration(report.at_ms / 1000), words.duration(report.length_ms / 1000)
            print(f"\r\x1b[2K{at} of {length}", end="", file=sys.stderr, flush=True)

    def _detail(self, text: str) -> None:
        print(f"\r\x1b[2K{text}" if self._shows else text, file=sys.stderr)

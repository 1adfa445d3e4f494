"""The recording of each live call: begun, paused, ended, and told of when it fails; the call always goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Literal

from agent import events
from agent.api import RecordingRequest
from agent.call import Call
from agent.carriers import Line
from agent.events import Event
from agent.limits import Refused
from agent.recorder import Recorder
from agent.recordings import Recordings

_WRITE_EVERY_S = 0.5

Emit = Callable[[Call, Event], object]


class CallRecorders:
    """One for the agent. ``always``: every call is recorded, else those alone that somebody wants recorded."""

    def __init__(self, files: Recordings, always: bool, emit: Emit) -> None:
        self._files, self._always, self._emit = files, always, emit
        self._recordings: dict[str, _Recording] = {}

    def media_began(self, call: Call, line: Line) -> None:
        if self._always:
            self._start(call, line, "agent")

    def media_over(self, call: Call) -> None:
        recording = self._recordings.pop(Recordings.name(call.id), None)
        if recording is not None:
            recording.stop()

    def do(self, call: Call, request: RecordingRequest, who: str) -> None:
        """Begin, pause, or go on.

        Raises:
            Refused: it cannot be done now.
        """
        if call.line is None:
            raise Refused(f"The call {call.id} has no audio now: only a call that was answered is recorded.", 409)
        recording = self._recordings.get(Recordings.name(call.id))
        if request.action == "start":
            if recording is not None:
                how = "is recorded already" if recording.running else "could not be recorded: see its errors"
                raise Refused(f"The call {call.id} {how}.", 409)
            self._start(call, call.line, who)
        elif recording is None or not recording.running:
            raise Refused(f"The call {call.id} is not being recorded.", 409)
        elif request.action == "pause":
            recording.pause(who)
        else:
            recording.resume(who)

    def failed(self, name: str, reason: str) -> None:
        """The file ``name`` cannot be written on."""
        recording = self._recordings.get(name)
        if recording is not None:
            recording.fail(reason)

    def _start(self, call: Call, line: Line, who: str) -> None:
        recording = _Recording(call, line, self._files, self._emit)
        self._recordings[recording.file] = recording
        recording.start(who)


class _Recording:
    """One call's; ``running`` until it failed or the line is over."""

    def __init__(self, call: Call, line: Line, files: Recordings, emit: Emit) -> None:
        self.file = Recordings.name(call.id)
        self.running = True
        self._call, self._line, self._files, self._emit = call, line, files, emit
        self._recorder = Recorder(time.monotonic_ns(), line.hears.rate, line.speaks.rate)
        self._timer: asyncio.TimerHandle | None = None

    def start(self, who: str) -> None:
        self._line.audio.add(self._recorder)
        self._tell("started", self._recorder.began, who)
        self._write_later()

    def pause(self, who: str) -> None:
        """Doing it twice is fine, as it is to :meth:`resume`."""
        if not self._recorder.paused:
            now = time.monotonic_ns()
            self._recorder.pause(now)
            self._tell("paused", now, who)

    def resume(self, who: str) -> None:
        if self._recorder.paused:
            self._recorder.resume()
            self._tell("resumed", time.monotonic_ns(), who)

    def stop(self) -> None:
        now = time.monotonic_ns()
        if self.running:
            self._write(now)
        # The last write may have failed.
        if self.running:
            self._end()
            self._tell("stopped", now, "agent")

    def fail(self, reason: str) -> None:
        if self.running:
            self._end()
            self._tell("failed", time.monotonic_ns(), "agent")
            message = f"The call is not recorded any more: {self.file} cannot be written ({reason})."
            fix = "Make room in the data folder, or move it with SIDETONE_DATA_DIR."
            self._emit(self._call, events.Error(where="recording", message=message, fix=fix))

    def _end(self) -> None:
        self.running = False
        self._line.audio.remove(self._recorder)
        if self._timer is not None:
            self._timer.cancel()
        self._files.finish(self.file)

    def _write_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_WRITE_EVERY_S, self._write_on)

    def _write_on(self) -> None:
        self._write(time.monotonic_ns())
        if self.running:
            self._write_later()

    def _write(self, now: int) -> None:
        at, frames = self._recorder.take(now)
        if not self._files.write(self.file, self._recorder.rate, at, frames):
            self.fail("the disk cannot keep up")

    def _tell(
        self, state: Literal["started", "paused", "resumed", "stopped", "failed"], now: int, who: str
    ) -> None:
        at_ms = self._recorder.ms(now)
        self._emit(self._call, events.CallRecording(state=state, at_ms=at_ms, file=self.file, who=who))

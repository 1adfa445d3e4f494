"""What records a leg: by command, by TeXML, or from the answer on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from simulator.audio import Samples
from simulator.recording import call_files
from simulator.recording.call_files import CallRecording
from simulator.recording.store import Initiator
from simulator.telnyx.call_rules import RecordRules
from simulator.telnyx.happenings import RecordingFailed, RecordingSaved, RecordingStarted

if TYPE_CHECKING:
    from simulator.telnyx.calls.leg import CallLeg

MOST: Final = 10
"""Recordings of one leg at once."""


class TooManyRecordings(Exception):
    """The leg is recorded ten times over already."""


class LegRecordings:
    def __init__(self, leg: CallLeg) -> None:
        self._leg = leg
        self._live: dict[CallRecording, RecordRules] = {}
        self._started: dict[CallRecording, RecordingStarted] = {}
        self._finishing: set[asyncio.Task[None]] = set()
        self._saved: dict[CallRecording, asyncio.Future[RecordingSaved | None]] = {}

    def __bool__(self) -> bool:
        return bool(self._live)

    def start(
        self,
        rules: RecordRules,
        initiated_by: Initiator = "StartCallRecordingAPI",
        recording_id: str | None = None,
    ) -> CallRecording:
        """Record from now on. Raises TooManyRecordings."""
        if len(self._live) >= MOST:
            raise TooManyRecordings(f"This call is recorded {MOST} times already; stop one of them first.")
        leg = self._leg
        recording = CallRecording(
            leg.facilities.recordings,
            leg.facilities.disk,
            leg.facts,
            rules,
            leg.party.rate,
            leg.warn,
            initiated_by=initiated_by,
            recording_id=recording_id,
        )
        self._live[recording] = rules
        self._saved[recording] = asyncio.get_running_loop().create_future()
        channels = "dual" if rules.channels == "dual" and rules.track == "both" else "single"
        now = leg.facilities.recordings.now()
        self._started[recording] = RecordingStarted(recording.id, channels, initiated_by, now, rules.callback)
        leg.tell(self._started[recording])
        return recording

    def saved(self, recording: CallRecording) -> asyncio.Future[RecordingSaved | None]:
        """What becomes of a recording that was just started; None when nothing could be saved."""
        return self._saved[recording]

    def live(self) -> list[tuple[CallRecording, RecordingStarted]]:
        """Those that go on, paused or not, and how they started."""
        return [(recording, self._started[recording]) for recording in self._live]

    async def record(self, rules: RecordRules) -> RecordingSaved | None:
        """Record until the rules end it, and wait until the file is there."""
        recording = self.start(rules, "RecordVerb")
        try:
            return await asyncio.shield(self._saved[recording])
        finally:
            self.stop(recording)

    def tick(self, inbound: Samples | None, outbound: Samples | None) -> None:
        for recording in list(self._live):
            if not recording.tick(inbound, outbound):
                self.stop(recording)

    def press(self, digit: str) -> None:
        for recording, rules in list(self._live.items()):
            if digit in rules.finish_on_key:
                self.stop(recording)

    def find(self, recording_id: str | None) -> list[CallRecording]:
        """The recording of that id, or all."""
        return [one for one in self._live if recording_id in (None, one.id)]

    def stop(self, recording: CallRecording) -> None:
        if self._live.pop(recording, None) is not None:
            task = asyncio.create_task(self._finish(recording))
            self._finishing.add(task)
            task.add_done_callback(self._finishing.discard)

    async def close(self) -> None:
        """Stop all and wait until their files are written and told of."""
        for recording in list(self._live):
            self.stop(recording)
        if self._finishing:
            await asyncio.wait(self._finishing)

    async def _finish(self, recording: CallRecording) -> None:
        saved: RecordingSaved | None = None
        started = self._started.pop(recording)
        source, callback = started.source, started.callback
        try:
            file = await recording.stop()
            urls = self._leg.facilities.recordings.urls(file)
            saved = RecordingSaved(file.id, file.channels, urls, file.started_at, file.ended_at, source, callback)
            self._leg.tell(saved)
        except call_files.RecordingFailed as problem:
            self._leg.warn(str(problem))
            self._leg.tell(RecordingFailed("Internal server error", source, callback))
        finally:
            waiting = self._saved.pop(recording)
            if not waiting.done():
                waiting.set_result(saved)

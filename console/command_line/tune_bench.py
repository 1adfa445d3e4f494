"""Every setting on every recording: which sessions there are, and when each begins."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from console.command_line import tune_grid, tune_result, tune_session
from console.command_line.tune_grid import Setting
from console.command_line.tune_recordings import Recording
from console.command_line.tune_result import Measured
from console.command_line.tune_session import BLOCK_MS, Service

_AFTER_MS = 1_500
"""Silence behind the longest one that ends a turn, so that the last turn ends as it would in a call."""
_JUDGED_SHARE = 0.03


class _Hopeless(Exception):
    """The service is out of reach or refuses the key."""


@dataclass(frozen=True, slots=True)
class Job:
    setting: Setting
    recording: Recording

    @property
    def silence_ms(self) -> int:
        return self.setting.silence_ms + _AFTER_MS

    @property
    def audio_ms(self) -> int:
        whole = -(-self.recording.duration_ms // BLOCK_MS) + -(-self.silence_ms // BLOCK_MS)
        return whole * BLOCK_MS


def jobs(settings: Sequence[Setting], recordings: Sequence[Recording]) -> list[Job]:
    """Setting after setting, so that a run that is stopped has whole rows."""
    return [Job(setting, recording) for setting in settings for recording in recordings]


class Bench:
    """``done`` grows as sessions end; ``ended`` gets each of them, ``moved`` is called as audio goes out."""

    def __init__(
        self,
        service: Service,
        jobs: Sequence[Job],
        moved: Callable[[], None],
        ended: Callable[[Measured], None],
    ) -> None:
        self.service, self.jobs = service, jobs
        self.done: list[Measured] = []
        self._moved, self._ended = moved, ended
        self._audio_ms = sum(job.audio_ms for job in jobs)
        self._sent_ms = 0
        self._agent_spoke: dict[Path, list[bool]] = {}
        self._began = time.monotonic()
        self._next_start = 0.0

    @property
    def share(self) -> float:
        """How much of the audio has gone out, 0 to 1."""
        return min(1.0, self._sent_ms / max(1, self._audio_ms))

    @property
    def left_s(self) -> float | None:
        """How long the rest may take, once there is something to judge by."""
        share = self.share
        return (time.monotonic() - self._began) * (1 - share) / share if share > _JUDGED_SHARE else None

    async def run(self) -> None:
        """Returns when all sessions have ended, or one has failed as all the others would.

        Raises:
            RecordingError: a recording can no longer be read.
        """
        for path, recording in {job.recording.path: job.recording for job in self.jobs}.items():
            self._agent_spoke[path] = await asyncio.to_thread(recording.agent_spoke, BLOCK_MS)
        waiting = iter(self.jobs)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.service.at_once, len(self.jobs))):
                    group.create_task(self._work(waiting))
        except* _Hopeless:
            pass

    async def _work(self, waiting: Iterator[Job]) -> None:
        for job in waiting:
            await self._turn_to_start()
            query = tune_grid.query(job.setting, job.recording.rate)
            audio = job.recording.blocks(BLOCK_MS, job.silence_ms)
            listened = await tune_session.listen(self.service, query, audio, self._sent)
            spoke = self._agent_spoke[job.recording.path]
            measured = tune_result.measure(job.setting, job.recording, listened, spoke)
            self.done.append(measured)
            self._ended(measured)
            self._moved()
            if listened.hopeless and all(one.problem for one in self.done):
                raise _Hopeless

    async def _turn_to_start(self) -> None:
        loop = asyncio.get_running_loop()
        start = max(loop.time(), self._next_start)
        self._next_start = start + self.service.every_s
        await asyncio.sleep(start - loop.time())

    def _sent(self, sent_ms: int) -> None:
        self._sent_ms += sent_ms
        self._moved()

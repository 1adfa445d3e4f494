"""A recording that Telnyx makes of a call: `record_start`, `record-from-answer` and TeXML's Record.

While the call goes on it is a WAV file named `<id>.part`, which is trimmed, encoded and named when it ends.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from simulator.audio import FRAME_MS, Samples
from simulator.recording.disk import Disk, Output
from simulator.recording.encoding import EncodingFailed, encode_mp3
from simulator.recording.store import Initiator, Recording, Recordings
from simulator.recording.wav import WavFile
from simulator.telnyx.call_rules import RecordRules
from simulator.telnyx.facts import CallFacts

MOST_SECONDS: Final = 14_400
"""Longest `max_length` that Telnyx takes, and the end of a recording that has none."""
AUDIBLE: Final = 400
"""A sample this far from zero, 38 dB below full scale, is speech; noise of a quiet line stays below."""
_TICKS_PER_SECOND: Final = 1000 // FRAME_MS


class RecordingFailed(Exception):
    """Nothing could be saved; the text is one sentence. Telnyx's `call.recording.error` calls it
    `Internal server error`."""


class CallRecording:
    """Fed from the media loop, which it never blocks; holds at most a second of audio.

    `ended_by` is `max_length`, `silence` or `failure` when it ended by itself.
    """

    def __init__(
        self,
        recordings: Recordings,
        disk: Disk,
        facts: CallFacts,
        rules: RecordRules,
        rate: int,
        on_problem: Callable[[str], None],
        *,
        initiated_by: Initiator = "StartCallRecordingAPI",
        recording_id: str | None = None,
    ) -> None:
        """`rate` in hertz is that of the ticks, a multiple of 50. `on_problem` takes one sentence, on the loop."""
        self.id = recording_id or str(uuid.uuid4())
        self.ended_by: str | None = None
        self.is_paused = False
        self._saved: Recording | None = None
        self._recordings = recordings
        self._initiated_by: Initiator = initiated_by
        self._facts = facts
        self._rules = rules
        self._rate = rate
        self._tick_frames = rate // _TICKS_PER_SECOND
        self._dual = rules.channels == "dual" and rules.track == "both"
        self._most_ticks = (min(rules.max_seconds, MOST_SECONDS) or MOST_SECONDS) * _TICKS_PER_SECOND
        self._part = recordings.directory / f"{self.id}.part"
        self._file = WavFile(self._part, rate, 2 if self._dual else 1)
        self._output = Output(disk, f"The recording {self.id}", on_problem)
        self._chunk: list[np.ndarray] = []
        self._heard = 0
        self._kept = 0
        self._kept_to_last_sound = 0
        self._silent_ticks: int | None = None
        self._started_at = recordings.now()
        self._ended_at: datetime | None = None
        self._stopping = asyncio.Lock()
        self._output.hand_over(self._file.open, 0)

    @property
    def is_over(self) -> bool:
        """Whether ticks are no longer taken; `stop` is to be called, if it was not."""
        return self.ended_by is not None or self._ended_at is not None

    def tick(self, inbound: Samples | None, outbound: Samples | None) -> bool:
        """The next 20 ms, `inbound` from the telephone and `outbound` to it; None is silence.

        False once the recording is over; `stop` is to be called then, if it was not.
        """
        if self.is_over or self.is_paused:
            return not self.is_over
        samples, audible = self._shape(inbound, outbound)
        self._heard += 1
        self._keep(samples, audible)
        if self._output.failure is not None:
            self._end("failure")
        elif self._heard >= self._most_ticks:
            self._end("max_length")
        elif self._silence_is_over(audible):
            self._end("silence")
        return not self.is_over

    def pause(self) -> None:
        """What is said until `resume` is not in the file, which is shorter by that."""
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False

    async def stop(self) -> Recording:
        """Finish the file and put it into the store; a second call returns the same. Raises RecordingFailed."""
        async with self._stopping:
            if self._saved is None:
                self._ended_at = self._ended_at or self._recordings.now()
                self._flush()
                await self._output.close(self._finish)
                if self._output.failure is not None:
                    raise RecordingFailed(self._output.failure)
                self._saved = await self._save(self._ended_at)
                self._recordings.add(self._saved)
            return self._saved

    def _shape(self, inbound: Samples | None, outbound: Samples | None) -> tuple[np.ndarray, bool]:
        """One tick as the file has it, and whether anything can be heard in it."""
        left = self._whole(None if self._rules.track == "outbound" else inbound)
        right = self._whole(None if self._rules.track == "inbound" else outbound)
        if self._dual:
            samples = np.stack((left, right), axis=1).reshape(-1)
        else:
            mixed = left.astype(np.int32) + right
            samples = np.clip(mixed, -32768, 32767).astype(np.int16)
        # Two comparisons, because the absolute value of -32768 does not fit.
        audible = bool(samples.size and (samples.max() >= AUDIBLE or samples.min() <= -AUDIBLE))
        return samples, audible

    def _whole(self, samples: Samples | None) -> Samples:
        whole = np.zeros(self._tick_frames, np.int16)
        if samples is not None:
            part = samples[: self._tick_frames]
            whole[: len(part)] = part
        return whole

    def _keep(self, samples: np.ndarray, audible: bool) -> None:
        if self._rules.trim_silence and not audible and not self._kept:
            return
        self._chunk.append(samples)
        self._kept += 1
        if audible:
            self._kept_to_last_sound = self._kept
        if len(self._chunk) >= _TICKS_PER_SECOND:
            self._flush()

    def _silence_is_over(self, audible: bool) -> bool:
        """Whether the silence after speech has lasted as long as the rules allow."""
        if audible:
            self._silent_ticks = 0
        elif self._silent_ticks is not None:
            self._silent_ticks += 1
        limit = self._rules.silence_seconds * _TICKS_PER_SECOND
        return bool(limit) and (self._silent_ticks or 0) >= limit

    def _end(self, why: str) -> None:
        self.ended_by = why
        self._ended_at = self._recordings.now()

    def _flush(self) -> None:
        if self._chunk:
            at = (self._kept - len(self._chunk)) * self._tick_frames
            samples = np.concatenate(self._chunk)
            self._output.hand_over(partial(self._file.write, at, samples), samples.nbytes)
            self._chunk = []

    def _finish(self) -> None:
        try:
            if self._rules.trim_silence:
                self._file.truncate(self._kept_to_last_sound * self._tick_frames)
        finally:
            self._file.close()
            if self._output.failure is not None:
                self._part.unlink(missing_ok=True)

    async def _save(self, ended_at: datetime) -> Recording:
        path = self._part.with_suffix(f".{self._rules.format}")
        try:
            size = await asyncio.to_thread(self._name, path)
        except EncodingFailed as error:
            raise RecordingFailed(str(error)) from error
        except OSError as error:
            reason = error.strerror or error
            raise RecordingFailed(
                f"The recording {self.id} could not be saved: {reason}; check its disk."
            ) from error
        return Recording(
            id=self.id,
            path=path,
            size=size,
            format=self._rules.format,
            channels="dual" if self._dual else "single",
            duration_ms=self._file.frames * 1000 // self._rate,
            started_at=self._started_at,
            ended_at=ended_at,
            facts=self._facts,
            initiated_by=self._initiated_by,
        )

    def _name(self, path: Path) -> int:
        if self._rules.format == "mp3":
            try:
                encode_mp3(self._part, path)
            except EncodingFailed:
                path.unlink(missing_ok=True)
                raise
            finally:
                self._part.unlink(missing_ok=True)
        else:
            self._part.replace(path)
        return path.stat().st_size

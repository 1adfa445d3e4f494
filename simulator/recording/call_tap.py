"""Writes one call down: its audio as a stereo WAV, and the raw frames of each of its media streams."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from simulator.audio import Samples
from simulator.recording.disk import Disk
from simulator.recording.frames import FrameRecorder, head_of
from simulator.recording.stereo import StereoWriter
from simulator.telnyx.media.options import StreamOptions


class CallTap:
    def __init__(self, folder: Path, name: str, rate: int, disk: Disk, warn: Callable[[str], None]) -> None:
        """Writes `NAME.wav`, `NAME.frames.ndjson` and, for further streams, `NAME.2.frames.ndjson` and so on.

        `rate` in hertz is the leg's; `warn` takes one sentence when something cannot be written.
        """
        self._folder = folder
        self._name = name
        self._disk = disk
        self._warn = warn
        self._audio = StereoWriter(folder / f"{name}.wav", rate, disk, warn)
        self._streams: list[FrameRecorder] = []

    def tick(self, index: int, caller: Samples | None, agent: Samples | None) -> None:
        """20 ms of both sides, `index` ticks after the answer."""
        self._audio.tick(index, caller, agent)

    def frames(self, options: StreamOptions) -> StreamTap:
        """What writes the frames of a stream that is about to be opened."""
        number = f".{len(self._streams) + 1}" if self._streams else ""
        path = self._folder / f"{self._name}{number}.frames.ndjson"
        recorder = FrameRecorder(path, head_of(options), self._disk, self._warn, auth_token=options.auth_token)
        self._streams.append(recorder)
        return StreamTap(recorder)

    async def close(self) -> None:
        """Returns when everything is on the disk."""
        await self._audio.close()
        for recorder in self._streams:
            await recorder.close()


class StreamTap:
    """A `FrameTap` of `telnyx.media.tap`."""

    def __init__(self, recorder: FrameRecorder) -> None:
        self.sent = recorder.sent
        self.received = recorder.received
        self._recorder = recorder

    def closed(self, code: int, reason: str) -> None:
        self._recorder.ended(code)

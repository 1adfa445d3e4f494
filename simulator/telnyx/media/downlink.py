"""Application → telephone: the frames of the application become 20 ms of audio per tick, marks and errors."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final, Protocol

from simulator.audio import FRAME_MS, Samples
from simulator.telnyx.findings import Findings, Rule
from simulator.telnyx.media.codecs import FrameDecoder
from simulator.telnyx.media.ffmpeg import OpusDecoder, UndecodableAudio
from simulator.telnyx.media.incoming import FrameError, Mark, Media, RefusedFrame, parse
from simulator.telnyx.media.inspection import Inspector
from simulator.telnyx.media.leg_audio import LegAudio
from simulator.telnyx.media.mp3_files import Mp3Files
from simulator.telnyx.media.mp3_header import looks_like_mp3
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.media.playout import Playout, QueueFull

MAX_CHUNK_SECONDS: Final = 30
"""Longest audio of one `media` message in `rtp` mode."""
_MP3_SECONDS: Final = 0.95
"""One file per second, and a little for the way."""
_MOST_MARKS_PER_TICK: Final = 1000
_MOST_CLEARS_KEPT: Final = 100


class Answers(Protocol):
    """What goes back to the application."""

    def reached(self, mark: str) -> None: ...

    def refused(self, refused: RefusedFrame) -> None: ...


class Downlink:
    """Source: Telnyx, "Media Streaming over WebSockets", sections on bidirectional streaming, mark and clear."""

    def __init__(
        self, options: StreamOptions, leg: LegAudio, findings: Findings, answers: Answers, *, big_endian: bool
    ) -> None:
        """Raises ValueError for a codec that cannot be simulated."""
        self.frames_received = 0
        self._findings = findings
        self._answers = answers
        self._mp3: Mp3Files | None = None
        self._opus: OpusDecoder | None = None
        self._sample_bytes = 1
        self._queue: Callable[[bytes], None] = self._queue_bytes
        if options.mode == "mp3":
            self._queue = self._queue_mp3
            self._decoder = FrameDecoder("L16", leg.rate, leg.rate)
            self._mp3 = Mp3Files(leg.rate, self._queue_file, self._mark, self._refuse_file)
        elif options.send_codec == "OPUS":
            self._queue = self._queue_opus
            self._decoder = FrameDecoder("L16", leg.rate, leg.rate)
            self._opus = OpusDecoder(leg.rate)
        else:
            self._decoder = FrameDecoder(options.send_codec, options.rate, leg.rate, big_endian=big_endian)
            self._sample_bytes = 2 if options.send_codec == "L16" else 1
        self._playout = Playout(self._decoder.frame_bytes)
        self._most_bytes = MAX_CHUNK_SECONDS * 1000 // FRAME_MS * self._decoder.frame_bytes
        fixed = 0 if self._opus else self._decoder.frame_bytes
        self._inspector = Inspector(options.send_codec, fixed, findings, big_endian=big_endian)
        self._reached: list[str] = []
        self._playing = False
        self._mp3_allowed_at = 0.0
        self.cleared_ms: list[int] = []
        """What was waiting at each clear, the first hundred of them."""

    @property
    def queued_ms(self) -> int:
        return self._playout.queued_ms

    def hear(self) -> Samples | None:
        """The next 20 ms, shorter at the end of the audio, or None for silence."""
        if self._reached:
            self._return_marks()
        self._inspector.ticks += 1
        payload, self._reached = self._playout.take()
        if payload:
            self._playing = True
            return self._decoder.decode(payload)
        self._playing = False
        if self._reached:
            self._return_marks()
        return self._decoder.rest()

    def receive(self, message: str | bytes) -> None:
        """A message of the application; what Telnyx would not take is answered with an error frame."""
        try:
            frame = parse(message)
            if isinstance(frame, Media):
                self.frames_received += 1
                self._queue(frame.payload)
            elif isinstance(frame, Mark):
                self._mark_in_order(frame.name)
            else:
                self._clear()
        except RefusedFrame as refused:
            self._refuse(refused)
        except QueueFull as full:
            self._flooded(full)

    def close(self) -> None:
        if self._mp3 is not None:
            self._mp3.close()

    def _queue_bytes(self, payload: bytes) -> None:
        if len(payload) != self._decoder.frame_bytes:
            self._check_length(len(payload))
        self._inspector.chunk(payload)
        self._playout.write(payload)

    def _check_length(self, size: int) -> None:
        if size % self._sample_bytes:
            detail = "media.payload has an odd number of bytes, and an L16 sample has two."
            raise RefusedFrame(FrameError.INVALID_MEDIA, detail, Rule.INVALID_PAYLOAD)
        if size > self._most_bytes:
            detail = f"media.payload is longer than {MAX_CHUNK_SECONDS} seconds of audio."
            raise RefusedFrame(FrameError.INVALID_MEDIA, detail, Rule.LONG_CHUNK)

    def _queue_opus(self, packet: bytes) -> None:
        opus = self._opus
        assert opus is not None
        try:
            samples = opus.decode(packet)
        except UndecodableAudio as error:
            raise RefusedFrame(FrameError.INVALID_MEDIA, str(error), Rule.WRONG_CODEC) from None
        if len(samples):
            audio = samples.tobytes()
            self._inspector.arrived(len(audio) * FRAME_MS / self._decoder.frame_bytes)
            self._playout.write(audio)

    def _queue_mp3(self, payload: bytes) -> None:
        files = self._mp3
        assert files is not None
        if not looks_like_mp3(payload):
            detail = "media.payload is not an MP3 file, and stream_bidirectional_mode is mp3."
            raise RefusedFrame(FrameError.INVALID_MEDIA, detail, Rule.MP3_MODE)
        now = monotonic()
        if now < self._mp3_allowed_at:
            detail = "In mp3 mode one media message per second is accepted."
            raise RefusedFrame(FrameError.RATE_LIMIT_REACHED, detail, Rule.MP3_TOO_OFTEN)
        self._mp3_allowed_at = now + _MP3_SECONDS
        if not files.add(payload):
            raise QueueFull("Too many MP3 files are waiting to be decoded.")

    def _queue_file(self, audio: bytes) -> None:
        try:
            self._playout.write(audio)
        except QueueFull as full:
            self._flooded(full)

    def _refuse_file(self, why: str) -> None:
        self._refuse(RefusedFrame(FrameError.INVALID_MEDIA, why, Rule.MP3_MODE))

    def _mark_in_order(self, name: str) -> None:
        if self._mp3 is not None and self._mp3.busy:
            if not self._mp3.add(name):
                raise QueueFull("Too many marks are waiting.")
        else:
            self._mark(name)

    def _mark(self, name: str) -> None:
        """Return it when all audio before it has been played: its last 20 ms end with the next tick."""
        if self._playout.mark(name):
            return
        if self._playing and len(self._reached) < _MOST_MARKS_PER_TICK:
            self._reached.append(name)
        else:
            self._answers.reached(name)

    def _clear(self) -> None:
        if len(self.cleared_ms) < _MOST_CLEARS_KEPT:
            self.cleared_ms.append(self.queued_ms)
        waiting = self._mp3.clear() if self._mp3 is not None else []
        marks = [*self._reached, *self._playout.clear(), *waiting]
        self._reached, self._playing = [], False
        for name in marks:
            self._answers.reached(name)

    def _return_marks(self) -> None:
        marks, self._reached = self._reached, []
        for name in marks:
            self._answers.reached(name)

    def _flooded(self, full: QueueFull) -> None:
        self._refuse(RefusedFrame(FrameError.RATE_LIMIT_REACHED, str(full), Rule.FLOOD))

    def _refuse(self, refused: RefusedFrame) -> None:
        if refused.rule is not None:
            self._findings.note(refused.rule, refused.detail)
        self._answers.refused(refused)

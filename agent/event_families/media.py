"""The line: ``media.*``."""

from __future__ import annotations

from agent.event_families.envelope import Event


class MediaStarted(Event, tag="media.started"):
    """The media WebSocket's start message: what the line sends, ``sample_rate`` in hertz being that of the audio.

    ``asked`` is what we asked for and go on to send, such as ``G722 16000 Hz``, where the line sends another.
    """

    stream_id: str
    encoding: str
    sample_rate: int
    asked: str = ""


class MediaStopped(Event, tag="media.stopped"):
    """The media WebSocket is over. ``reason`` is stop, closed, refused or a close code in words."""

    reason: str


class MediaStats(Event, tag="media.stats"):
    """Once a second while media flows; every count is since the start of the stream.

    ``rx`` and ``tx`` are frames of 20 ms. ``gaps`` are missing chunks by the carrier's own numbering, ``late``
    are frames that came more than 20 ms after their time. ``jitter_ms`` is RFC 3550's smoothed estimate.
    ``queue_ms`` is the audio sent and not yet played by the carrier, from its mark messages. ``refused``
    counts messages that were not valid.
    """

    rx: int
    tx: int
    gaps: int
    late: int
    jitter_ms: int
    queue_ms: int
    refused: int = 0


class MediaLevel(Event, tag="media.level"):
    """Loudness of the last 100 ms in dBFS (0 is full scale, -90 is silence). Sent live, never stored."""

    caller: int
    agent: int


class MediaCleared(Event, tag="media.cleared"):
    """We told the carrier to drop the audio it had not yet played (``clear``), because of a barge-in."""

    dropped_ms: int

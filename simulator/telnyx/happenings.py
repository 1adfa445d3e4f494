"""Everything that can happen to a call leg and that an application is told of. Pure.

One value each; `webhooks` turns them into Call Control events or TeXML callbacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from simulator.telnyx.facts import Hangup
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.routing import Callback


@dataclass(frozen=True, slots=True)
class Initiated:
    """The leg exists: it is parked when it came in, bridging when it was dialled."""


@dataclass(frozen=True, slots=True)
class Ringing:
    """The far telephone rings. Call Control has no event for it, TeXML has."""


@dataclass(frozen=True, slots=True)
class Answered:
    """`stream`: what the answer or the dial asked to be streamed, if anything."""

    stream: StreamOptions | None = None


@dataclass(frozen=True, slots=True)
class Bridged:
    """Two legs hear each other from now on."""


@dataclass(frozen=True, slots=True)
class LineStats:
    """Packets of 20 ms since the answer, and what the line did to those from the telephone.

    `jitter_ms` is the largest variance; `late` and `lost` count packets.
    """

    received: int = 0
    sent: int = 0
    late: int = 0
    lost: int = 0
    jitter_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class HungUp:
    """`answered_at` None: the leg was never answered."""

    hangup: Hangup
    answered_at: datetime | None
    ended_at: datetime
    stats: LineStats = LineStats()
    recording_url: str | None = None


@dataclass(frozen=True, slots=True)
class Charged:
    """What the leg cost. `seconds` were connected; `parts` names what is billed, such as `call-control`."""

    seconds: int
    parts: tuple[str, ...] = ("sip-trunking", "call-control")


@dataclass(frozen=True, slots=True)
class StreamStarted:
    stream: StreamOptions
    stream_id: str


@dataclass(frozen=True, slots=True)
class StreamStopped:
    stream: StreamOptions
    stream_id: str


@dataclass(frozen=True, slots=True)
class StreamFailed:
    """`why` is one sentence."""

    stream: StreamOptions
    stream_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Dtmf:
    """A key pressed on the telephone."""

    digit: str


@dataclass(frozen=True, slots=True)
class SpeakStarted:
    speak_id: str


@dataclass(frozen=True, slots=True)
class SpeakEnded:
    speak_id: str
    status: Literal["completed", "call_hangup", "cancelled_amd", "cancelled"]


PlaybackStatus = Literal[
    "file_not_found", "call_hangup", "unknown", "cancelled", "cancelled_amd", "completed", "failed"
]


@dataclass(frozen=True, slots=True)
class PlaybackStarted:
    """`media_url` or `media_name`, as the command named it; neither when it brought the audio itself."""

    playback_id: str
    media_url: str | None
    media_name: str | None
    overlay: bool


@dataclass(frozen=True, slots=True)
class PlaybackEnded:
    playback_id: str
    media_url: str | None
    media_name: str | None
    overlay: bool
    status: Literal[
        "file_not_found", "call_hangup", "unknown", "cancelled", "cancelled_amd", "completed", "failed"
    ]
    detail: str = ""


GatherStatus = Literal["valid", "invalid", "call_hangup", "cancelled", "cancelled_amd", "timeout"]


@dataclass(frozen=True, slots=True)
class GatherEnded:
    digits: str
    status: GatherStatus
    gather_id: str | None = None


@dataclass(frozen=True, slots=True)
class RecordingStarted:
    """`source` as TeXML's RecordingSource has it. `callback` is told of this recording. Call Control has no event
    for it."""

    recording_id: str
    channels: Literal["single", "dual"]
    source: str
    started_at: datetime
    callback: Callback | None = None


@dataclass(frozen=True, slots=True)
class RecordingSaved:
    """`urls` maps `wav` or `mp3` to where the file can be fetched; `source` and `callback` as of its start."""

    recording_id: str
    channels: Literal["single", "dual"]
    urls: dict[str, str]
    started_at: datetime
    ended_at: datetime
    source: str = "StartCallRecordingAPI"
    callback: Callback | None = None


@dataclass(frozen=True, slots=True)
class RecordingFailed:
    """`source` and `callback` as of its start."""

    reason: str
    source: str = "StartCallRecordingAPI"
    callback: Callback | None = None


@dataclass(frozen=True, slots=True)
class MachineDetected:
    """`result`: human, machine, not_sure; with `premium` human_residence, human_business, machine, silence,
    fax_detected, not_sure."""

    result: str
    premium: bool


@dataclass(frozen=True, slots=True)
class GreetingEnded:
    """`result`: beep_detected, ended, not_sure; with `premium` beep_detected, no_beep_detected."""

    result: str
    premium: bool


@dataclass(frozen=True, slots=True)
class Transcribed:
    transcript: str
    is_final: bool
    confidence: float
    track: Literal["inbound", "outbound"] = "inbound"


@dataclass(frozen=True, slots=True)
class Referred:
    """`sip` is the code of the SIP NOTIFY: 100, 200, 603."""

    status: Literal["started", "completed", "failed"]
    to: str
    sip: int


Happening = (
    Initiated
    | Ringing
    | Answered
    | Bridged
    | HungUp
    | Charged
    | StreamStarted
    | StreamStopped
    | StreamFailed
    | Dtmf
    | SpeakStarted
    | SpeakEnded
    | PlaybackStarted
    | PlaybackEnded
    | GatherEnded
    | RecordingStarted
    | RecordingSaved
    | RecordingFailed
    | MachineDetected
    | GreetingEnded
    | Transcribed
    | Referred
)

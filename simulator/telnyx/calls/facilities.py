"""What every call leg uses of the simulator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from simulator.pacing import Wheel
from simulator.recording.call_tap import CallTap
from simulator.recording.disk import Disk
from simulator.recording.store import Recordings
from simulator.speech.services import SpeechServices
from simulator.telnyx.account.store import USER_ID, Account
from simulator.telnyx.media.faults_port import StreamFaults
from simulator.telnyx.media.leg_audio import LegAudio
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.media.stream import MediaStream
from simulator.telnyx.media.wire import StartFields
from simulator.telnyx.webhooks.delivery import Webhooks

if TYPE_CHECKING:
    from simulator.telnyx.calls.leg import CallLeg


@dataclass(frozen=True)
class Facilities:
    """`http` fetches sounds; `disk` writes calls down; `l16_big_endian` is the byte order of L16 payloads."""

    wheel: Wheel
    speech: SpeechServices
    webhooks: Webhooks
    recordings: Recordings
    account: Account
    http: httpx.AsyncClient
    disk: Disk
    l16_big_endian: bool = False

    @property
    def user_id(self) -> str:
        return USER_ID

    def media_stream(
        self, options: StreamOptions, start: StartFields, leg: CallLeg, faults: StreamFaults | None
    ) -> MediaStream:
        return MediaStream(
            options,
            start,
            LegAudio(leg.party.codec, leg.party.rate),
            leg.findings,
            tap=None if leg.tap is None else leg.tap.frames(options),
            faults=faults,
            l16_big_endian=self.l16_big_endian,
        )

    def tap(self, folder: Path, leg: CallLeg) -> CallTap:
        """Writes `leg` down in `folder`, under the time of its start and the end of its id."""
        name = f"{leg.facts.started_at:%Y%m%d-%H%M%S}-{leg.id[-8:]}"
        return CallTap(folder, name, leg.party.rate, self.disk, leg.warn)

"""Lines of the simulator for the benchmark of lines: calls of the exchange, straight to the echo server."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import wave
from pathlib import Path

import httpx
import uvloop

from simulator.caller.file_party import AudioFile, FileParty
from simulator.pacing import Tick, Wheel
from simulator.recording.disk import Disk
from simulator.recording.store import Recordings
from simulator.speech.services import SpeechServices
from simulator.telnyx.account.seed import TEXML_APPLICATION_ID, fresh_account
from simulator.telnyx.calls.answerers import Answerer
from simulator.telnyx.calls.exchange import Exchange
from simulator.telnyx.calls.facilities import Facilities
from simulator.telnyx.calls.incoming import IncomingCall, Reception
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.webhooks.delivery import Webhooks
from simulator.telnyx.webhooks.signing import load_signer
from tests.bench.lines_measured import DIAL_AT_ONCE, DIAL_PAUSE_S, Clock, measure, speech


class _TimedWheel(Wheel):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[list[float]] = []
        self._clock = Clock()

    def add(self, tick: Tick) -> int:
        self.sent.append([])
        return super().add(self._clock.timed(tick, self.sent[-1]))


async def _talk(port: int, lines: int, folder: Path) -> None:
    wheel = _TimedWheel()
    exchange = Exchange(_facilities(wheel, folder), ring_ms=0)
    reception = Reception(exchange, TEXML_APPLICATION_ID)
    stream = StreamOptions(f"ws://127.0.0.1:{port}/{lines}", mode="rtp")
    file = AudioFile(_recording(folder), loop=True)
    for number in range(lines):
        reception.dial_in(
            IncomingCall("+13125550100", "+13125550101", Answerer(FileParty(file), ring_ms=0), stream=stream)
        )
        if number % DIAL_AT_ONCE == 0:
            await asyncio.sleep(DIAL_PAUSE_S)
    legs = exchange.all_legs()
    await measure(port, wheel.sent, lambda: sum(leg.stream.frames_received for leg in legs))


def _facilities(wheel: Wheel, folder: Path) -> Facilities:
    return Facilities(
        wheel=wheel,
        speech=SpeechServices(),
        webhooks=Webhooks(load_signer(folder / "key")),
        recordings=Recordings(folder / "recordings", lambda: ""),
        account=fresh_account(),
        http=httpx.AsyncClient(),
        disk=Disk(),
    )


def _recording(folder: Path) -> Path:
    path = folder / "speech.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(speech().tobytes())
    return path


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        uvloop.run(_talk(int(sys.argv[1]), int(sys.argv[2]), Path(name)))

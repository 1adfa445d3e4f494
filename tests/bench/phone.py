"""A telephone for benchmarks: media on an absolute schedule into any Telnyx WebSocket, and a clock."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from dataclasses import dataclass, field

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

TALK_S, REST_S, LEAD_S = 1.0, 3.0, 3.5
_QUIET = base64.b64encode(b"\xff" * 160).decode()


def _tone() -> list[str]:
    """One second of a loud tone, in frames of µ-law."""
    import audioop

    samples = (12000 * np.sin(np.arange(8000) * 2 * np.pi * 300 / 8000)).astype(np.int16).tobytes()
    coded = audioop.lin2ulaw(samples, 2)
    return [base64.b64encode(coded[n : n + 160]).decode() for n in range(0, len(coded), 160)]


@dataclass
class Heard:
    """When the agent's media came (monotonic seconds), and when the socket was opened."""

    opened: float = 0.0
    media: list[float] = field(default_factory=list)

    def first_after(self, moment: float) -> float:
        return next((at for at in self.media if at > moment), float("nan"))


async def call(url: str, call_control_id: str, turns: int) -> Heard:
    """Silence for a greeting, then ``turns`` times a second of sound and three of silence."""
    heard = Heard()
    frames = [_QUIET] * round(LEAD_S * 50)
    for _ in range(turns):
        frames += _tone() + [_QUIET] * round(REST_S * 50)
    start = {
        "call_control_id": call_control_id,
        "from": "+15550100177",
        "to": "+15550100000",
        "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
    }
    async with connect(url, proxy=None, compression=None, max_queue=None) as line:

        async def listen() -> None:
            try:
                async for message in line:
                    if '"media"' in message[:40]:  # type: ignore[operator]
                        heard.media.append(time.monotonic())
                    elif '"mark"' in message[:40]:  # type: ignore[operator]
                        await line.send(message)
            except ConnectionClosed:
                return

        heard.opened = time.monotonic()
        await line.send('{"event":"connected","version":"1.0.0"}')
        await line.send(json.dumps({"event": "start", "sequence_number": "1", "stream_id": "s", "start": start}))
        listening = asyncio.create_task(listen())
        begin = time.monotonic()
        for n, payload in enumerate(frames):
            await asyncio.sleep(max(0.0, begin + n * 0.02 - time.monotonic()))
            media = {"track": "inbound", "chunk": str(n + 1), "timestamp": str(n * 20), "payload": payload}
            await line.send(
                json.dumps({"event": "media", "sequence_number": str(n + 2), "stream_id": "s", "media": media})
            )
        await line.send('{"event":"stop","sequence_number":"9","stream_id":"s","stop":{}}')
        await line.close()
        await listening
    return heard

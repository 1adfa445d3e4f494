"""A call of the house whose media socket is in the test's hands."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection

from agent import events
from agent.carriers.telnyx_line import TelnyxLine
from tests.agent.server_house import House


class LineAtHand:
    """``carrier`` is the carrier's end of the line, ``line`` the agent's."""

    def __init__(self, house: House, call: str, carrier: ClientConnection, line: TelnyxLine) -> None:
        self.house, self.call, self.carrier, self.line = house, call, carrier, line

    async def hears(self, samples: NDArray[np.int16]) -> None:
        """The caller speaks this, as L16."""
        body = {"payload": base64.b64encode(samples.tobytes()).decode()}
        await self.carrier.send(json.dumps({"event": "media", "media": body}))

    async def speaks(self, samples: NDArray[np.int16]) -> None:
        """The agent speaks this."""
        message = self.line.audio_goes_out(samples.tobytes())
        if message is not None:
            await self.line.send_text(message)

    async def reached(self) -> None:
        """Everything the carrier sent until now was taken."""
        await self.carrier.send('{"event":"dtmf","dtmf":{"digit":"1"}}')
        await self.house.told(self.call, "call.dtmf")

    async def hang_up(self) -> None:
        """It is over once this returns."""
        await self.carrier.send('{"event":"stop"}')
        await self.carrier.close()
        await self.house.told(self.call, "media.stopped")


@contextlib.asynccontextmanager
async def line_at_hand(house: House) -> AsyncIterator[LineAtHand]:
    """A call in HD that was answered, L16 at 16 kHz both ways."""
    call = (await house.dial(band="hd")).json()["call"]
    start = {
        "call_control_id": f"v3:{len(house.carrier.dials)}",
        "media_format": {"encoding": "L16", "sample_rate": 16_000, "channels": 1},
    }
    async with house.media() as carrier:
        await carrier.send('{"event":"connected","version":"1.0.0"}')
        await carrier.send(json.dumps({"event": "start", "stream_id": "s", "start": start}))
        job = await asyncio.wait_for(house.framework.jobs.get(), 30)
        # What arrives was spoken in the 20 ms before, which must be in the call.
        await asyncio.sleep(0.03)
        yield LineAtHand(house, call, carrier, job.line)


def of_kind(house: House, kind: type[Any]) -> list[Any]:
    """What was journaled of a kind so far."""
    found = (events.decode(data) for data in house.agent._journal.read_from(0))
    return [event for event in found if isinstance(event, kind)]

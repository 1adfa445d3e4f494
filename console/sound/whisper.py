"""The microphone to the agent of a call alone, over its WebSocket (:mod:`agent.audio_wire`), where the call itself
is heard elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
import numpy as np
import numpy.typing as npt

from agent import audio_wire
from console.sound.ear import RATES
from console.sound.link import Devices, Link
from console.sound.microphone import Frames
from console.sound.protocol import Listen

Samples = npt.NDArray[np.int16]


class Whisper:
    """``problem`` is told in one sentence when the agent does not hear it, and empty when it does again."""

    def __init__(self, order: Listen, engine: Devices, problem: Callable[[str], object]) -> None:
        self._engine, self._problem = engine, problem
        path = f"/calls/{quote(order.call, safe='')}/audio?who={quote(order.who)}"
        self._link = Link(order.url, path, order.token, "the agent", self)
        self._frames: Frames | None = None

    def start(self) -> None:
        self._link.start()

    async def close(self) -> None:
        self._silent()
        await self._link.close()

    def put(self, block: Samples, at: float) -> None:
        frames = self._frames
        if frames is None:
            return
        for frame in frames.push(block):
            self._link.send_audio(audio_wire.encode(audio_wire.OPERATOR, frames.rate, int(at * 1e6), frame))

    def opened(self) -> None:
        self._link.send({"type": "speak", "to": "agent"}, first=True)

    def text(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "start":
                try:
                    start = msgspec.convert(message, audio_wire.Start)
                except msgspec.ValidationError as error:
                    raise ValueError(f"a message that is not valid ({error})") from error
                if start.speak_hz not in RATES:
                    raise ValueError(f"that it takes a microphone of {start.speak_hz} Hz")
                self._frames = Frames(start.speak_hz)
                self._engine.add_sink(self)
                self._problem("")
            case "end":
                self._silent()
                self._link.stop()
            case _:
                pass

    def audio(self, message: bytes) -> None:
        """The call, which is heard elsewhere."""

    def broke(self, reason: str) -> None:
        self._silent()
        self._problem(reason)

    def refused(self, reason: str) -> None:
        self._silent()
        self._problem(reason)

    def _silent(self) -> None:
        self._engine.remove_sink(self)
        self._frames = None

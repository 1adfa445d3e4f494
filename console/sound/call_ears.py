"""An operator's ears in live calls, and voice: ``WS /calls/{call}/audio`` of the agent (agent/audio_wire.py),
or the LiveKit room of the call (:mod:`console.sound.room_ears`)."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import msgspec
import numpy as np
import numpy.typing as npt

from agent import audio_wire
from console.sound.ear import RATES, Ear
from console.sound.link import Devices, Link
from console.sound.microphone import Frames
from console.sound.protocol import Listen, Listening, ListeningStats, Report, Speak, Unlisten

if TYPE_CHECKING:
    from console.sound.room_ears import RoomEars

Samples = npt.NDArray[np.int16]
Target = Literal["nobody", "caller", "agent"]

_CLOCKS_APART_S = 0.05


class CallEars:
    """The calls that are listened to, any number at once; each is reported as :class:`Listening`, and once a
    second as :class:`ListeningStats`."""

    def __init__(self, engine: Devices, report: Callable[[Report], object]) -> None:
        self._engine, self._report = engine, report
        self._calls: dict[str, _Call | RoomEars] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def listen(self, order: Listen) -> None:
        """For a call that is listened to already it changes the ears alone."""
        known = self._calls.get(order.call)
        if known is not None and known.over:
            await self._drop(order.call)
        elif known is not None:
            known.ears = order.ears
            known.tell()
            return
        if order.line == "livekit":
            # In a thread: it takes a third of a second, and other calls go on meanwhile.
            room_ears = await asyncio.to_thread(importlib.import_module, "console.sound.room_ears")
            call = room_ears.RoomEars(order, self._engine, self._report, self._fall_back)
        else:
            call = _Call(order, self._engine, self._report)
        self._calls[order.call] = call
        call.start()

    async def unlisten(self, order: Unlisten) -> None:
        await self._drop(order.call)

    async def speak(self, order: Speak) -> None:
        """Raises ValueError when the call is not listened to."""
        call = self._calls.get(order.call)
        if call is None or call.over:
            raise ValueError(f"The call {order.call} is not listened to: listen before you speak.")
        call.speak(order.to)

    async def close(self) -> None:
        await asyncio.gather(*(self._drop(call) for call in list(self._calls)))
        if self._closing:
            await asyncio.wait(self._closing)

    def _fall_back(self, order: Listen, speaking: Target, reason: str) -> None:
        before = self._calls.get(order.call)
        call = self._calls[order.call] = _Call(order, self._engine, self._report, after=reason)
        if before is not None:
            call.ears = before.ears
            task = asyncio.create_task(before.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        call.start()
        call.speak(speaking)

    async def _drop(self, call: str) -> None:
        found = self._calls.pop(call, None)
        if found is not None:
            await found.close()


class _Call:
    """One call: a source, and a sink while its operator speaks. After a broken connection it goes on as it was.
    ``after`` says why it is not heard in its room."""

    def __init__(
        self, order: Listen, engine: Devices, report: Callable[[Report], object], after: str = ""
    ) -> None:
        self._call, self.ears = order.call, order.ears
        self._after = f"{after} The call is heard through the agent instead." if after else ""
        self._engine, self._report = engine, report
        path = f"/calls/{quote(order.call, safe='')}/audio?who={quote(order.who)}"
        self._link = Link(order.url, path, order.token, "the agent", self)
        self._caller, self._agent = Ear(), Ear(ahead=True)
        self._frames: Frames | None = None
        self._speaking: Target = "nobody"
        self._dropped_ms = 0
        self._seconds: asyncio.Task[None] | None = None
        self.over = False

    def start(self) -> None:
        self._link.start()
        self._seconds = asyncio.create_task(self._every_second(), name="listening-stats")

    async def close(self) -> None:
        if not self.over:
            self._leave("")
        await self._link.close()

    def speak(self, to: Target) -> None:
        self._speaking = to
        if to == "nobody":
            self._engine.remove_sink(self)
        elif self._frames is not None:
            self._engine.add_sink(self)
        if self._link.connected:
            self._link.send({"type": "speak", "to": to})
            self.tell()

    def tell(self) -> None:
        """Say again how it is."""
        if self._link.connected:
            message, self._after = self._after, ""
            self._report(Listening(call=self._call, state="open", speaking=self._speaking, message=message))

    def take(self) -> Samples | None:
        caller, agent = self._caller.take(), self._agent.take()
        if caller is None and agent is None:
            return None
        silence = np.zeros_like(agent if caller is None else caller)
        left, right = silence if caller is None else caller, silence if agent is None else agent
        if self.ears == "mix":
            left = right = np.clip(left.astype(np.int32) + right, -32768, 32767).astype(np.int16)
        return np.stack([left, right], axis=1)

    def put(self, block: Samples, at: float) -> None:
        frames = self._frames
        if frames is None:
            return
        for frame in frames.push(block):
            self._link.send_audio(audio_wire.encode(audio_wire.OPERATOR, frames.rate, int(at * 1e6), frame))

    def opened(self) -> None:
        self._caller, self._agent = Ear(), Ear(ahead=True)
        if self._speaking != "nobody":
            self._link.send({"type": "speak", "to": self._speaking}, first=True)
        self._engine.add_source(self)
        self.tell()

    def text(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "start":
                self._begin(_known(message, audio_wire.Start))
            case "cleared":
                self._agent.buffer.clear()
            case "behind":
                self._dropped_ms += _known(message, audio_wire.Behind).dropped_ms
            case "end":
                self._leave("The call is over.")
            case _:
                pass

    def audio(self, message: bytes) -> None:
        found = audio_wire.decode(message)
        if found.channel == audio_wire.CALLER:
            self._caller.push(found.samples, found.rate, found.at_us)
        elif found.channel != audio_wire.AGENT:
            raise ValueError(f"audio of channel {found.channel}")
        elif not (found.flags & audio_wire.BY_OPERATOR and self._speaking == "caller"):
            # Our own voice would come back as an echo.
            self._agent.push(found.samples, found.rate, found.at_us)

    def broke(self, reason: str) -> None:
        if not self.over:
            self._silent()
            self._report(Listening(call=self._call, state="lost", speaking=self._speaking, message=reason))

    def refused(self, reason: str) -> None:
        if not self.over:
            self._leave(reason)

    def _begin(self, start: audio_wire.Start) -> None:
        if start.speak_hz not in RATES:
            raise ValueError(f"that it takes a microphone of {start.speak_hz} Hz")
        self._frames = Frames(start.speak_hz)
        if self._speaking != "nobody":
            self._engine.add_sink(self)

    def _leave(self, reason: str) -> None:
        self.over = True
        self._silent()
        if self._seconds is not None:
            self._seconds.cancel()
        self._link.stop()
        self._report(Listening(call=self._call, state="closed", message=reason))

    def _silent(self) -> None:
        self._engine.remove_source(self)
        self._engine.remove_sink(self)
        self._frames = None

    async def _every_second(self) -> None:
        while True:
            await asyncio.sleep(1)
            if self._link.connected:
                self._report(self._stats())

    def _stats(self) -> ListeningStats:
        buffers = self._caller.buffer, self._agent.buffer
        round_trip_s = self._link.round_trip_s
        # Clocks of two machines differ by how long these have been running.
        ways = [one.way_s for one in buffers if one.way_s is not None]
        estimated = not all(-0.001 <= one <= round_trip_s + _CLOCKS_APART_S for one in ways)
        behind_s = max(one.depth_s + round_trip_s / 2 if estimated else one.behind_s for one in buffers)
        lost_s = sum(one.filled_s + one.late_s for one in buffers)
        return ListeningStats(
            call=self._call,
            behind_ms=round(behind_s * 1000 + self._engine.speaker_delay_ms),
            estimated=estimated,
            buffer_ms=round(max(one.depth_s for one in buffers) * 1000),
            lost_ms=self._dropped_ms + round(lost_s * 1000),
            level_caller=self._caller.level.take(),
            level_agent=self._agent.level.take(),
        )


def _known(message: dict[str, Any], kind: type[Any]) -> Any:
    try:
        return msgspec.convert(message, kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"a message that is not valid ({error})") from error

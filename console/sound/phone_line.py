"""The softphone: microphone and speaker of the person here as a telephone of the simulator (``WS /sim/phone``).

What passes is described in ``simulator/phone/messages.py``, which the console does not import.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from console.sound.ear import RATES, Ear
from console.sound.levels import PeakHold, loudness_db
from console.sound.link import Devices, Link
from console.sound.microphone import Frames
from console.sound.protocol import Dial, Hold, Key, OpenPhone, Phone, PhoneKey, PhoneStats, Report, Trouble
from console.sound.tones import Tone, ring, ringback

Samples = npt.NDArray[np.int16]

_MICROPHONE, _EAR = 0, 1
_HEAD: Final = struct.Struct("!BBHQ")
_FRAME_S = 0.020


class _Message(msgspec.Struct):
    """Any message of the simulator: the fields of all of them; unknown ones are left out."""

    type: str
    call_control_id: str = ""
    from_number: str = ""
    to_number: str = ""
    codec: str = ""
    rate: int = 0
    digit: str = ""
    cause: str = ""
    source: str = ""
    message: str = ""
    of: str = ""
    id: int = 0
    lost: int = 0
    late: int = 0


class PhoneLine:
    """One call at a time, by the orders of :mod:`console.sound.protocol`; what happens is reported as
    :class:`Phone`. It is the engine's source while it rings or talks and its sink while it talks. A connection
    that breaks off hangs up, at the simulator too, and is opened and registered anew."""

    def __init__(self, engine: Devices, report: Callable[[Report], object]) -> None:
        self._engine, self._report = engine, report
        self._order: OpenPhone | None = None
        self._link: Link | None = None
        self._told = Phone(state="off")
        self._tone: Tone | None = None
        self._ear: Ear | None = None
        self._frames: Frames | None = None
        self._held = False
        self._pings: dict[int, float] = {}
        self._round_trip_s = 0.0
        self._missed = (0, 0)
        self._level = PeakHold()
        self._seconds: asyncio.Task[None] | None = None

    async def open(self, order: OpenPhone) -> None:
        """Register at the simulator; again with the same order only says how the phone is."""
        if self._link is not None and order == self._order:
            self._report(self._told)
            return
        await self.close()
        self._order = order
        self._link = Link(order.url, "/sim/phone", order.token, "the simulator", self)
        self._link.start()

    async def dial(self, order: Dial) -> None:
        """Raises ValueError when the phone is not open."""
        self._send({"type": "dial", "order": order.order})

    async def accept(self) -> None:
        self._send({"type": "accept"})

    async def decline(self) -> None:
        self._send({"type": "decline"})

    async def hang_up(self) -> None:
        self._send({"type": "hang_up"})

    async def key(self, order: Key) -> None:
        self._send({"type": "key", "digit": order.digit})

    async def hold(self, order: Hold) -> None:
        self._held = order.on

    async def close(self) -> None:
        """Hang up and register no more."""
        link, self._link = self._link, None
        self._quiet()
        if link is not None:
            await link.close()
            self._tell(Phone(state="off"))

    def take(self) -> Samples | None:
        if self._tone is not None:
            block = self._tone.take()
        elif self._ear is None or (block := self._ear.take()) is None:
            return None
        return np.stack([block, block], axis=1)

    def put(self, block: Samples, at: float) -> None:
        if self._frames is None or self._link is None:
            return
        if self._held:
            block = np.zeros_like(block)
        self._level.add(loudness_db(block))
        head = _HEAD.pack(_MICROPHONE, 0, self._frames.rate // 100, int(at * 1e6))
        for frame in self._frames.push(block):
            self._link.send_audio(head + frame)

    def opened(self) -> None:
        assert self._link is not None
        assert self._order is not None
        register: dict[str, Any] = {"type": "register", "number": self._order.number}
        if self._order.order:
            register["order"] = self._order.order
        self._link.send(register, first=True)

    def text(self, message: dict[str, Any]) -> None:
        try:
            said = msgspec.convert(message, _Message)
        except msgspec.ValidationError as error:
            raise ValueError(f"a message that is not valid ({error})") from error
        match said.type:
            case "registered":
                self._tell(Phone(state="registered", to_number=self._number))
            case "ringing" | "dialling":
                self._rings(said)
            case "answered":
                self._answered(said)
            case "key":
                self._report(PhoneKey(digit=said.digit[:1]))
            case "stats":
                self._missed = (said.lost, said.late)
            case "pong":
                sent = self._pings.pop(said.id, None)
                if sent is not None:
                    self._round_trip_s = time.monotonic() - sent
            case "ended":
                self._ended(said.cause, said.source, said.message)
            case "refused":
                self._refused(said)
            case _:
                pass

    def audio(self, message: bytes) -> None:
        if len(message) <= _HEAD.size or len(message) % 2:
            raise ValueError(f"an audio message of {len(message)} bytes")
        channel, _, hundreds, at_us = _HEAD.unpack_from(message)
        if channel != _EAR:
            raise ValueError(f"audio of channel {channel}")
        if self._ear is not None:
            self._ear.push(memoryview(message)[_HEAD.size :], hundreds * 100, at_us)

    def broke(self, reason: str) -> None:
        in_call = self._told.state in ("dialling", "ringing", "talking")
        self._quiet()
        if in_call:
            self._ended("", "unknown", f"{reason} The call was hung up.")
        self._tell(Phone(state="off", message=reason))

    def refused(self, reason: str) -> None:
        self._link = None
        self.broke(reason)

    @property
    def _number(self) -> str:
        return "" if self._order is None else self._order.number

    def _send(self, message: dict[str, Any]) -> None:
        if self._link is None:
            raise ValueError("The phone is not open: open it first.")
        if self._told.state == "off" and self._told.message:
            raise ValueError(self._told.message)
        self._link.send(message)

    def _rings(self, said: _Message) -> None:
        ringing = said.type == "ringing"
        self._tone = ring() if ringing else ringback()
        self._tell(
            Phone(
                state="ringing" if ringing else "dialling",
                call_control_id=said.call_control_id,
                from_number=said.from_number,
                to_number=said.to_number,
            )
        )
        self._engine.add_source(self)

    def _answered(self, said: _Message) -> None:
        if said.rate not in RATES:
            raise ValueError(f"a line of {said.rate} Hz")
        self._tone, self._held = None, False
        self._ear, self._frames = Ear(), Frames(said.rate)
        self._missed, self._round_trip_s = (0, 0), 0.0
        self._pings.clear()
        self._tell(
            msgspec.structs.replace(
                self._told,
                state="talking",
                call_control_id=said.call_control_id,
                codec=said.codec,
                rate=said.rate,
            )
        )
        self._engine.add_source(self)
        self._engine.add_sink(self)
        self._seconds = asyncio.create_task(self._every_second(self._ear), name="phone-stats")

    def _ended(self, cause: str, source: str, message: str) -> None:
        self._quiet()
        self._tell(msgspec.structs.replace(self._told, state="ended", cause=cause, source=source, message=message))

    def _refused(self, said: _Message) -> None:
        if said.of == "register":
            self._tell(Phone(state="off", message=said.message))
        elif said.of == "dial" and self._told.state in ("off", "registered", "ended"):
            self._tell(Phone(state="ended", message=said.message))
        else:
            self._report(Trouble(message=said.message))

    def _quiet(self) -> None:
        self._engine.remove_sink(self)
        self._engine.remove_source(self)
        self._tone = self._ear = self._frames = None
        if self._seconds is not None:
            self._seconds.cancel()
            self._seconds = None

    def _tell(self, phone: Phone) -> None:
        if phone != self._told:
            self._told = phone
            self._report(phone)

    async def _every_second(self, ear: Ear) -> None:
        number = 0
        while self._link is not None:
            number += 1
            # An answer that is seconds late says nothing of now.
            self._pings = {number: time.monotonic()}
            self._link.send({"type": "ping", "id": number})
            await asyncio.sleep(1)
            buffer = ear.buffer
            lost, late = self._missed
            self._report(
                PhoneStats(
                    round_trip_ms=round(self._round_trip_s * 1000, 1),
                    jitter_ms=round(buffer.jitter_s * 1000, 1),
                    buffer_ms=round(buffer.depth_s * 1000),
                    delay_ms=round(buffer.depth_s * 1000 + self._engine.speaker_delay_ms),
                    lost=round(buffer.filled_s / _FRAME_S),
                    late=round(buffer.late_s / _FRAME_S),
                    level_in=self._level.take(),
                    level_out=ear.level.take(),
                    microphone_lost=lost,
                    microphone_late=late,
                )
            )

"""One direction of the sound devices: which device is open for it, and whether that still lives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, Literal, TypeVar

from console.sound.devices import Found, Stream
from console.sound.lanes import Lane, Tally
from console.sound.protocol import DeviceChanged, Kind

L = TypeVar("L", bound=Lane)
OpenDevice = Callable[[Found, Tally], Awaitable[tuple[Stream, L]]]
CloseStream = Callable[[Stream], Awaitable[None]]


class Port(Generic[L]):
    """For one task at a time; ``lane`` may be read at any time."""

    def __init__(
        self, kind: Kind, opened: OpenDevice[L], closed: CloseStream, changed: Callable[[DeviceChanged], object]
    ) -> None:
        self.kind: Kind = kind
        self._opened, self._closed, self._changed = opened, closed, changed
        self.wanted = False
        self.name = ""
        """What the operator named; empty for the system's choice."""
        self.device: Found | None = None
        self.lane: L | None = None
        self.tally = Tally()
        self.state: Literal["closed", "open", "silent", "lost", "missing"] = "closed"
        self._stream: Stream | None = None
        self._gone = ""

    @property
    def delay_ms(self) -> int:
        """What the device says of itself, and what waits for the clock or for the device."""
        stream, lane = self._stream, self.lane
        return stream.latency_ms + lane.waiting_ms if stream and lane else 0

    @property
    def latency_ms(self) -> int:
        return self._stream.latency_ms if self._stream else 0

    @property
    def ended(self) -> bool:
        """The device has ended its stream."""
        return self._stream is not None and not self._stream.alive

    @property
    def failing(self) -> bool:
        """It ended, or fell silent without a word, as suspended devices do."""
        return self.ended or (self.lane is not None and self.lane.quiet())

    async def open(self, device: Found, message: str = "") -> None:
        """In place of what was open. Raises :class:`NoSound`."""
        await self._shut()
        self._stream, self.lane = await self._opened(device, self.tally)
        self.device = device
        self.state = "open"
        if device.id == self._gone:
            self._gone = ""
            self._tell("back", device.name, f"{device.name} is back.")
        else:
            self._tell("open", device.name, message)

    async def reopen(self) -> None:
        """The same device, which ended its stream or is silent. Raises :class:`NoSound`."""
        device = self.device
        assert device is not None
        if self.state == "silent" and not self.ended:
            await self._shut()
            self._stream, self.lane = await self._opened(device, self.tally)
            self.device = device
        else:
            self._gone = device.id
            await self.open(device)

    async def close(self) -> None:
        """Nobody wants it any more."""
        if self.device is not None:
            self._tell("closed", self.device.name)
        await self._shut()
        self.state, self._gone, self.tally = "closed", "", Tally()

    async def lose(self, instead: Found | None) -> None:
        """The device is gone; ``instead`` is the one that takes its place."""
        assert self.device is not None
        self._gone = self.device.id
        meanwhile = f"{instead.name} is used until it is back" if instead else "the call goes on in silence"
        self._tell("lost", self.device.name, f"{self.device.name} is gone: {meanwhile}.", "Plug it in again.")
        await self._shut()
        self.state = "lost"

    def miss(self, problem: str, fix: str) -> None:
        """There is nothing to open; told once."""
        if self.state not in ("lost", "missing"):
            self._tell("missing", self.name, problem, fix)
            self.state = "missing"

    def watch(self) -> None:
        """Tell when an open device falls silent without a word, and when it is heard of again; what has ended its
        stream is gone, or is opened again."""
        if self.device is None or self.lane is None or self.ended:
            return
        name = self.device.name
        if self.state == "open" and self.failing:
            self.state = "silent"
            self._tell(
                "silent",
                name,
                f"The {self.kind} {name} has fallen silent: it is suspended, or something else holds it.",
                "Wake it in the system's sound settings, or choose another.",
            )
        elif self.state == "silent" and not self.failing:
            self.state = "open"
            self._tell("back", name, f"The {self.kind} {name} is heard of again.")

    async def _shut(self) -> None:
        stream, self._stream, self.lane, self.device = self._stream, None, None, None
        if stream is not None:
            await self._closed(stream)

    def _tell(
        self,
        state: Literal["open", "silent", "lost", "back", "missing", "closed"],
        name: str,
        message: str = "",
        fix: str = "",
    ) -> None:
        self._changed(DeviceChanged(kind=self.kind, state=state, name=name, message=message, fix=fix))

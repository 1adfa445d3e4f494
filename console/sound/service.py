"""Carries out the console's orders. What few orders need is loaded when the first of them comes."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from console.sound import protocol
from console.sound.protocol import Order, Report, Trouble

if TYPE_CHECKING:
    from console.sound.call_ears import CallEars
    from console.sound.engine import Engine
    from console.sound.file_devices import FileDevices
    from console.sound.phone_line import PhoneLine
    from console.sound.player import Player

_WAITING = 64
_CLOSE_S: Final = 1.0
"""The console gives the process 2 s."""

_DEVICES: Final = (protocol.Configure, protocol.ListDevices, protocol.MeasureEcho, protocol.Meter)
_CALLS: Final = (protocol.Listen, protocol.Unlisten, protocol.Speak)
_RECORDING: Final = (protocol.Play, protocol.Player, protocol.StopPlaying)
_SOFTPHONE: Final = Order
"""Every other."""


class Service:
    """Orders for one part are done in their order, and no part waits for another. ``report`` must not wait."""

    def __init__(self, report: Callable[[Report], object]) -> None:
        self._report = report
        self._opening = asyncio.Lock()
        self._hardware: FileDevices | None = None
        self._engine: Engine | None = None
        self._phone: PhoneLine | None = None
        self._ears: CallEars | None = None
        self._player: Player | None = None
        self._parts = {
            _DEVICES: _Part(self._devices, report),
            _CALLS: _Part(self._calls, report),
            _RECORDING: _Part(self._recording, report),
            _SOFTPHONE: _Part(self._softphone, report),
        }

    def take(self, line: bytes) -> None:
        """One line from the console; what is no order is reported."""
        try:
            order = protocol.decode_order(line)
        except ValueError as error:
            self._report(Trouble(message=f"The sound process was sent something else: {error}."))
            return
        next(part for kinds, part in self._parts.items() if isinstance(order, kinds)).put(order)

    async def close(self) -> None:
        """Hang up, hand back, and close the devices, within 2 s."""
        await asyncio.gather(*(part.close() for part in self._parts.values()))
        await _within(_CLOSE_S, [one.close() for one in (self._phone, self._ears, self._player) if one])
        if self._engine and self._hardware:
            await _within(_CLOSE_S / 2, [self._engine.close(), self._hardware.close()])

    async def _devices(self, order: Order) -> None:
        if isinstance(order, protocol.MeasureEcho) and not order.real:
            self._report(await asyncio.to_thread((await _load("echo_trial")).measure))
            return
        engine, hardware = await self._opened()
        match order:
            case protocol.Configure():
                await hardware.configure(order)
            case protocol.ListDevices():
                self._report(await hardware.list())
            case protocol.Meter():
                engine.meter(order.on)
            case protocol.MeasureEcho():
                self._report(await (await _load("echo_in_the_room")).measure(engine))
            case _:
                raise AssertionError(order)

    async def _softphone(self, order: Order) -> None:
        if self._phone is None:
            if not isinstance(order, protocol.OpenPhone):
                raise ValueError("The softphone is not open.")
            engine, _ = await self._opened()
            self._phone = (await _load("phone_line")).PhoneLine(engine, self._report)
        phone = self._phone
        assert phone is not None
        match order:
            case protocol.OpenPhone():
                self._prepare_echo()
                await phone.open(order)
            case protocol.ClosePhone():
                await phone.close()
            case protocol.Dial():
                await phone.dial(order)
            case protocol.Accept():
                await phone.accept()
            case protocol.Decline():
                await phone.decline()
            case protocol.HangUp():
                await phone.hang_up()
            case protocol.Key():
                await phone.key(order)
            case protocol.Hold():
                await phone.hold(order)
            case _:
                raise AssertionError(order)

    async def _calls(self, order: Order) -> None:
        if self._ears is None:
            engine, _ = await self._opened()
            self._ears = (await _load("call_ears")).CallEars(engine, self._report)
        ears = self._ears
        assert ears is not None
        match order:
            case protocol.Listen():
                # Now, since loading it stalls the clock: later it would be in the middle of a word.
                self._prepare_echo()
                await ears.listen(order)
            case protocol.Unlisten():
                await ears.unlisten(order)
            case protocol.Speak():
                await ears.speak(order)
            case _:
                raise AssertionError(order)

    async def _recording(self, order: Order) -> None:
        if self._player is None:
            engine, _ = await self._opened()
            self._player = (await _load("player")).Player(engine, self._report)
        player = self._player
        assert player is not None
        match order:
            case protocol.Play():
                await player.play(order)
            case protocol.Player():
                await player.change(order)
            case protocol.StopPlaying():
                await player.close()
            case _:
                raise AssertionError(order)

    def _prepare_echo(self) -> None:
        assert self._engine is not None
        self._engine.prepare_echo()

    async def _opened(self) -> tuple[Engine, FileDevices]:
        async with self._opening:
            if self._engine is None or self._hardware is None:
                hardware = (await _load("hardware")).Hardware(self._report)
                self._hardware = (await _load("file_devices")).FileDevices(hardware, self._report)
                self._engine = (await _load("engine")).Engine(self._hardware, self._report)
        assert self._engine is not None
        assert self._hardware is not None
        return self._engine, self._hardware


class _Part:
    """Orders for one part, one after another."""

    def __init__(self, do: Callable[[Any], Awaitable[None]], report: Callable[[Report], object]) -> None:
        self._do, self._report = do, report
        self._orders: asyncio.Queue[Order] = asyncio.Queue(_WAITING)
        self._task: asyncio.Task[None] | None = None

    def put(self, order: Order) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        try:
            self._orders.put_nowait(order)
        except asyncio.QueueFull:
            self._failed(order, f"{_WAITING} orders wait before it")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=0.1)

    async def _run(self) -> None:
        while True:
            order = await self._orders.get()
            try:
                await self._do(order)
            except ValueError as error:
                self._report(Trouble(message=str(error)))
            except Exception as error:
                self._failed(order, repr(error))

    def _failed(self, order: Order, why: str) -> None:
        self._report(Trouble(message=f"The sound process could not do '{order.__struct_config__.tag}' ({why})."))


async def _load(name: str) -> Any:
    # In a thread, since a call may be going on and its clock must not wait for a tenth of a second.
    return await asyncio.to_thread(importlib.import_module, f"console.sound.{name}")


async def _within(seconds: float, closing: list[Awaitable[None]]) -> None:
    """What fails or takes longer is said on standard error: nobody reads reports any more."""
    if not closing:
        return
    tasks = [asyncio.ensure_future(one) for one in closing]
    done, late = await asyncio.wait(tasks, timeout=seconds)
    for task in done:
        if error := task.exception():
            print(f"While closing: {error!r}", file=sys.stderr)
    for task in late:
        task.cancel()
        print(f"Did not close within {seconds} s: {task.get_coro()!r}", file=sys.stderr)

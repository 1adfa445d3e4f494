"""Dials an application again as Telnyx did and sends it the same frames at the same times."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic_ns
from typing import Final, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from simulator.addresses import is_url, shown
from simulator.recording.frames import FrameRecorder
from simulator.recording.replay import ReplayError, ReplayPlan

_OPEN_SECONDS: Final = 5.0
_CLOSE_SECONDS: Final = 2.0
_MOST_MESSAGE_BYTES: Final = 4 * 1024 * 1024
_SENDABLE: Final = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014}


class Clock(Protocol):
    """Nanoseconds from any start."""

    def now_ns(self) -> int: ...
    async def sleep_until(self, moment_ns: int) -> None: ...


class LoopClock:
    """The machine's monotonic clock; sleeps on the running loop, never past a moment that has come."""

    def now_ns(self) -> int:
        return monotonic_ns()

    async def sleep_until(self, moment_ns: int) -> None:
        while (left := moment_ns - monotonic_ns()) > 0:
            await asyncio.sleep(left / 1e9)


@dataclass(slots=True)
class ReplaySummary:
    """`late_ns` has one entry per sent frame. `close_code` None: the connection ended without one."""

    planned: int
    sent: int = 0
    received: int = 0
    close_code: int | None = None
    closed_by: str = "telnyx"
    late_ns: list[int] = field(default_factory=list[int])

    def late_ms(self, quantile: float) -> float:
        """Lateness that this part of the frames did not exceed, in milliseconds; `quantile` from 0 to 1."""
        if not self.late_ns:
            return 0.0
        ordered = sorted(self.late_ns)
        return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))] / 1e6

    def sentence(self) -> str:
        return (
            f"{self.sent} of {self.planned} frames sent, {self.received} received; lateness p50 "
            f"{self.late_ms(0.5):.2f} ms, p99 {self.late_ms(0.99):.2f} ms, max {self.late_ms(1.0):.2f} ms; "
            f"closed by {'the application' if self.closed_by == 'application' else 'the replay'} with code "
            f"{'none' if self.close_code is None else self.close_code}."
        )


async def send_on_time(
    plan: ReplayPlan, send: Callable[[str | bytes], Awaitable[None]], clock: Clock, late: Callable[[int], None]
) -> None:
    """Send every frame at its time since now. A late frame is sent at once and delays no later one.

    `late` is told the nanoseconds between a frame's time and the begin of its sending.
    """
    start = clock.now_ns()
    for frame in plan.frames:
        due = start + frame.at_ns
        await clock.sleep_until(due)
        late(max(0, clock.now_ns() - due))
        await send(frame.message)
    if plan.close_at_ns is not None:
        await clock.sleep_until(start + plan.close_at_ns)


class Replayer:
    """One replay of one stream."""

    def __init__(
        self,
        plan: ReplayPlan,
        url: str,
        *,
        clock: Clock | None = None,
        record: Callable[[], FrameRecorder] | None = None,
    ) -> None:
        """`url` is the application's, ws or wss, else ReplayError. `record` makes the recorder of the answers when
        the socket is open; the replay closes it."""
        if not is_url(url, ("ws", "wss")):
            raise ReplayError("The address to replay to must begin with ws:// or wss:// and name a host.")
        self._plan = plan
        self._url = url
        self._clock = clock or LoopClock()
        self._record = record

    async def run(self) -> ReplaySummary:
        """Returns when the socket is closed. Raises ReplayError when it cannot be opened."""
        socket = await self._open()
        recorder = self._record() if self._record is not None else None
        summary = ReplaySummary(planned=len(self._plan.frames))
        try:
            reading = asyncio.create_task(self._read(socket, summary, recorder))
            try:
                await self._send(socket, reading, summary, recorder)
            finally:
                reading.cancel()
                await asyncio.wait({reading})
        finally:
            await socket.close()
            summary.close_code = socket.close_code if socket.close_code != 1006 else None
            if recorder is not None:
                by_us = summary.closed_by == "telnyx"
                recorder.closed("sent" if by_us else "received", summary.close_code or 1006)
                await recorder.close()
        return summary

    async def _open(self) -> ClientConnection:
        token = self._plan.auth_token
        try:
            return await connect(
                self._url,
                additional_headers={} if token is None else {"x-telnyx-streaming-auth-token": token},
                proxy=None,
                compression=None,
                open_timeout=_OPEN_SECONDS,
                close_timeout=_CLOSE_SECONDS,
                ping_interval=None,
                max_size=_MOST_MESSAGE_BYTES,
            )
        except (OSError, TimeoutError, ValueError, WebSocketException) as error:
            where = shown(self._url)
            raise ReplayError(
                f"{where} could not be dialled: {str(error) or 'no answer'}; is it listening?"
            ) from error

    async def _send(
        self,
        socket: ClientConnection,
        reading: asyncio.Task[None],
        summary: ReplaySummary,
        recorder: FrameRecorder | None,
    ) -> None:
        async def send(message: str | bytes) -> None:
            if recorder is not None:
                recorder.sent(message)
            await socket.send(message)
            summary.sent += 1

        sending = asyncio.create_task(send_on_time(self._plan, send, self._clock, summary.late_ns.append))
        try:
            await asyncio.wait({sending, reading}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and self._plan.close_at_ns is None:
                await asyncio.wait({reading}, timeout=_CLOSE_SECONDS)
            if reading.done():
                summary.closed_by = "application"
            else:
                code = self._plan.close_code
                await socket.close(code if code in _SENDABLE or code >= 3000 else 1000)
                # What the application sent before it saw the close is still to be counted.
                await asyncio.wait({reading}, timeout=_CLOSE_SECONDS)
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                await sending

    async def _read(
        self, socket: ClientConnection, summary: ReplaySummary, recorder: FrameRecorder | None
    ) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                summary.received += 1
                if recorder is not None:
                    recorder.received(message)

"""One Telnyx media WebSocket as a line: the handshake, clean messages in, measured messages out.

It stands between the server's WebSocket and whatever framework runs the agent, and offers the part of
Starlette's WebSocket that frameworks use (``receive``, ``send_text``, ``close`` and the two states), so that
both see the same messages and the same counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import time
from collections.abc import Callable, MutableMapping
from typing import Any

import numpy as np
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from agent import events
from agent.carriers import telnyx_media as wire
from agent.carriers.byte_order import OrderDoubt
from agent.carriers.line_codec import LineFormat, announced_format
from agent.events import Event
from agent.line_audio import LineAudio
from agent.line_meter import Ear, Mouth, Samples, loudness_db

_HANDSHAKE_S = 10.0
_REPORT_REFUSED = 5


class HandshakeError(Exception):
    """The other side did not open a Telnyx media stream; the text is one sentence."""


class TelnyxLine:
    """A line after its handshake; see the module. Made by :meth:`open`.

    ``speaks`` is what we asked to send, ``hears`` what the start message announced, which may be another.
    ``on_audio_out`` is called just before audio goes out. ``stop_reason`` tells how the stream ended, once it has.
    """

    def __init__(self, websocket: WebSocket, emit: Callable[[Event], object], speaks: LineFormat) -> None:
        self._websocket = websocket
        self._emit = emit
        self.speaks = self.hears = speaks
        self.taken: Samples | str = ""
        """What the message that :meth:`receive` gave last holds: the caller's samples, or a key."""
        self.ear = Ear(speaks.rate)
        self.mouth = Mouth()
        self.audio = LineAudio(self._listener_failed)
        self.held = False
        """Whether an operator has silenced the agent: what it goes on to say is not sent."""
        self.refused = 0
        self.stop_reason = ""
        self.on_audio_out: Callable[[int], None] = lambda _now: None
        self.on_live: Callable[[Event], object] = lambda _event: None
        self._decode: Callable[[bytes], Samples]
        self._encode: Callable[[bytes], bytes]
        self._doubt: OrderDoubt | None = None
        self._reporter: asyncio.Task[None] | None = None

    async def open(self) -> wire.Start:
        """Take ``connected`` and ``start``, and begin to report statistics.

        Raises:
            HandshakeError: they did not come within 10 s, or are not what Telnyx sends.
        """
        try:
            async with asyncio.timeout(_HANDSHAKE_S):
                first = wire.parse(await self._websocket.receive_text())
                start = (
                    first if isinstance(first, wire.Start) else wire.parse(await self._websocket.receive_text())
                )
        except TimeoutError as error:
            raise HandshakeError(f"No start message came within {_HANDSHAKE_S:.0f} s.") from error
        except (WebSocketDisconnect, KeyError) as error:
            raise HandshakeError("The media socket closed before its start message.") from error
        except wire.BadMessage as error:
            raise HandshakeError(f"The media socket does not speak Telnyx's protocol: {error}.") from error
        if not isinstance(start, wire.Start):
            raise HandshakeError("The media socket sent no start message after connected.")
        fault = wire.encoding_fault(start.start.media_format)
        if fault:
            raise HandshakeError(fault)
        await self._agree(start.start.media_format)
        self._emit(
            events.MediaStarted(
                stream_id=start.stream_id,
                encoding=self.hears.encoding,
                sample_rate=self.hears.rate,
                asked="" if self.hears == self.speaks else str(self.speaks),
            )
        )
        self._reporter = asyncio.create_task(self._report(), name="line-report")
        return start

    async def _agree(self, announced: wire.MediaFormat) -> None:
        """Hear what the line sends, and go on to speak what was asked for, which the carrier converts."""
        self.hears = announced_format(announced, self.speaks.order)
        formats = (self.hears, self.speaks)
        if any(one.encoding == "G722" for one in formats):
            await asyncio.to_thread(importlib.import_module, "agent.carriers.g722")
        self._decode, self._encode = self.hears.decoder(), self.speaks.encoder()
        self._doubt = OrderDoubt() if self.hears.encoding == "L16" else None
        self.ear = Ear(self.hears.rate)

    async def hear(self) -> Samples | str | None:
        """See :class:`agent.carriers.Line`; frameworks that read a WebSocket use :meth:`receive` instead."""
        message = await self.receive()
        return self.taken if message["type"] == "websocket.receive" else None

    async def speak(self, audio: bytes) -> None:
        message = self.audio_goes_out(audio)
        if message is not None:
            await self._send(message)

    async def spoken(self) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self.send_mark(at_end=True)

    @property
    def client_state(self) -> WebSocketState:
        return self._websocket.client_state

    @property
    def application_state(self) -> WebSocketState:
        return self._websocket.application_state

    async def receive(self) -> MutableMapping[str, Any]:
        """The next message that a framework should see: valid media or dtmf, else the end of the stream."""
        while True:
            try:
                message = await self._websocket.receive()
            except RuntimeError:
                return self._over("closed", 1006)
            if message["type"] != "websocket.receive":
                code = int(message.get("code") or 1006)
                return self._over("closed" if code in (1000, 1001) else f"closed with code {code}", code)
            text = message.get("text")
            if self.stop_reason or text is None:
                self._refuse("a binary message" if text is None else "a message after stop")
                continue
            try:
                if self._take(wire.parse(text)):
                    return message
            except wire.BadMessage as error:
                self._refuse(str(error))

    def _take(self, message: wire.Message) -> bool:
        now = time.monotonic_ns()
        match message:
            case wire.Media():
                if message.media.track == "outbound":
                    return False
                self.taken = samples = self._decode(message.audio())
                self.ear.received(now, message.chunk, samples)
                self.audio.caller(now, samples)
                if self._doubt is not None:
                    self._listen_for_order(self._doubt, samples)
                return bool(len(samples))
            case wire.Dtmf():
                self.taken = message.dtmf.digit[:1]
                self._emit(events.CallDtmf(digit=self.taken))
                return True
            case wire.Mark():
                self.mouth.mark_returned(now, message.mark.name)
            case wire.Stop():
                self.stop_reason = "stop"
            case wire.LineError():
                body = message.payload
                self._emit(
                    events.Error(
                        where="line",
                        code=str(body.code),
                        message=f"The carrier refused our media: {body.title} {body.detail}".strip() + ".",
                    )
                )
            case _:
                pass
        return False

    def _listen_for_order(self, doubt: OrderDoubt, samples: Samples) -> None:
        if doubt.wrong(samples):
            other = "big" if self.hears.order == "little" else "little"
            self._emit(
                events.Error(
                    where="media",
                    message=f"The caller's L16 audio makes sense only as {other}-endian, and is heard as noise.",
                    fix=f"Set SIDETONE_L16_BYTE_ORDER={other} and start the agent again.",
                )
            )
        if not doubt.open:
            self._doubt = None

    def _over(self, reason: str, code: int) -> dict[str, Any]:
        self.stop_reason = self.stop_reason or reason
        return {"type": "websocket.disconnect", "code": code}

    def _refuse(self, reason: str) -> None:
        self.refused += 1
        if self.refused <= _REPORT_REFUSED:
            self._emit(
                events.Error(
                    where="media",
                    message=f"A media message was dropped: {reason}.",
                    fix="" if self.refused < _REPORT_REFUSED else "Later ones are only counted.",
                )
            )

    def audio_goes_out(self, audio: bytes) -> str | None:
        """The message for the agent's audio that is about to be sent with :meth:`send_text`; it is counted here.

        ``audio`` is little-endian int16 at the rate of ``speaks``. None while the line is ``held``.
        """
        if self.held:
            return None
        self.on_audio_out(time.monotonic_ns())
        return self._goes_out(audio, by_operator=False)

    async def operator_speaks(self, audio: bytes) -> None:
        """Send an operator's voice in the agent's place; ``audio`` as for :meth:`audio_goes_out`."""
        await self._send(self._goes_out(audio, by_operator=True))

    async def _send(self, message: str) -> None:
        """A line that is over takes nothing more, which its reader is told."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self.send_text(message)

    def _goes_out(self, audio: bytes, *, by_operator: bool) -> str:
        now = time.monotonic_ns()
        samples = np.frombuffer(audio, np.int16)
        self.mouth.sent(now, len(samples) * 1000 / self.speaks.rate, loudness_db(samples))
        self.audio.agent(now, samples, by_operator)
        return wire.media(self._encode(audio))

    def audio_is_cleared(self) -> None:
        """Count a clear that is about to be sent: what the carrier has not played is lost."""
        now = time.monotonic_ns()
        self.audio.cleared(now)
        self._emit(events.MediaCleared(dropped_ms=self.mouth.cleared(now)))

    async def clear(self) -> None:
        """Have the carrier drop what it has not played, if there is any; a line that is over has none."""
        if self.mouth.queue_ms(time.monotonic_ns()):
            self.audio_is_cleared()
            await self._send(wire.CLEAR)

    def _listener_failed(self, listener: object, error: Exception) -> None:
        message = f"{type(listener).__name__} of the call failed: {type(error).__name__}: {error}"
        self._emit(events.Error(where="media", message=message, fix="The call goes on without it."))

    async def send_text(self, data: str) -> None:
        """Send one of our messages; a mark follows when one is due."""
        await self._websocket.send_text(data)
        await self.send_mark()

    async def send_mark(self, *, at_end: bool = False) -> None:
        """Send a mark when one is due; ``at_end`` makes one due for any audio since the last."""
        name = self.mouth.mark_due(at_end=at_end)
        if name is not None:
            await self._websocket.send_text(wire.mark(name))

    async def send_bytes(self, data: bytes) -> None:
        raise RuntimeError("Telnyx's media socket takes text only")

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        if self.client_state == WebSocketState.CONNECTED and self.application_state == WebSocketState.CONNECTED:
            # The other side may close in the same moment, which is as good.
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await self._websocket.close(code, reason)

    async def finish(self) -> None:
        """Stop reporting, tell how the stream ended and close the socket if it is still open."""
        if self._reporter is not None:
            self._reporter.cancel()
            self._reporter = None
            self._emit(self._stats())
            self._emit(events.MediaStopped(reason=self.stop_reason or "closed by the agent"))
        await self.close()

    def _stats(self) -> events.MediaStats:
        ear = self.ear
        return events.MediaStats(
            rx=ear.frames,
            tx=self.mouth.frames,
            gaps=ear.gaps,
            late=ear.late,
            jitter_ms=ear.jitter_ms,
            queue_ms=self.mouth.queue_ms(time.monotonic_ns()),
            refused=self.refused,
        )

    async def _report(self) -> None:
        while True:
            for _ in range(10):
                await asyncio.sleep(0.1)
                self.on_live(events.MediaLevel(caller=self.ear.take_peak_db(), agent=self.mouth.take_peak_db()))
            self._emit(self._stats())

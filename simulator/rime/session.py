"""One connection to `/ws3`, `/ws2` or `/ws`: text comes in pieces, sound goes out as the segmentation wants it."""

from __future__ import annotations

import asyncio

from simulator.rime import wire
from simulator.rime.buffer import Buffer, Overflow, Piece
from simulator.rime.parameters import MAX_TEXT, Segment, Voicing
from simulator.rime.speaking import Speaker
from simulator.voice_socket import Closed, Send


class RimeSession:
    """`receive` takes the client's messages, `run` speaks; both belong to one connection.

    As Rime, it finishes the synthesis that is under way when it is told to `clear`.
    """

    def __init__(self, voicing: Voicing, segment: Segment, speaker: Speaker, send: Send, *, plain: bool) -> None:
        """`plain` is `/ws`: bare text in, bare sound out, and no event."""
        self._voicing = voicing
        self._speaker = speaker
        self._send = send
        self._plain = plain
        self._buffer = Buffer(segment)
        self._work = asyncio.Event()
        self._closing = False

    async def receive(self, message: str | bytes) -> None:
        """Raises Closed for text that Rime closes the connection for."""
        if self._closing:
            return
        try:
            match wire.parse_plain(message) if self._plain else wire.parse_json(message):
                case wire.Text(text, context):
                    if len(text) > MAX_TEXT:
                        raise Closed(1011, "400: text is too long")
                    self._buffer.add(text, context)
                case wire.Operation("clear"):
                    self._buffer.clear()
                case wire.Operation(name):
                    self._buffer.flush()
                    self._closing = name == "eos"
        except (wire.BadMessage, Overflow) as bad:
            if not self._plain:
                await self._send(wire.failure(str(bad)))
        self._work.set()

    async def run(self) -> None:
        """Speak until cancelled. Raises Closed at `eos`, when a fault strikes, and for an unknown voice."""
        while True:
            await self._work.wait()
            self._work.clear()
            said: Piece | None = None
            while (piece := self._buffer.take()) is not None:
                await self._speak(piece)
                said = piece
            if said is not None and self._buffer.empty and not self._plain:
                await self._send(wire.done(said.context))
            if self._closing:
                raise Closed(1000, "")

    async def _speak(self, piece: Piece) -> None:
        voicing = self._voicing
        if voicing.wrong:
            raise Closed(1011, f"400: {voicing.wrong}")
        for text in _within_limit(piece.text):
            speech = await self._speaker.speech(text, voicing)
            async for audio in self._speaker.chunks(speech, voicing):
                await self._send(audio if self._plain else wire.chunk(audio, piece.context))
            stamps = wire.timestamps(speech, voicing.model, voicing.language, piece.context)
            if stamps is not None and not self._plain:
                await self._send(stamps)


def _within_limit(text: str) -> list[str]:
    """Long text in parts that the synthesiser takes, cut where a word ends."""
    parts: list[str] = []
    while len(text) > MAX_TEXT:
        cut = text.rfind(" ", 1, MAX_TEXT) + 1 or MAX_TEXT
        parts.append(text[:cut])
        text = text[cut:]
    return [*parts, text]

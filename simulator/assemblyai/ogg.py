"""Packets out of an Ogg stream (RFC 3533) that comes in pieces of any size."""

from __future__ import annotations

from typing import Final

_HEADER: Final = 27
_CONTINUED: Final = 1
_MAX_PACKET: Final = 64 * 1024


class NotOgg(ValueError):
    """The bytes are no Ogg stream; one sentence."""


class OggPackets:
    """Follows the pages of one logical stream. Holds one page and one packet at most."""

    def __init__(self) -> None:
        self._bytes = b""
        self._packet = b""

    def push(self, data: bytes) -> list[bytes]:
        """The packets that `data` completes. Raises NotOgg."""
        self._bytes += data
        packets: list[bytes] = []
        while page := self._page():
            segments, body = page
            start = 0
            for length in segments:
                self._packet += body[start : start + length]
                start += length
                if len(self._packet) > _MAX_PACKET:
                    raise NotOgg("An Ogg packet is longer than 64 KB.")
                # A packet goes on in the next segment where this one is full.
                if length < 255:
                    packets.append(self._packet)
                    self._packet = b""
        return packets

    def _page(self) -> tuple[bytes, bytes] | None:
        data = self._bytes
        if not data.startswith(b"OggS"[: len(data)]):
            raise NotOgg("The audio is not an Ogg stream.")
        if len(data) < _HEADER or len(data) < (start := _HEADER + data[_HEADER - 1]):
            return None
        segments = data[_HEADER:start]
        end = start + sum(segments)
        if len(data) < end:
            return None
        if not data[5] & _CONTINUED:
            self._packet = b""
        self._bytes = data[end:]
        return segments, data[start:end]

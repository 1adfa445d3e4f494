"""The audio of one SIP call: RTP over UDP, 20 ms per packet, keys as RFC 4733 events.

aiortp reads and writes the packets. Its session is not used: it sends all packets of a key at once, and knows
G.722 only with another package.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Final

from aiortp import DtmfEvent, DtmfReceiver, PortAllocator, RtcpSrPacket, RtpPacket, RtpTransport
from aiortp.clock import current_ntp_time
from aiortp.dtmf import DTMF_EVENTS
from aiortp.packet import RtcpSenderInfo

from simulator.audio import FRAME_MS, Samples
from simulator.caller.jitter_buffer import JitterBuffer, Reception
from simulator.sip.offers import PAYLOAD_TYPES, Agreed
from simulator.telnyx.media.codecs import FrameDecoder, FrameEncoder
from simulator.telnyx.media.faults_port import SocketAction, StreamFaults

log = logging.getLogger(__name__)

FRAME_BYTES: Final = 160
"""20 ms in PCMU, PCMA and G722; as many ticks of RTP's clock, which is 8000 Hz for all three (RFC 3551)."""
_CLOCK: Final = 8000
_KEY_TICKS: Final = 5
_GAP_TICKS: Final = 3
"""100 ms of a key, at least 60 ms until the next."""
_MOST_KEYS: Final = 64
_MOST_BYTES: Final = 8 * FRAME_BYTES
_MOST_HELD: Final = 30_000
_REPORT_TICKS: Final = 5000 // FRAME_MS
_TRIES: Final = 50


class NoPort(Exception):
    """No pair of UDP ports is free; the text is one sentence."""


class Rtp:
    """`sent` and `received` count packets of audio; `strange` are those that nobody could use."""

    def __init__(self, leg_rate: int, on_key: Callable[[str], None], faults: StreamFaults | None = None) -> None:
        """`leg_rate` in hertz is that of `hear` and `carry`. `on_key` is told of keys that arrive."""
        self.sent = self.received = self.strange = 0
        self.port = 0
        self._leg_rate = leg_rate
        self._on_key = on_key
        self._faults = faults
        self._agreed: Agreed | None = None
        self._encoder: FrameEncoder | None = None
        self._decoder: FrameDecoder | None = None
        self._buffer = JitterBuffer()
        self._rest = b""
        self._last: tuple[int, int] | None = None
        self._source: tuple[str, int] | None = None
        self._keys_in = DtmfReceiver(self._key_arrived)
        self._keys_out: deque[str] = deque()
        self._key: tuple[str, int, int] | None = None
        self._gap = 0
        self._held: list[str] = []
        self._gone = False
        self._ssrc = secrets.randbits(32)
        self._sequence = secrets.randbits(15)
        self._timestamp = secrets.randbits(31)
        self._begun = False
        self._ticks = 0
        self._transports: list[RtpTransport] = []
        self._ports: PortAllocator | None = None

    @property
    def reception(self) -> Reception:
        return self._buffer.reception

    async def open(self, host: str, ports: PortAllocator) -> None:
        """Bind an even port and the one above it. Raises NoPort."""
        loop = asyncio.get_running_loop()
        taken: list[int] = []
        try:
            for _ in range(_TRIES):
                try:
                    port, _rtcp = await ports.allocate()
                except RuntimeError as error:
                    raise NoPort("No pair of UDP ports is free for the audio of a SIP call.") from error
                audio = RtpTransport(self._arrived, self._reported)
                reports = RtpTransport(self._reported, self._reported)
                try:
                    await loop.create_datagram_endpoint(lambda made=audio: made, local_addr=(host, port))
                    await loop.create_datagram_endpoint(lambda made=reports: made, local_addr=(host, port + 1))
                except OSError:
                    # Another process was quicker.
                    audio.close()
                    taken.append(port)
                    continue
                self._transports, self._ports, self.port = [audio, reports], ports, port
                return
            raise NoPort(f"{_TRIES} pairs of UDP ports in a row were taken by others.")
        finally:
            for port in taken:
                await ports.release(port)

    def agree(self, agreed: Agreed) -> None:
        """What is sent from now on, where to, and whether at all."""
        before = self._agreed
        self._agreed = agreed
        if before is None or before.remote != agreed.remote:
            self._source = None
        if before is None or before.codec != agreed.codec:
            self._encoder = FrameEncoder(agreed.codec, self._leg_rate)
            self._decoder = FrameDecoder(agreed.codec, _CLOCK, self._leg_rate)

    def stop(self) -> None:
        """Send and take nothing until something is agreed upon again."""
        self._agreed = None

    def hear(self) -> Samples | None:
        """The next 20 ms of what has arrived; None is silence."""
        return self._buffer.take(monotonic())

    def carry(self, samples: Samples | None) -> None:
        """Send 20 ms, or silence (None). Must come every 20 ms."""
        self._ticks += 1
        agreed, encoder = self._agreed, self._encoder
        if agreed is None or encoder is None:
            return
        packets = self._event(agreed) if agreed.sends else []
        if not packets and agreed.sends:
            packets = [self._packet(PAYLOAD_TYPES[agreed.codec], encoder.encode(samples), self._timestamp)]
            self.sent += 1
        self._timestamp = self._timestamp + FRAME_BYTES & 0xFFFFFFFF
        self._send(packets, agreed.remote)
        if self._ticks % _REPORT_TICKS == 0 and self.sent and agreed.sends:
            self._report(agreed.remote)

    def press(self, digit: str) -> None:
        """A key of the telephone. Without events agreed upon, nobody hears of it."""
        if len(self._keys_out) < _MOST_KEYS and digit in DTMF_EVENTS:
            self._keys_out.append(digit)

    async def close(self) -> None:
        for transport in self._transports:
            transport.close()
        self._transports = []
        if self._ports is not None:
            ports, self._ports = self._ports, None
            await ports.release(self.port)

    def _event(self, agreed: Agreed) -> list[bytes]:
        """The packets of the key that is being sent; none between keys."""
        if self._key is None:
            self._gap = max(0, self._gap - 1)
            if self._gap or not self._keys_out or agreed.keys is None:
                return []
            self._key = (self._keys_out.popleft(), self._timestamp, 0)
        digit, began, ticks = self._key
        ticks += 1
        ends = ticks == _KEY_TICKS
        event = DtmfEvent(DTMF_EVENTS[digit], ends, 10, ticks * FRAME_BYTES).serialize()
        self._key = None if ends else (digit, began, ticks)
        self._gap = _GAP_TICKS if ends else 0
        # The end is sent three times (RFC 4733, 2.5.1.4).
        assert agreed.keys is not None
        return [
            self._packet(agreed.keys, event, began, marker=ticks == 1 and not copy)
            for copy in range(3 if ends else 1)
        ]

    def _packet(self, payload_type: int, payload: bytes, timestamp: int, *, marker: bool | None = None) -> bytes:
        first = not self._begun if marker is None else marker
        self._begun = True
        self._sequence = self._sequence + 1 & 0xFFFF
        packet = RtpPacket(payload_type, int(first), self._sequence, timestamp, self._ssrc, payload)
        return packet.serialize()

    def _send(self, packets: list[bytes], remote: tuple[str, int]) -> None:
        faults = self._faults
        if faults is None:
            for packet in packets:
                self._transmit(packet, remote)
            return
        action = faults.action()
        # Faults are made for text; Latin-1 has a letter for each byte.
        arrived = faults.pass_frames([packet.decode("latin-1") for packet in packets])
        self._gone = self._gone or action in (SocketAction.DROP, SocketAction.STOP)
        self._held += arrived
        if action is SocketAction.STALL and len(self._held) < _MOST_HELD:
            return
        held, self._held = self._held, []
        for text in held if not self._gone else ():
            self._transmit(text.encode("latin-1"), remote)

    def _transmit(self, packet: bytes, remote: tuple[str, int]) -> None:
        if self._transports:
            with suppress(OSError, ValueError):
                self._transports[0].send(packet, remote)

    def _report(self, remote: tuple[str, int]) -> None:
        info = RtcpSenderInfo(current_ntp_time(), self._timestamp, self.sent, self.sent * FRAME_BYTES)
        if self._transports:
            with suppress(OSError, ValueError):
                self._transports[1].send(bytes(RtcpSrPacket(self._ssrc, info)), (remote[0], remote[1] + 1))

    def _arrived(self, data: bytes, addr: tuple[str, int]) -> None:
        agreed = self._agreed
        if agreed is None:
            return
        try:
            packet = RtpPacket.parse(data)
            is_key, is_audio = (
                packet.payload_type == number for number in (agreed.keys, PAYLOAD_TYPES[agreed.codec])
            )
            if not (is_key or is_audio) or not self._is_far_end(addr, agreed):
                self.strange += 1
            elif is_key:
                self._keys_in.handle_packet(packet)
            else:
                self._audio(packet)
        except Exception as error:
            # Anybody on this machine may send here: what makes no sense must not end the call.
            self.strange += 1
            if self.strange == 1:
                log.info("An RTP packet makes no sense: %s", error)

    def _is_far_end(self, source: tuple[str, int], agreed: Agreed) -> bool:
        """Audio may come from another port than it goes to, but from one only: the agreed one, once it speaks."""
        if self._source is None or source == agreed.remote:
            self._source = source
        return source == self._source

    def _audio(self, packet: RtpPacket) -> None:
        last = self._last
        if last is not None and last[0] == packet.ssrc:
            ahead = packet.sequence_number - last[1] & 0xFFFF
            if not 0 < ahead < 0x8000:
                return
        self._last = (packet.ssrc, packet.sequence_number)
        self.received += 1
        decoder = self._decoder
        if decoder is None or len(packet.payload) > _MOST_BYTES:
            self.strange += 1
            return
        self._rest += packet.payload
        whole = len(self._rest) // FRAME_BYTES * FRAME_BYTES
        frames, self._rest = self._rest[:whole], self._rest[whole:]
        now = monotonic()
        for start in range(0, whole, FRAME_BYTES):
            samples = decoder.decode(frames[start : start + FRAME_BYTES])
            self._buffer.push(samples, (packet.timestamp + start) / _CLOCK, now)

    def _key_arrived(self, digit: str, _duration: int) -> None:
        if digit in DTMF_EVENTS:
            self._on_key(digit)

    def _reported(self, _data: bytes, _addr: tuple[str, int]) -> None:
        """Reports of the far end: nothing here depends on them."""

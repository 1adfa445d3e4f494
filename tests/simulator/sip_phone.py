"""A SIP telephone made of aiosipua's own client and server and aiortp's own session, unchanged.

Over TCP: aiosipua does not acknowledge refusals, which over UDP are then repeated as they should be.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from aiortp import Codec, RTPSession
from aiosipua import (
    IncomingCall,
    OutgoingCall,
    SipDigestAuth,
    SipRequest,
    SipResponse,
    SipUAC,
    SipUAS,
    TcpSipTransport,
    build_sdp,
    negotiate_sdp,
)

from simulator.audio import FRAME_MS, Samples
from simulator.telnyx.media.ffmpeg import G722Decoder, G722Encoder
from tests.simulator.sip_house import ORIGIN, Desk, free_port

CODECS = {"PCMU": 0, "PCMA": 8, "G722": 9}
_OWN_KEYS, _TRUNK_KEYS = 96, 101
"""Payload types of keys: in what the phone offers, and in what the trunk does."""


class _Wide(Codec):
    """G.722 for aiortp, which has it with another package only."""

    def __init__(self) -> None:
        self._encoder, self._decoder = G722Encoder(), G722Decoder()

    @property
    def name(self) -> str:
        return "G722"

    @property
    def sample_rate(self) -> int:
        return 16_000

    @property
    def samples_per_frame(self) -> int:
        """Of RTP's clock, which is 8000 Hz."""
        return 160

    def encode(self, pcm: bytes) -> bytes:
        return self._encoder.encode(np.frombuffer(pcm, np.int16))

    def decode(self, payload: bytes) -> bytes:
        return self._decoder.decode(payload).tobytes()


class _Transport(TcpSipTransport):
    """Adds headers to INVITEs: aiosipua drops them when it is asked for a password."""

    extra: Mapping[str, str] = MappingProxyType({})

    def send(self, message: SipRequest | SipResponse, addr: tuple[str, int]) -> None:
        if isinstance(message, SipRequest) and message.method == "INVITE":
            for name, value in self.extra.items():
                message.headers.set_single(name, value)
        super().send(message, addr)


class SipPhone:
    """One call at a time. `heard` is what arrives, `keys` are those of the far end."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.port, self.media = free_port(), free_port()
        self.heard: list[Samples] = []
        self.keys: list[str] = []
        self.incoming: asyncio.Queue[IncomingCall] = asyncio.Queue()
        self.hung_up = asyncio.Event()
        self.rang: list[OutgoingCall] = []
        self.rtp: RTPSession | None = None
        self._arrived = asyncio.Condition()
        self._notifying: set[asyncio.Task[None]] = set()
        self.transport = _Transport(local_addr=("127.0.0.1", self.port))
        self.client = SipUAC(self.transport)
        self.server = SipUAS(self.transport, uac=self.client)
        self.server.on_invite = self.incoming.put_nowait
        self.server.on_bye = self._bye

    async def __aenter__(self) -> SipPhone:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.rtp is not None:
            await self.rtp.close()
        await self.server.stop()

    async def invite(
        self, number: str, *, codec: str = "PCMU", origin: str = ORIGIN, auth: bool = True, **headers: str
    ) -> OutgoingCall:
        """Dial, and return before there is an answer."""
        trunk = ("127.0.0.1", self.desk.port)
        await self.transport.connect(trunk)
        self.transport.extra = {name.replace("_", "-"): value for name, value in headers.items()}
        call = self.client.send_invite(
            f"sip:{origin}@127.0.0.1:{self.port}",
            f"sip:{number}@127.0.0.1:{self.desk.port}",
            trunk,
            build_sdp("127.0.0.1", self.media, CODECS[codec], codec, dtmf_payload_type=_OWN_KEYS),
            auth=SipDigestAuth(self.desk.user, self.desk.password) if auth else None,
        )
        call.on_ringing = self.rang.append
        return call

    async def dial(self, number: str, **more: Any) -> OutgoingCall:
        """Dial and talk."""
        call = await self.invite(number, **more)
        await call.wait_answered(30)
        assert call.sdp_answer is not None
        address = call.sdp_answer.rtp_address
        assert address is not None
        await self._talk(address, CODECS[more.get("codec", "PCMU")], _OWN_KEYS)
        return call

    async def answer(self, codec: str = "PCMU") -> IncomingCall:
        """Wait for a call and take it."""
        call = await asyncio.wait_for(self.incoming.get(), 30)
        assert call.sdp_offer is not None
        answer, number = negotiate_sdp(call.sdp_offer, "127.0.0.1", self.media, [CODECS[codec]])
        call.ringing()
        call.accept(answer)
        address = call.sdp_offer.rtp_address
        assert address is not None
        await self._talk(address, number, _TRUNK_KEYS)
        return call

    async def listen(self) -> None:
        """Hear what comes before there is an answer."""
        await self._talk(("127.0.0.1", 9), CODECS["PCMU"], _OWN_KEYS)

    async def _talk(self, address: tuple[str, int], number: int, keys: int) -> None:
        codec = _Wide() if number == CODECS["G722"] else None
        self.rtp = await RTPSession.create(
            ("127.0.0.1", self.media), address, number, codec, dtmf_payload_type=keys, jitter_prefetch=0
        )
        self.rtp.on_audio = self._audio
        self.rtp.on_dtmf = lambda digit, _: self._notify(self.keys, digit)

    async def say(self, samples: Samples) -> None:
        """Send audio in real time."""
        assert self.rtp is not None
        codec = self.rtp.codec
        assert codec is not None
        frame = codec.sample_rate * FRAME_MS // 1000
        due = asyncio.get_running_loop().time()
        for start in range(0, len(samples), frame):
            self.rtp.send_audio_pcm_auto(samples[start : start + frame].astype("<i2").tobytes())
            due += FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))

    async def until_voice(self, ms: int) -> None:
        """Until so much sound was heard."""
        await self._until(lambda: self.voiced_ms >= ms)

    async def until_keys(self, keys: str) -> None:
        await self._until(lambda: "".join(self.keys) == keys)

    @property
    def voiced_ms(self) -> int:
        return sum(FRAME_MS for frame in self.heard if np.abs(frame.astype(np.int32)).max(initial=0) > 500)

    async def _until(self, true: Any) -> None:
        async with asyncio.timeout(30), self._arrived:
            await self._arrived.wait_for(true)

    def _audio(self, pcm: bytes, _timestamp: int) -> None:
        self._notify(self.heard, np.frombuffer(pcm, "<i2"))

    def _notify(self, kept: list[Any], what: Any) -> None:
        kept.append(what)
        task = asyncio.create_task(self._wake())
        self._notifying.add(task)
        task.add_done_callback(self._notifying.discard)

    async def _wake(self) -> None:
        async with self._arrived:
            self._arrived.notify_all()

    def _bye(self, _call: IncomingCall, _request: SipRequest) -> None:
        self.hung_up.set()


@contextlib.asynccontextmanager
async def phone_at(desk: Desk) -> AsyncIterator[SipPhone]:
    async with SipPhone(desk) as phone:
        yield phone

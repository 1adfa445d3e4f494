"""A call that a SIP client places through the trunk: what the number it dials does, in SIP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiosipua import IncomingCall, SdpMessage, serialize_sdp

from simulator.sip.answers import ALLOW, q850, reason_of, status_of
from simulator.sip.offers import NoCommonCodec, answered
from simulator.sip.rtp import NoPort
from simulator.sip.sip_call import Endpoint, SipCall, identifying
from simulator.telnyx.calls.answerers import Answerer, drop_later, ring
from simulator.telnyx.calls.dialling import limit_time
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.facts import Hangup
from simulator.telnyx.media.options import Codec

_LONGEST_RINGING: Final = 180.0
"""Seconds after which a proxy gives up an INVITE (RFC 3261, timer C)."""
_LONGEST_CALL: Final = 14_400
_NO_AUDIO: Final = Hangup("unspecified", "unknown", "503")
_INCOMPATIBLE: Final = Hangup("unspecified", "caller", "488")


class Answering(SipCall):
    def __init__(
        self,
        endpoint: Endpoint,
        call: IncomingCall,
        offer: SdpMessage,
        codec: Codec,
        on_over: Callable[[SipCall], None],
        *,
        ringback: bool,
    ) -> None:
        """`codec` must be offered. `ringback`: ringing is heard as early media (183), not signalled (180)."""
        super().__init__(endpoint, on_over)
        self.dialog = call.dialog
        self.remote = call.source_addr
        self._call = call
        self._offer = offer
        self._codec = codec
        self._ringback = ringback

    async def flow(self, leg: CallLeg, answerer: Answerer) -> None:
        """The life of the leg."""
        stream = self.stream_of(leg)
        stream.facts |= {"call_id": self.call_id, "transport": self.endpoint.wire.protocol}
        self.endpoint.wire.headers[self.call_id] = identifying(leg.facts)
        try:
            await stream.open(self.endpoint.host, self.endpoint.ports)
            answer, agreed = answered(self._offer, self._codec, self.endpoint.host, stream.port, self.session)
        except (NoPort, NoCommonCodec) as error:
            leg.warn(str(error))
            leg.hang_up(_NO_AUDIO if isinstance(error, NoPort) else _INCOMPATIBLE)
            return
        if answerer.outcome is None or answerer.ring_ms:
            self._ring(answer)
            if self._ringback:
                stream.agree(agreed)
                stream.ring_back()
        # The caller may have given up at the very moment of the answer.
        if not await ring(leg, answerer, _LONGEST_RINGING) or leg.hangup is not None:
            return
        stream.answered()
        stream.agree(agreed)
        stream.facts["status"] = 200
        self._call.accept(answer)
        self.endpoint.server.answered(self._call)
        leg.answer()
        leg.spawn(drop_later(leg, answerer))
        await limit_time(leg, _LONGEST_CALL)

    def cancelled(self) -> None:
        """The client gave up before there was an answer; it has been answered already."""
        self.far_end_left = True
        if self.leg is not None:
            self.stream_of(self.leg).facts["status"] = 487
            self.leg.hang_up(Hangup("originator_cancel", "caller", "487"))

    def left(self) -> None:
        if self.leg is None or self.leg.is_answered:
            super().left()
            return
        # A BYE before the answer: the INVITE still wants its own (RFC 3261, 15.1.2).
        self._refuse(487)
        self.cancelled()

    def end(self, hangup: Hangup) -> None:
        if self.leg is not None and not self.leg.is_answered:
            self._refuse(status_of(hangup))
        super().end(hangup)

    def _refuse(self, status: int) -> None:
        assert self.leg is not None
        assert self.dialog is not None
        self.stream_of(self.leg).facts["status"] = status
        final = self.dialog.create_response(self._call.invite, status, reason_of(status))
        for name, value in q850(status):
            final.headers.set_single(name, value)
        self.dialog.terminate()
        self.endpoint.wire.send_reply(final)

    def _ring(self, answer: SdpMessage) -> None:
        if not self._ringback:
            self._call.ringing()
            return
        host, port = self.endpoint.wire.local_addr
        progress = self._call.dialog.create_response(
            self._call.invite, 183, "Session Progress", contact=f"<sip:{host}:{port}>"
        )
        progress.headers.set_single("Allow", ALLOW)
        progress.text = serialize_sdp(answer)
        progress.headers.set_single("Content-Type", "application/sdp")
        self.endpoint.wire.send_reply(progress)

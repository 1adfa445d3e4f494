"""What calls of both directions have in common: a leg, a dialog, and how one ends with the other."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from aiortp import PortAllocator
from aiosipua import Dialog, DialogState, SdpMessage

from simulator.sip.answers import HUNG_UP
from simulator.sip.client import Client
from simulator.sip.offers import answered, chosen, offered
from simulator.sip.server import Server
from simulator.sip.trunk_stream import TrunkStream
from simulator.sip.wire import Address, Wire
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.facts import CallFacts, Hangup
from simulator.telnyx.media.options import Codec

GONE = Hangup("unspecified", "unknown", "408")
"""The far end does not answer any more."""


@dataclass(frozen=True)
class Endpoint:
    """One transport, and who speaks SIP over it. `ports` are those for audio."""

    wire: Wire
    server: Server
    client: Client
    ports: PortAllocator

    @property
    def host(self) -> str:
        return self.wire.local_addr[0]


class SipCall:
    """`dialog` is there once SIP has one; `remote` is where its requests go."""

    def __init__(self, endpoint: Endpoint, on_over: Callable[[SipCall], None]) -> None:
        self.endpoint = endpoint
        self.dialog: Dialog | None = None
        self.remote: Address = ("", 0)
        self.leg: CallLeg | None = None
        self.session = str(secrets.randbits(48))
        self.far_end_left = False
        self.handing_over = self.handed_over = False
        """The telephone rings, or talks to, another one; then the call stays when the far end leaves."""
        self._codec: Codec = "PCMU"
        self._on_over = on_over

    @property
    def call_id(self) -> str:
        return "" if self.dialog is None else self.dialog.call_id

    def stream_of(self, leg: CallLeg) -> TrunkStream:
        assert isinstance(leg.stream, TrunkStream)
        return leg.stream

    def left(self) -> None:
        """The far end has hung up; its request is answered already."""
        self.far_end_left = True
        if self.leg is None:
            return
        if self.handed_over and self.leg.bridge is not None:
            self.stream_of(self.leg).leave()
        else:
            self.leg.application_hangs_up()

    def lost(self) -> None:
        """The far end does not answer any more."""
        if self.leg is not None:
            self.leg.hang_up(GONE)

    def renegotiate(self, offer: SdpMessage) -> SdpMessage:
        """Hold, resume, another address or codec. Raises NoCommonCodec."""
        assert self.leg is not None
        stream = self.stream_of(self.leg)
        codec = chosen(offer, (self._codec,))
        answer, agreed = answered(offer, codec, self.endpoint.host, stream.port, self.session)
        self._codec = codec
        stream.agree(agreed)
        return answer

    def as_it_is(self) -> SdpMessage:
        """What is agreed upon, as an offer."""
        assert self.leg is not None
        return offered((self._codec,), self.endpoint.host, self.stream_of(self.leg).port, self.session)

    async def see_out(self, leg: CallLeg) -> None:
        """Wait for the leg's end, and end the SIP call with it unless the far end did."""
        await leg.hung_up.wait()
        hangup = leg.hangup or GONE
        try:
            if not self.far_end_left:
                self.end(hangup)
        finally:
            self._on_over(self)
            await leg.over.wait()

    def end(self, hangup: Hangup) -> None:
        """Say goodbye, in whatever state the dialog is."""
        dialog = self.dialog
        if dialog is not None and dialog.state is DialogState.CONFIRMED:
            host, port = self.endpoint.wire.local_addr
            bye = dialog.create_request("BYE", via_host=host, via_port=port)
            bye.headers.set_single("Reason", HUNG_UP)
            dialog.terminate()
            self.endpoint.wire.send(bye, self.remote)


def identifying(facts: CallFacts) -> tuple[tuple[str, str], ...]:
    """The headers by which Telnyx names the leg (livekit-sip makes attributes of them)."""
    return (("X-call_leg_id", facts.ids.call_leg_id), ("X-call_session_id", facts.ids.call_session_id))
